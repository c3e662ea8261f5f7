"""The ledger on disk: grants within the cap, owners that die, and a file that is lost."""

import stat

import pytest

from fakes.clock import FakeClock
from fakes.spend import TODAY, MemoryEvents
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile, size_grant
from keeptrusts.gateway.spend.slices import Claim, LedgerUnavailable, Report, SliceRequest

TOMORROW_NS = 1_795_478_400_000_000_000


def ask(need=0, want=0, *, wait=None, cap=100, bucket="pack", day=TODAY, **totals):
    given = {"spent_micros": 0, "returned_micros": 0, "held_micros": 0} | {
        f"{name}_micros": value for name, value in totals.items() if name != "is_last"
    }
    return SliceRequest(
        bucket=bucket, day=day, resets_ns=TOMORROW_NS, cap_micros=cap, need_micros=need,
        wait_micros=need if wait is None else wait, want_micros=want,
        is_last=totals.get("is_last", False), **given,
    )  # fmt: skip


@pytest.fixture
def events():
    return MemoryEvents()


@pytest.fixture
def open_file(tmp_path, events):
    files = []

    def open_file():
        files.append(LedgerFile(tmp_path / LEDGER_NAME, events, FakeClock()))
        return files[-1]

    yield open_file
    for file in files:
        file.close()


@pytest.fixture
def file(open_file):
    return open_file()


def claim(file, spool="0", owner=None, seq=0):
    file.claim(Claim(owner=owner or f"boot-{spool}", spool=spool, seq=seq))


def lease(file, *requests, spool="0", owner=None, seq=0):
    return file.lease(Report(owner=owner or f"boot-{spool}", spool=spool, seq=seq, requests=requests))


def granted(file, request, **who):
    [grant] = lease(file, request, **who).grants.grants
    return grant.granted_micros


def test_what_is_needed_is_granted_while_it_fits_under_the_cap_and_nothing_otherwise(file):
    claim(file)
    assert granted(file, ask(60)) == 60
    assert granted(file, ask(41)) == 60
    assert granted(file, ask(40)) == 100


@pytest.mark.parametrize(
    ("need", "wait", "want", "room", "granted"),
    [(10, 10, 0, 10, 10), (10, 10, 99, 810, 109), (10, 10, 999, 810, 110), (10, 90, 99, 50, 50), (10, 90, 99, 9, 0),
     (0, 0, 50, 80, 10), (0, 0, 50, 0, 0), (0, 0, 50, -5, 0), (5, 5, 5, -5, 0)],
)  # fmt: skip
def test_those_who_wait_get_what_there_is_and_ahead_of_them_goes_a_share(need, wait, want, room, granted):
    assert size_grant(ask(need, want, wait=wait), room) == granted


def test_workers_share_one_cap_and_learn_what_the_others_spent(file):
    claim(file, "0")
    claim(file, "1")
    granted(file, ask(60))
    lease(file, ask(spent=20, held=30))
    [grant] = lease(file, ask(50), spool="1").grants.grants
    assert (grant.granted_micros, grant.others_spent_micros, grant.others_leased_micros) == (0, 20, 40)
    assert grant.others_held_micros == 30
    assert granted(file, ask(40), spool="1") == 40


def test_what_is_handed_back_can_be_granted_to_others(file):
    claim(file, "0")
    claim(file, "1")
    granted(file, ask(100))
    assert granted(file, ask(50), spool="1") == 0
    lease(file, ask(returned=60, held=40))
    assert granted(file, ask(50), spool="1") == 50


def test_whoever_holds_back_what_another_needs_is_asked_for_it_once(file):
    for spool in "012":
        claim(file, spool)
    granted(file, ask(60))
    granted(file, ask(40), spool="1")
    recalls = lease(file, ask(50), spool="2").recalls
    assert [(owner, recall.bucket, recall.day) for owner, recall in recalls] == [
        ("boot-0", "pack", TODAY),
        ("boot-1", "pack", TODAY),
    ]
    assert lease(file, ask(50), spool="2").recalls == ()
    lease(file, ask(held=60))
    assert [owner for owner, _ in lease(file, ask(50), spool="2").recalls] == ["boot-0"]


def test_nobody_is_asked_while_there_is_room_or_where_all_is_spent(file):
    claim(file, "0")
    claim(file, "1")
    granted(file, ask(60))
    assert lease(file, ask(40), spool="1").recalls == ()
    lease(file, ask(spent=60))
    assert lease(file, ask(1, spent=40), spool="1").recalls == ()


def test_a_cost_beyond_the_slice_counts_against_everybody(file):
    claim(file, "0")
    claim(file, "1")
    granted(file, ask(50))
    lease(file, ask(spent=60, held=10))
    assert granted(file, ask(31), spool="1") == 0
    assert granted(file, ask(30), spool="1") == 30


def test_what_was_spent_beyond_a_slice_is_made_up_for_once_and_not_twice(file):
    claim(file)
    granted(file, ask(50))
    assert granted(file, ask(20 + 31, spent=70)) == 50
    assert granted(file, ask(20 + 30, spent=70)) == 100


def test_a_report_that_comes_twice_changes_nothing(file):
    claim(file)
    granted(file, ask(60))
    report = ask(spent=20, returned=30, held=10)
    assert [granted(file, report), granted(file, report)] == [60, 60]
    assert granted(file, ask(50, spent=20, returned=30, held=10)) == 110


def test_another_cap_counts_from_its_first_report_and_keeps_what_was_spent(file):
    claim(file)
    granted(file, ask(60))
    assert granted(file, ask(1, cap=50, spent=50, returned=10)) == 60
    assert granted(file, ask(100, cap=150, spent=50, returned=10)) == 160


