import stat

import msgspec
import pytest

from keeptrusts.contract.events import Gap
from keeptrusts.runtime.records import EVENT, GAP, HEAD, encode_record
from keeptrusts.runtime.segments import segment_path
from keeptrusts.runtime.spool_recovery import Cursor, load_cursor, recover_segments, store_cursor


def write(directory, number, *records):
    segment_path(directory, number).write_bytes(b"".join(records))


def head(seq):
    return encode_record(HEAD, seq, b"")


def event(seq):
    return encode_record(EVENT, seq, b"%03d" % seq)


def gap(seq, first, last):
    declared = {"first_seq": first, "last_seq": last, "count": last - first + 1, "reason": "corrupt"}
    plain = {"event_type": "gap", "id": "evt_1", "seq": seq, "boot_id": "b", "timestamp": "2026-11-23T14:00:00Z"}
    return encode_record(GAP, seq, msgspec.json.encode(msgspec.convert({**plain, **declared}, Gap)))


def damaged(seq):
    return event(seq).replace(b"%03d" % seq, b"???")


def test_an_empty_directory_begins_with_one(tmp_path):
    found = recover_segments(tmp_path, Cursor())
    assert (found.segments, found.next_seq, found.holes) == ([], 1, [])


def test_half_a_record_at_the_end_is_cut_off(tmp_path):
    write(tmp_path, 1, head(1), event(1), event(2)[:-1])
    found = recover_segments(tmp_path, Cursor())
    assert found.next_seq == 2
    assert segment_path(tmp_path, 1).read_bytes() == head(1) + event(1)
    assert (found.segments[0].last_seq, found.segments[0].size) == (1, len(head(1) + event(1)))


def test_a_segment_with_nothing_intact_is_taken_away(tmp_path):
    write(tmp_path, 1, head(1), event(1))
    write(tmp_path, 2, head(2)[:7])
    found = recover_segments(tmp_path, Cursor())
    assert [one.number for one in found.segments] == [1]
    assert found.next_seq == 2


def test_a_hole_is_reported_unless_a_gap_declares_it(tmp_path):
    write(tmp_path, 1, head(1), event(1), damaged(2), event(3))
    assert recover_segments(tmp_path, Cursor()).holes == [(2, 2)]
    write(tmp_path, 2, head(4), gap(4, 2, 2))
    assert recover_segments(tmp_path, Cursor()).holes == []


def test_damage_at_the_start_of_a_segment_is_found_by_the_one_before(tmp_path):
    write(tmp_path, 1, head(1), event(1))
    write(tmp_path, 2, b"?" * len(head(2)), damaged(2), event(3))
    write(tmp_path, 3, head(4), event(4))
    assert recover_segments(tmp_path, Cursor()).holes == [(2, 2)]


def test_numbers_that_the_api_has_seen_are_not_given_again(tmp_path):
    write(tmp_path, 1, head(1), event(1))
    assert recover_segments(tmp_path, Cursor(segment=1, offset=100, seq=5)).next_seq == 6


def test_a_cursor_is_kept_privately(tmp_path):
    cursor = Cursor(segment=3, offset=77, seq=12, is_upload=True)
    store_cursor(tmp_path, cursor)
    store_cursor(tmp_path, cursor)
    assert load_cursor(tmp_path) == cursor
    assert [path.name for path in tmp_path.iterdir()] == ["cursor"]
    assert stat.S_IMODE((tmp_path / "cursor").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b'{"segment":"x"}', b"\xff\xff", b"[]"])
def test_a_damaged_cursor_is_none(tmp_path, content):
    (tmp_path / "cursor").write_bytes(content)
    assert load_cursor(tmp_path) == Cursor()
