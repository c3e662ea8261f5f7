"""The ledger read from outside, and what cannot be verified any more."""

import pytest

from fakes.clock import FakeClock
from fakes.spend import TODAY, MemoryEvents
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile
from keeptrusts.gateway.spend.ledger_reader import Check, LedgerReader, open_reader
from keeptrusts.gateway.spend.slices import Claim, LedgerUnavailable, Report, SliceRequest


class Ledger:
    """One worker's ledger, its events, and a reader."""

    def __init__(self, folder):
        self.events = MemoryEvents()
        self.file = LedgerFile(folder / LEDGER_NAME, self.events, FakeClock())
        self.reader = LedgerReader(folder / LEDGER_NAME, self.events)

    def start(self, owner):
        self.file.claim(Claim(owner=owner, spool="0", seq=self.events.last_seq("0")))

    def report(self, owner, **totals):
        request = SliceRequest(bucket="pack", day=TODAY, resets_ns=1, cap_micros=100, **totals)
        self.file.lease(Report(owner=owner, spool="0", seq=self.events.last_seq("0"), requests=(request,)))


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.file.close()


def test_settled_slices_and_those_that_are_out_are_one_sum(ledger):
    ledger.start("a")
    ledger.report("a", need_micros=60, wait_micros=60)
    ledger.events.write("0", "pack", TODAY, 10)
    ledger.start("b")
    ledger.report("b", need_micros=50, wait_micros=50)
    ledger.events.write("0", "pack", TODAY, 20)
    ledger.report("b", spent_micros=20, held_micros=5)
    [row] = ledger.reader.budgets()
    assert (row.spent_micros, row.held_micros, row.leased_micros, row.left_micros) == (30, 5, 25, 65)
    assert ledger.reader.verify() == [Check("pack", TODAY, 30, 30)]


def test_a_day_of_which_events_are_gone_cannot_be_verified_and_a_later_one_can(ledger):
    ledger.start("a")
    ledger.report("a", need_micros=60, wait_micros=60)
    ledger.events.write("0", "pack", TODAY, 10)
    ledger.report("a", spent_micros=10)
    ledger.events.lost["0"] = 1
    later = SliceRequest(bucket="pack", day="2026-11-24", resets_ns=2, cap_micros=100)
    ledger.file.lease(Report(owner="a", spool="0", seq=1, requests=(later,)))
    first, second = ledger.reader.verify()
    assert (first.events_micros, first.difference_micros) == (None, 0)
    assert (second.events_micros, second.difference_micros) == (0, 0)


def test_events_that_the_ledger_knows_nothing_of_are_a_difference(ledger):
    ledger.start("a")
    ledger.report("a")
    ledger.events.write("0", "gk_c1", TODAY, 10)
    ledger.report("a")
    assert ledger.reader.verify()[-1] == Check("gk_c1", TODAY, 0, 10)
    assert ledger.reader.verify()[-1].difference_micros == -10


def test_a_ledger_that_was_made_anew_knows_no_cap_until_somebody_calls(ledger):
    ledger.events.write("0", "pack", TODAY, 10)
    ledger.start("a")
    [row] = ledger.reader.budgets()
    assert (row.cap_micros, row.spent_micros, row.left_micros, row.resets_ns) == (None, 10, None, None)


def test_what_is_no_ledger_of_ours_is_refused(tmp_path):
    with pytest.raises(LedgerUnavailable, match="counted no money"):
        open_reader(tmp_path)
    (tmp_path / LEDGER_NAME).write_bytes(b"nonsense" * 100)
    with pytest.raises(LedgerUnavailable, match="cannot read"):
        open_reader(tmp_path).budgets()
    (tmp_path / LEDGER_NAME).write_bytes(b"")
    with pytest.raises(LedgerUnavailable, match="another version"):
        open_reader(tmp_path).budgets()