def test_buckets_and_days_do_not_touch_each_other(file):
    claim(file)
    requests = [ask(100), ask(100, bucket="gk_c1"), ask(100, day="2026-11-24")]
    assert [grant.granted_micros for grant in lease(file, *requests).grants.grants] == [100, 100, 100]


def test_a_dead_workers_slice_is_closed_with_what_its_events_say(file, events):
    claim(file)
    granted(file, ask(100))
    events.write("0", "pack", TODAY, 10)
    lease(file, ask(spent=10, held=50), seq=1)
    events.write("0", "pack", TODAY, 20)  # never reported
    events.write("0", "gk_c1", TODAY, 5)
    claim(file, owner="boot-later", seq=3)
    [grant] = lease(file, ask(70), owner="boot-later", seq=3).grants.grants
    assert (grant.granted_micros, grant.others_spent_micros, grant.others_leased_micros) == (70, 30, 0)


def test_events_that_a_report_included_are_not_counted_again(file, events):
    claim(file)
    granted(file, ask(100))
    events.write("0", "pack", TODAY, 10)
    lease(file, ask(spent=10), seq=1)
    for boot in ("boot-a", "boot-b", "boot-b"):
        claim(file, owner=boot, seq=1)
    assert granted(file, ask(90), owner="boot-b") == 90


def test_another_workers_slice_stays_where_one_dies(file):
    claim(file, "0")
    claim(file, "1")
    granted(file, ask(30))
    granted(file, ask(50), spool="1")
    claim(file, "0", owner="boot-later")
    assert granted(file, ask(51), owner="boot-later") == 0
    assert granted(file, ask(50), owner="boot-later") == 50


def test_a_worker_that_was_taken_for_dead_is_heard_no_more(file):
    claim(file)
    claim(file, owner="boot-later")
    with pytest.raises(LedgerUnavailable, match="another owner"):
        lease(file, ask(10), owner="boot-0")
    with pytest.raises(LedgerUnavailable, match="another owner"):
        lease(file, ask(10), spool="7")


def test_a_slice_that_is_given_up_leaves_what_it_spent(file, events):
    claim(file)
    granted(file, ask(60))
    events.write("0", "pack", TODAY, 15)
    last = ask(spent=15, returned=45, is_last=True)
    lease(file, last, seq=1)
    lease(file, last, seq=1)  # once more, as after a lost answer
    assert granted(file, ask(85), seq=1) == 85
    claim(file, owner="boot-later", seq=1)
    assert granted(file, ask(86), owner="boot-later", seq=1) == 0


def test_what_was_noted_survives_the_process(file, open_file, events):
    claim(file)
    granted(file, ask(60))
    events.write("0", "pack", TODAY, 25)
    lease(file, ask(spent=25), seq=1)
    file.close()
    again = open_file()
    claim(again, owner="boot-later", seq=1)
    assert granted(again, ask(76), owner="boot-later", seq=1) == 0
    assert granted(again, ask(75), owner="boot-later", seq=1) == 75


@pytest.mark.parametrize("damage", ["lost", "no database", "broken pages"])
def test_a_ledger_that_is_lost_or_damaged_is_made_anew_from_the_events(file, open_file, events, tmp_path, damage):
    claim(file)
    granted(file, ask(60))
    for _ in range(3):
        events.write("0", "pack", TODAY, 10)
    lease(file, ask(spent=30), seq=3)
    file.close()
    path = tmp_path / LEDGER_NAME
    match damage:
        case "lost":
            path.unlink()
        case "no database":
            path.write_bytes(b"not a database, by any means " * 40)
        case _:
            text = bytearray(path.read_bytes())
            text[4096:] = bytes(reversed(text[4096:]))
            path.write_bytes(text)
    again = open_file()
    claim(again, owner="boot-later", seq=3)
    assert granted(again, ask(71), owner="boot-later", seq=3) == 0
    assert granted(again, ask(70), owner="boot-later", seq=3) == 70
    assert list(tmp_path.glob("spend.db.damaged")) == ([] if damage == "lost" else [tmp_path / "spend.db.damaged"])


def test_after_a_power_cut_numbers_that_are_used_again_count_again(file, events):
    claim(file)
    granted(file, ask(100))
    for _ in range(3):
        events.write("0", "pack", TODAY, 10)
    lease(file, ask(spent=30), seq=3)
    del events.spools["0"][1:]  # the disk never had them
    claim(file, owner="boot-later", seq=1)
    events.write("0", "pack", TODAY, 7)
    claim(file, owner="boot-last", seq=2)
    assert granted(file, ask(64), owner="boot-last", seq=2) == 0
    assert granted(file, ask(63), owner="boot-last", seq=2) == 63


def test_days_long_past_are_forgotten(file, events):
    claim(file)
    lease(file, ask(10, day="2026-10-01"), ask(10, day="2026-11-01"))
    claim(file, owner="boot-later")
    assert [row[0] for row in file._db.execute("SELECT day FROM days")] == ["2026-11-01"]


def test_only_the_gateways_user_can_read_it(file, tmp_path):
    claim(file)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_disk_that_refuses_grants_nothing(tmp_path, events):
    file = LedgerFile(tmp_path / "missing" / LEDGER_NAME, events, FakeClock())
    with pytest.raises(LedgerUnavailable, match=r"spend\.db"):
        claim(file)


def test_the_file_of_a_later_version_is_left_alone(file, open_file, tmp_path):
    claim(file)
    file._db.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(LedgerUnavailable, match="another version"):
        claim(open_file())
    assert (tmp_path / LEDGER_NAME).exists()
