"""What the events in a spool say was spent, wherever in it they stand."""

import pytest

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_outcome
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.gateway.spend.spooled import SpooledEvents
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool

PACK, KEY = ("pack", "2026-11-23"), ("gk_c1", "2026-11-24")


@pytest.fixture
def spool(tmp_path):
    """Small segments, so that the events stand in several."""
    limits = SpoolLimits(segment_bytes=4096, max_bytes=1 << 20)
    spool = Spool(tmp_path / "0", boot_id="b", clock=FakeClock(), limits=limits)
    yield spool
    spool.close()


def write(spool, *costs):
    outbox, source = Outbox(spool, boot_id="b"), compile_source(ORIGIN, is_audited=False)
    for (bucket, day), micros in costs:
        outcome = make_outcome(spend_bucket=bucket, spend_day=day, cost_micros=micros)
        outbox.close(new_hex(START_NS), START_NS, source, members_of(outcome))


def test_costs_are_summed_by_what_they_were_counted_in(spool, tmp_path):
    write(spool, (PACK, 10), (KEY, 5), (PACK, 7), ((None, None), 99), (PACK, None))
    events = SpooledEvents(tmp_path)
    assert events.spent("0", 0, 5) == {PACK: 17, KEY: 5}
    assert events.spent("0", 1, 3) == {PACK: 7, KEY: 5}
    assert events.spent("0", 0, 1) == {PACK: 10}
    assert events.spent("0", 5, 5) == events.spent("0", 9, 3) == {}


def test_only_the_segments_that_matter_are_read(spool, tmp_path):
    write(spool, *[(PACK, 1)] * 40)
    assert len(list((tmp_path / "0").glob("*.log"))) > 5
    events = SpooledEvents(tmp_path)
    assert events.spent("0", 0, 40) == {PACK: 40}
    assert events.spent("0", 30, 40) == {PACK: 10}
    (tmp_path / "0" / "0000000001.log").unlink()
    first = events.first_seq("0")
    assert first > 1
    assert events.spent("0", 0, 40) == {PACK: 41 - first}


def test_a_survey_sums_all_and_says_up_to_where_events_are_gone(spool, tmp_path):
    write(spool, *[(PACK, 1)] * 40)
    events = SpooledEvents(tmp_path)
    survey = events.survey("0", 40)
    assert (survey.sums, survey.last_lost) == ({PACK: 40}, 0)
    spool.declare_loss(41, 43, "write_failed")
    spool.next_seq = 44
    write(spool, (PACK, 1))
    assert [events.survey("0", upto).last_lost for upto in (40, 42, 99)] == [0, 42, 43]
    (tmp_path / "0" / "0000000001.log").unlink()
    assert events.survey("0", 40).last_lost == events.first_seq("0") - 1 > 0


def test_a_spool_that_is_not_there_has_nothing(tmp_path):
    assert (SpooledEvents(tmp_path).first_seq("7"), SpooledEvents(tmp_path).spent("7", 0, 9)) == (1, {})
