import os
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_facts, make_outcome
from keeptrusts.contract.events import (
    Attempt,
    DecisionEvent,
    Gap,
    OpenRecord,
    Origin,
    Outcome,
    PolicyOutcome,
    SpoolRecord,
)
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of, open_outbox
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool
from keeptrusts.runtime.spool_reader import SpoolReader

SOURCE = compile_source(ORIGIN, is_audited=False)
AUDITED = compile_source(ORIGIN, is_audited=True)
SMALL = SpoolLimits(max_bytes=40_000, max_age_s=600, segment_bytes=4000)
BOOT = "01a209378c737f48b6646010d9212267"


def open_box(directory, *, limits=SMALL, boot_id=BOOT, lines=None):
    spool = Spool(directory, boot_id=boot_id, clock=FakeClock(), limits=limits)
    return Outbox(spool, boot_id=boot_id, lines=lines)


@contextmanager
def outbox_in(directory, **options):
    box = open_box(directory, **options)
    try:
        yield box
    finally:
        box.shut_down()


def records(directory):
    return [msgspec.json.decode(record.payload, type=SpoolRecord) for record in SpoolReader(directory).read()]


def events(directory):
    return [record for record in records(directory) if isinstance(record, DecisionEvent)]


def new_call():
    return new_hex(START_NS)


def test_a_call_leaves_an_open_record_and_then_its_event(tmp_path):
    call = new_call()
    with outbox_in(tmp_path) as box:
        box.open(call, START_NS, SOURCE, members_of(make_facts()))
        assert [type(record) for record in records(tmp_path)] == [OpenRecord]
        box.close(call, START_NS, SOURCE, members_of(make_outcome()))
        opened, event = records(tmp_path)
    assert opened.request_id == event.request_id == f"req_{call}"
    assert event.id == f"evt_{call}"
    assert (event.seq, event.boot_id) == (1, BOOT)
    assert b'"timestamp":"2026-11-23T14:00:00.123456Z"' in msgspec.json.encode(event)
    assert len(records(tmp_path)) == 2


def test_a_call_refused_before_it_went_anywhere_leaves_its_event_alone(tmp_path):
    with outbox_in(tmp_path) as box:
        box.close(
            new_call(),
            START_NS,
            SOURCE,
            members_of(make_outcome(decision="block", status=400, target_id=None, attempts=())),
        )
    (event,) = records(tmp_path)
    assert event.decision == "block"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.none() | texts
counts = st.integers(0, 2**53)
durations = st.floats(0, 1e7, allow_nan=False)
usages = st.builds(
    Usage, input_tokens=counts, cached_input_tokens=counts, output_tokens=counts, estimated=st.booleans()
)
origins = st.builds(
    Origin,
    gateway_name=texts,
    gateway_id=names,
    instance_id=texts,
    configuration_id=names,
    configuration_version=st.none() | counts,
    config_name=texts,
    pack_version=texts,
    config_digest=texts,
    team=names,
    environment=names,
)
policies = st.builds(
    PolicyOutcome,
    kind=texts,
    phase=texts,
    verdict=st.sampled_from(["allow", "flag", "redact", "block"]),
    reason_code=names,
    findings=st.dictionaries(texts, counts, max_size=2),
)
outcomes = st.builds(
    Outcome,
    decision=st.sampled_from(["allow", "redact", "block"]),
    reason_code=names,
    client_request_id=names,
    route=texts,
    stream=st.booleans(),
    status=st.none() | st.integers(100, 599),
    error_code=names,
    key_id=names,
    user=names,
    model=names,
    provider=names,
    target_id=names,
    attempts=st.lists(st.builds(Attempt, target_id=texts, ms=durations), max_size=2).map(tuple),
    policies=st.lists(policies, max_size=2).map(tuple),
    usage=usages,
    cost_micros=st.none() | counts,
    latency_ms=durations,
    first_byte_ms=st.none() | durations,
    overhead_ms=durations,
)


@settings(max_examples=40, deadline=None)
@given(outcomes, origins, st.integers(0, 4 * 10**18), st.booleans())
def test_what_is_put_together_by_hand_is_what_the_types_say(tmp_path_factory, outcome, origin, received_ns, is_audited):
    directory = tmp_path_factory.mktemp("spool")
    call, source = new_call(), compile_source(origin, is_audited=is_audited)
    with outbox_in(directory) as box:
        box.open(call, received_ns, source, members_of(outcome))
        box.close(call, received_ns, source, members_of(outcome))
    opened, closed = (record.payload for record in SpoolReader(directory).read())
    event = msgspec.json.decode(closed, type=DecisionEvent)
    plain = {**msgspec.to_builtins(outcome), **msgspec.to_builtins(origin)}
    assert {**msgspec.to_builtins(event), **plain} == msgspec.to_builtins(event)
    assert same_but_for_the_time(closed, event)
    record = msgspec.json.decode(opened, type=OpenRecord)
    assert record.origin == origin
    assert record.is_audited == is_audited
    assert record.timestamp == event.timestamp


