from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.runtime.records import EVENT, HEAD, NOTE, PROTECTED_HEAD, encode_record
from keeptrusts.runtime.segments import (
    Retention,
    Segment,
    SpoolLimits,
    describe_segments,
    list_segments,
    read_segment,
    segment_path,
)

NOW = 10**18
LIMITS = SpoolLimits(max_bytes=1000, max_age_s=100, segment_bytes=100)


def make_segment(number, *, size=100, age_s=0, is_protected=False):
    return Segment(
        number=number,
        first_seq=number * 10,
        last_seq=number * 10 + 9,
        is_protected=is_protected,
        size=size,
        modified_ns=NOW - int(age_s * 10**9),
    )


def plan(segments, *, room=100, acknowledged=0, awaits=True):
    drops, suffices = Retention(limits=LIMITS, acknowledged=acknowledged, awaits=awaits).plan_drops(
        segments, room=room, now_ns=NOW
    )
    return [(segment.number, reason) for segment, reason in drops], suffices


def test_nothing_goes_while_there_is_room():
    assert plan([make_segment(n) for n in range(1, 10)]) == ([], True)


def test_the_oldest_goes_first():
    assert plan([make_segment(n) for n in range(1, 12)]) == ([(1, "overflow"), (2, "overflow")], True)


def test_what_was_acknowledged_goes_before_what_is_awaited():
    segments = [make_segment(1, is_protected=True), *[make_segment(n) for n in range(2, 12)]]
    assert plan(segments, acknowledged=3)[0] == [(1, "overflow"), (2, "overflow")]
    assert plan(segments, acknowledged=0)[0] == [(2, "overflow"), (3, "overflow")]


def test_what_is_protected_stays_until_it_was_acknowledged():
    segments = [make_segment(n, age_s=500, is_protected=True) for n in range(1, 12)]
    assert plan(segments) == ([], False)
    assert plan(segments, awaits=False) == ([], False)
    assert plan(segments, acknowledged=3) == ([(1, "expired"), (2, "expired")], True)


def test_age_alone_is_a_reason():
    assert plan([make_segment(1, age_s=101), make_segment(2, age_s=99)]) == ([(1, "expired")], True)


segments = st.lists(
    st.builds(
        make_segment,
        st.integers(1, 30),
        size=st.integers(0, 300),
        age_s=st.sampled_from([0, 99, 101]),
        is_protected=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda segment: segment.number,
).map(lambda found: sorted(found, key=lambda segment: segment.number))


@given(segments, st.integers(0, 500), st.integers(0, 30), st.booleans())
def test_a_plan_keeps_its_promises(found, room, acknowledged, awaits):
    numbers, suffices = plan(found, room=room, acknowledged=acknowledged, awaits=awaits)
    dropped = {number for number, _ in numbers}
    kept = [segment for segment in found if segment.number not in dropped]
    assert suffices == (sum(segment.size for segment in kept) + room <= LIMITS.max_bytes)
    assert all(segment.number < acknowledged or not segment.is_protected for segment in found if segment not in kept)
    if not suffices:
        assert all(segment.is_protected and segment.number >= acknowledged for segment in kept)


def test_only_files_with_a_number_for_a_name_are_segments(tmp_path):
    for name in ("0000000002.log", "0000000010.log", "cursor", "lock", "2.log", "0000000003.log.gz"):
        (tmp_path / name).touch()
    assert list_segments(tmp_path) == [2, 10]
    assert list_segments(tmp_path / "missing") == []


def test_a_segment_that_is_gone_reads_as_empty(tmp_path):
    assert read_segment(tmp_path, 7) == b""


def test_segments_are_described_by_their_heads(tmp_path):
    note = encode_record(NOTE, 0, b"{}")
    segment_path(tmp_path, 1).write_bytes(encode_record(HEAD, 1, b"") + note + encode_record(EVENT, 1, b"{}"))
    segment_path(tmp_path, 2).write_bytes(encode_record(PROTECTED_HEAD, 5, b""))
    segment_path(tmp_path, 3).write_bytes(note + encode_record(EVENT, 9, b"{}"))
    segment_path(tmp_path, 4).write_bytes(b"rubbish")
    found = [(one.number, one.first_seq, one.last_seq, one.is_protected) for one in describe_segments(tmp_path, 12)]
    assert found == [(1, 1, 4, False), (2, 5, 8, True), (3, 9, 11, True), (4, 12, 11, True)]
