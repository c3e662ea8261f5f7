import os
import stat
import subprocess
import sys
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from keeptrusts.contract.events import Gap
from keeptrusts.runtime.records import EVENT, GAP, MAX_PAYLOAD_BYTES, NOTE
from keeptrusts.runtime.segments import SpoolLimits, list_segments, segment_path
from keeptrusts.runtime.spool import Spool, SpoolFull
from keeptrusts.runtime.spool_reader import SpoolReader
from keeptrusts.runtime.spool_recovery import load_cursor

SMALL = SpoolLimits(max_bytes=4000, max_age_s=700, segment_bytes=400)


def open_spool(directory, *, limits=SMALL, clock=None, awaits_upload=False):
    return Spool(directory, boot_id="b1", clock=clock or FakeClock(), limits=limits, awaits_upload=awaits_upload)


def payload(seq):
    return b'{"seq":%d,"rest":"%b"}' % (seq, b"x" * 60)


def fill(spool, count, **options):
    for _ in range(count):
        spool.append(payload, **options)


def contents(directory):
    """Events by number, ranges declared lost, and numbers in the order they stand."""
    records = list(SpoolReader(directory, is_live=False).read())
    events = {record.seq: record.payload for record in records if record.kind == EVENT}
    gaps = [msgspec.json.decode(record.payload, type=Gap) for record in records if record.kind == GAP]
    return events, gaps, [record.seq for record in records if record.kind != NOTE]


def undeclared(directory):
    """Numbers missing between the first and the last that no gap names and that nobody acknowledged."""
    _, gaps, seqs = contents(directory)
    missing = set(range(seqs[0], seqs[-1])) - set(seqs) if seqs else set()
    return missing - declared(gaps) - set(range(load_cursor(directory).seq + 1))


def declared(gaps):
    return {n for gap in gaps for n in range(gap.first_seq, gap.last_seq + 1)}


def test_events_are_numbered_from_one_without_holes_across_starts(tmp_path):
    for start in range(3):
        with closing(open_spool(tmp_path)) as spool:
            assert spool.next_seq == start * 4 + 1
            fill(spool, 4)
    events, gaps, seqs = contents(tmp_path)
    assert seqs == list(range(1, 13))
    assert events[7] == payload(7)
    assert gaps == []