def same_but_for_the_time(text, event):
    """The types write `12:00:00Z` for a moment without a fraction; the outbox always writes six digits."""
    ours, theirs = msgspec.json.decode(text), msgspec.json.decode(msgspec.json.encode(event))
    assert len(ours.pop("timestamp")) == len("2026-11-23T14:00:00.123456Z")
    theirs.pop("timestamp")
    return ours == theirs


def crash(box):
    """The process is gone: nothing is flushed, nobody says goodbye. What the kernel has stays."""
    os.close(box._spool._descriptor)
    for descriptor in box._spool._retired:
        os.close(descriptor)


def test_calls_that_a_crash_cut_off_are_recorded_as_interrupted(tmp_path):
    box = open_box(tmp_path, boot_id="before")
    ended, cut = new_call(), new_call()
    box.open(ended, START_NS, SOURCE, members_of(make_facts()))
    box.open(cut, START_NS, AUDITED, members_of(make_facts(decision="redact", reason_code="pii_detected", stream=True)))
    box.close(ended, START_NS, SOURCE, members_of(make_outcome()))
    crash(box)
    for count in (1, 0):
        with outbox_in(tmp_path, boot_id="after") as opened:
            assert opened.interrupted == count
    first, interrupted = events(tmp_path)
    assert first.request_id == f"req_{ended}"
    assert interrupted.request_id == f"req_{cut}"
    assert (interrupted.decision, interrupted.reason_code) == ("redact", "pii_detected")
    assert (interrupted.error_code, interrupted.status) == ("interrupted", None)
    assert (interrupted.boot_id, interrupted.seq) == ("before", 2)
    assert interrupted.usage == Usage(input_tokens=120, estimated=True)
    assert (interrupted.cost_micros, interrupted.stream, interrupted.team) == (35, True, "alpha")
    assert interrupted.timestamp == first.timestamp


def test_a_long_call_is_found_again_however_many_segments_later(tmp_path):
    box = open_box(tmp_path)
    long_call = new_call()
    box.open(long_call, START_NS, SOURCE, members_of(make_facts()))
    for _ in range(60):
        box.close(new_call(), START_NS, SOURCE, members_of(make_outcome()))
    crash(box)
    with outbox_in(tmp_path):
        pass
    interrupted = [event.request_id for event in events(tmp_path) if event.error_code == "interrupted"]
    assert interrupted == [f"req_{long_call}"]


def test_calls_still_open_at_the_end_are_recorded_as_interrupted(tmp_path):
    with outbox_in(tmp_path) as box:
        box.open(new_call(), START_NS, SOURCE, members_of(make_facts()))
    assert [event.error_code for event in events(tmp_path)] == ["interrupted"]


def fill(box, source):
    for _ in range(100):
        call = new_call()
        box.open(call, START_NS, source, members_of(make_facts()))
        box.close(call, START_NS, source, members_of(make_outcome()))


def test_under_audit_a_full_spool_refuses_the_call_and_keeps_every_event(tmp_path):
    with outbox_in(tmp_path) as box:
        let_in = new_call()
        box.open(let_in, START_NS, AUDITED, members_of(make_facts()))
        with pytest.raises(Fault) as raised:
            fill(box, AUDITED)
        assert raised.value.code is Code.AUDIT_UNAVAILABLE
        assert str(tmp_path) not in raised.value.message
        with pytest.raises(Fault):
            box.close(new_call(), START_NS, AUDITED, members_of(make_outcome(decision="block")))
        box.close(let_in, START_NS, AUDITED, members_of(make_outcome()))
        assert box.is_degraded
        assert box.dropped == 0
    found = records(tmp_path)
    assert not [record for record in found if isinstance(record, Gap)]
    opened = {record.request_id for record in found if isinstance(record, OpenRecord)}
    assert opened == {record.request_id for record in found if isinstance(record, DecisionEvent)}
    assert f"req_{let_in}" in opened


def test_without_audit_a_full_spool_never_stands_in_the_way(tmp_path):
    with outbox_in(tmp_path) as box:
        fill(box, SOURCE)
        assert (box.pending, box.dropped, box.is_degraded) == (0, 0, False)
    found = events(tmp_path)
    assert found[-1].seq > 100 > len(found)


class Lines:
    def __init__(self):
        self.lines = []
        self.is_closed = False

    def put(self, line):
        assert not self.is_closed
        self.lines.append(line)

    def close(self):
        self.is_closed = True


def test_each_event_is_a_line_too_and_open_records_are_not(tmp_path):
    lines = Lines()
    with outbox_in(tmp_path, lines=lines) as box:
        call = new_call()
        box.open(call, START_NS, SOURCE, members_of(make_facts()))
        box.close(call, START_NS, SOURCE, members_of(make_outcome(model="two\nlines")))
    assert lines.is_closed
    (line,) = lines.lines
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=DecisionEvent).model == "two\nlines"


@pytest.mark.anyio
async def test_an_open_outbox_is_flushed_and_closed_with_its_block(tmp_path):
    async with open_outbox(tmp_path / "0", boot_id=BOOT, clock=FakeClock()) as box:
        call = new_call()
        box.open(call, START_NS, SOURCE, members_of(make_facts()))
        descriptor = box._spool._descriptor
        assert os.fstat(descriptor).st_size > 0
    assert [event.error_code for event in events(tmp_path / "0")] == ["interrupted"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
