from hypothesis import example, given
from hypothesis import strategies as st

from keeptrusts.runtime.records import EVENT, GAP, HEADER, MARK, MAX_PAYLOAD_BYTES, NOTE, encode_record, scan_records

payloads = st.lists(st.sampled_from([b"", b"{}", b'{"a":1}', MARK, MARK + b"e", b"x" * 60])).map(b"".join)
stored = st.lists(st.tuples(st.sampled_from([EVENT, NOTE, GAP]), st.integers(0, 2**64 - 1), payloads), max_size=8)


def write(records):
    return b"".join(encode_record(kind, seq, payload) for kind, seq, payload in records)


def read(data, *, is_whole=True):
    return [(record.kind, record.seq, record.payload) for record in scan_records(data, is_whole=is_whole)]


@given(stored, st.booleans())
def test_what_was_written_is_read(records, is_whole):
    assert read(write(records), is_whole=is_whole) == records


@given(stored, st.data())
def test_cut_anywhere_all_whole_records_are_read_and_no_other(records, data):
    whole = write(records)
    cut = data.draw(st.integers(0, len(whole)))
    expected = [record for n, record in enumerate(records) if len(write(records[: n + 1])) <= cut]
    assert read(whole[:cut]) == expected
    assert read(whole[:cut], is_whole=False) == expected


@given(stored.filter(bool), st.data())
@example([(EVENT, 1, b"{}")] * 3, None)
def test_one_changed_byte_costs_at_most_the_record_it_stands_in(records, data):
    whole = bytearray(write(records))
    at = len(whole) // 2 if data is None else data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 0x40 if data is None else data.draw(st.integers(1, 255))
    hit = next(n for n in range(len(records)) if len(write(records[: n + 1])) > at)
    assert read(bytes(whole)) == records[:hit] + records[hit + 1 :]


@given(st.lists(st.sampled_from([MARK, b"e", b"n", b"\0" * 8, b"\1", b"\xff", b"K"])).map(b"".join))
def test_noise_is_never_a_record_and_never_an_error(noise):
    assert read(noise) == []


def test_half_a_record_at_the_end_is_waited_for():
    first, second = encode_record(EVENT, 1, b"first"), encode_record(EVENT, 2, b"second")
    assert read(first + second[:-1], is_whole=False) == [(EVENT, 1, b"first")]
    assert read(first + second, is_whole=False) == [(EVENT, 1, b"first"), (EVENT, 2, b"second")]


def test_an_impossible_length_is_damage_and_not_waited_for():
    liar = HEADER.pack(MARK, EVENT, MAX_PAYLOAD_BYTES + 1, 0, 1)
    assert read(liar + encode_record(EVENT, 2, b"{}"), is_whole=False) == [(EVENT, 2, b"{}")]


def test_the_end_of_each_record_is_where_the_next_begins():
    data = write([(EVENT, 1, b"a"), (NOTE, 0, b"bb")])
    ends = [record.end for record in scan_records(data, is_whole=True)]
    assert ends == [HEADER.size + 1, len(data)]