def test_what_was_appended_is_readable_at_once(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        reader = SpoolReader(tmp_path)
        for seq in range(1, 30):
            assert spool.append(payload) == payload(seq)
            assert [record.payload for record in reader.read()] == [payload(seq)]
        assert len(list_segments(tmp_path)) > 3


def test_nobody_else_may_read(tmp_path):
    directory = tmp_path / "spool" / "0"
    with closing(open_spool(directory)) as spool:
        fill(spool, 10)
        spool.acknowledge(SpoolReader(directory).position, 1)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


actions = st.lists(st.sampled_from(["event", "event", "note", "strict", "sync", "tidy", "reopen", "acknowledge"]))


@settings(max_examples=60, deadline=None)
@given(before=actions, cut=st.integers(0, 500), after=actions)
def test_a_crash_costs_no_whole_record_and_leaves_no_silent_hole(tmp_path_factory, before, cut, after):
    directory = tmp_path_factory.mktemp("spool")
    spool = perform(open_spool(directory), before)
    spool.sync()
    expected, _, _ = contents(directory)
    last = segment_path(directory, list_segments(directory)[-1])
    os.truncate(last, max(0, last.stat().st_size - cut))
    survived, _, _ = contents(directory)
    perform(open_spool(directory), after).close()
    kept, gaps, seqs = contents(directory)
    assert sorted(set(seqs)) == seqs
    assert undeclared(directory) == set()
    gone = declared(gaps) | set(range(load_cursor(directory).seq + 1))
    assert all(kept.get(seq) == text or seq in gone for seq, text in survived.items())
    assert all(survived[seq] == text for seq, text in expected.items() if seq in survived)
    spool.close()


def perform(spool, actions):
    for action in actions:
        if action == "reopen":
            directory = spool.directory
            spool.close()
            spool = open_spool(directory)
        elif action == "note":
            spool.append_note(b"note")
        elif action == "acknowledge":
            reader = SpoolReader(spool.directory)
            list(reader.read())
            spool.acknowledge(reader.position, spool.next_seq - 1)
        elif action in {"sync", "tidy"}:
            getattr(spool, action)()
        else:
            spool.append(payload, strict=action == "strict")
    return spool


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_is_survived_and_declared(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("spool")
    with closing(open_spool(directory)) as spool:
        fill(spool, data.draw(st.integers(1, 12)))
    for number in list_segments(directory)[-2:]:
        path = segment_path(directory, number)
        content = bytearray(path.read_bytes())
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
            content[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
    before, _, _ = contents(directory)
    for _ in range(2):
        with closing(open_spool(directory)) as spool:
            fill(spool, 2)
    after, gaps, _ = contents(directory)
    assert undeclared(directory) == set()
    assert before.items() <= after.items()
    assert len({gap.first_seq for gap in gaps}) == len(gaps)  # declared once, not at each start


def test_a_full_log_drops_its_old_end_and_says_so(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        fill(spool, 100)
        assert spool.lost == 0  # nobody waited for them
        assert not spool.is_degraded
    events, gaps, seqs = contents(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.log")) <= SMALL.max_bytes
    assert seqs[-1] == len(events) + (seqs[0] - 1) + len([gap for gap in gaps if gap.seq >= seqs[0]])
    assert gaps[-1].reason == "overflow"
    assert gaps[-1].count == gaps[-1].last_seq - gaps[-1].first_seq + 1
    assert gaps[-1].last_seq == seqs[0] - 1


def test_what_a_crash_kept_from_being_deleted_is_deleted_at_the_next_start(tmp_path):
    spool = open_spool(tmp_path)
    fill(spool, 100)
    assert list(tmp_path.glob("*.gone"))
    open_spool(tmp_path).close()
    assert not list(tmp_path.glob("*.gone"))
    spool.close()


def test_events_that_are_awaited_count_as_lost(tmp_path):
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        fill(spool, 100)
        _, _, seqs = contents(tmp_path)
        assert spool.lost == seqs[0] - 1
        assert spool.is_degraded
        assert spool.pending == spool.next_seq - 1


def test_what_was_acknowledged_is_neither_pending_nor_a_loss(tmp_path):
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        reader = SpoolReader(tmp_path)
        for _ in range(100):
            fill(spool, 1)
            record = list(reader.read())[-1]
            spool.acknowledge(reader.position, record.seq)
        assert (spool.pending, spool.lost, spool.is_degraded) == (0, 0, False)
    assert contents(tmp_path)[1] == []
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        assert spool.cursor.seq == 100


def test_acknowledging_never_goes_back(tmp_path):
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        fill(spool, 3)
        reader = SpoolReader(tmp_path)
        list(reader.read())
        spool.acknowledge(reader.position, 3)
        spool.acknowledge(SpoolReader(tmp_path).position, 1)
        assert spool.pending == 0


@pytest.mark.parametrize("content", [b"", b"{", b'{"segment":"x"}', b"\xff\xff"])
def test_a_damaged_cursor_counts_as_none(tmp_path, content):
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        fill(spool, 3)
    (tmp_path / "cursor").write_bytes(content)
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        assert spool.pending == 3
        assert spool.next_seq == 4


def test_a_strict_record_is_refused_rather_than_another_one_lost(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        with pytest.raises(SpoolFull, match="has reached its cap of 4000 bytes"):
            fill(spool, 100, strict=True)
        assert spool.is_full
        assert spool.is_degraded
        written = spool.next_seq - 1
        with pytest.raises(SpoolFull):
            spool.append_note(b"open", strict=True)
    _, gaps, seqs = contents(tmp_path)
    assert seqs == list(range(1, written + 1))
    assert gaps == []


def test_ordinary_records_make_way_for_strict_ones(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        fill(spool, 30)
        strict = {spool.append(payload, strict=True) for _ in range(10)}
        fill(spool, 30)
    events, _, _ = contents(tmp_path)
    assert strict <= set(events.values())
    assert undeclared(tmp_path) == set()


def test_strict_records_are_still_protected_after_a_restart(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        fill(spool, 5, strict=True)
    with closing(open_spool(tmp_path)) as spool:
        fill(spool, 100)
    events, _, _ = contents(tmp_path)
    assert {1, 2, 3, 4, 5} <= set(events)


def test_a_call_that_was_let_in_is_recorded_though_the_cap_is_reached(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        with pytest.raises(SpoolFull):
            fill(spool, 100, strict=True)
        seq = spool.next_seq
        spool.append(payload, strict=True, is_admitted=True)
    assert contents(tmp_path)[0][seq] == payload(seq)


def test_a_full_spool_takes_records_again_after_an_acknowledgement(tmp_path):
    with closing(open_spool(tmp_path, awaits_upload=True)) as spool:
        with pytest.raises(SpoolFull):
            fill(spool, 100, strict=True)
        spool.append(payload)
        assert spool.lost == 1
        reader = SpoolReader(tmp_path)
        list(reader.read())
        spool.acknowledge(reader.position, spool.next_seq - 2)
        spool.tidy()
        assert not spool.is_full
        fill(spool, 2, strict=True)
    assert undeclared(tmp_path) == set()
    assert contents(tmp_path)[1][0].reason == "overflow"


def test_old_events_go_even_from_a_quiet_gateway(tmp_path):
    clock = FakeClock()
    with closing(open_spool(tmp_path, clock=clock)) as spool:
        fill(spool, 2)
        for _ in range(9):
            clock.advance(SMALL.max_age_s / 6)
            spool.tidy()
        events, gaps, _ = contents(tmp_path)
        assert events == {}
        assert [(gap.first_seq, gap.last_seq, gap.reason) for gap in gaps] == [(1, 2, "expired")]


def test_each_new_segment_repeats_the_notes_that_are_still_needed(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        spool.carry = lambda: [b"still open"]
        fill(spool, 20)
        assert b"still open" in {record.payload for record in spool.read_recent()}
        assert len(list_segments(tmp_path)) > 4


def test_a_record_beyond_all_measure_is_a_declared_loss(tmp_path):
    with closing(open_spool(tmp_path, limits=SpoolLimits())) as spool:
        spool.append(lambda _: b"x" * (MAX_PAYLOAD_BYTES + 1))
        assert spool.lost == 1
        fill(spool, 1)
    _, gaps, _ = contents(tmp_path)
    assert [(gap.first_seq, gap.last_seq, gap.reason) for gap in gaps] == [(1, 1, "write_failed")]


def test_a_loss_that_a_reader_found_is_declared(tmp_path):
    with closing(open_spool(tmp_path)) as spool:
        fill(spool, 3)
        spool.declare_loss(1, 2, "corrupt")
        spool.tidy()
        assert spool.lost == 2
    assert [(gap.first_seq, gap.count, gap.reason) for gap in contents(tmp_path)[1]] == [(1, 2, "corrupt")]


FULL_DISK = """
import resource
import signal
import sys
from pathlib import Path
from fakes.clock import FakeClock
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool, SpoolFull

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]), boot_id="b1", clock=FakeClock(), limits=SpoolLimits())
payload = lambda seq: b"%05d" % seq + b"x" * 95
for _ in range(50):
    spool.append(payload)
resource.setrlimit(resource.RLIMIT_FSIZE, (8000, resource.RLIM_INFINITY))
for _ in range(50):
    spool.append(payload)
assert spool.lost and spool.is_failing and "disk is full or broken" in spool.complaint, spool.complaint
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    spool.append(payload, strict=True)
except SpoolFull:
    print("refused", spool.lost, spool.next_seq)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for _ in range(10):
    spool.append(payload, strict=True)
print("again", spool.is_failing)
"""


def test_a_full_disk_costs_declared_events_and_refuses_strict_ones(tmp_path):
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(run, env=paths, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    refused, again = done.stdout.splitlines()
    _, lost, next_seq = refused.split()
    assert (next_seq, again) == ("101", "again False")
    events, gaps, _ = contents(tmp_path)
    assert [(gap.count, gap.last_seq, gap.reason) for gap in gaps] == [(int(lost), 100, "write_failed")]
    assert len(events) == 110 - int(lost)
    assert undeclared(tmp_path) == set()
