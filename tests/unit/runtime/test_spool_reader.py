from keeptrusts.runtime.records import EVENT, GAP, HEAD, NOTE, encode_record
from keeptrusts.runtime.segments import segment_path
from keeptrusts.runtime.spool_reader import Position, SpoolReader


def event(seq):
    return encode_record(EVENT, seq, b"%d" % seq)


def head(seq):
    return encode_record(HEAD, seq, b"")


def append(directory, number, *records):
    with segment_path(directory, number).open("ab") as file:
        file.write(b"".join(records))


def seqs(reader):
    return [record.seq for record in reader.read()]


def test_a_spool_that_is_not_there_yet_is_empty(tmp_path):
    assert seqs(SpoolReader(tmp_path / "missing")) == []


def test_a_reader_goes_on_where_it_stopped_across_segments(tmp_path):
    reader = SpoolReader(tmp_path)
    append(tmp_path, 1, head(1), event(1), event(2))
    assert seqs(reader) == [1, 2]
    assert seqs(reader) == []
    append(tmp_path, 1, event(3))
    append(tmp_path, 2, head(4), event(4))
    append(tmp_path, 3, head(5), event(5))
    assert seqs(reader) == [3, 4, 5]
    assert reader.holes == []


def test_every_position_is_one_to_begin_at(tmp_path):
    append(tmp_path, 1, head(1), event(1), event(2))
    append(tmp_path, 2, head(3), event(3))
    reader = SpoolReader(tmp_path)
    positions = [Position(), *[reader.position for _ in reader.read()]]
    assert [seqs(SpoolReader(tmp_path, position)) for position in positions] == [[1, 2, 3], [2, 3], [3], []]


def test_notes_are_given_and_not_counted(tmp_path):
    append(tmp_path, 1, head(1), encode_record(NOTE, 0, b"note"), event(1))
    reader = SpoolReader(tmp_path)
    assert [(record.kind, record.payload) for record in reader.read()] == [(NOTE, b"note"), (EVENT, b"1")]
    assert reader.holes == []


def test_half_a_record_is_read_once_it_is_whole(tmp_path):
    append(tmp_path, 1, head(1), event(1)[:-1])
    reader = SpoolReader(tmp_path)
    assert seqs(reader) == []
    append(tmp_path, 1, event(1)[-1:])
    assert seqs(reader) == [1]


def test_half_a_record_is_stepped_over_once_the_next_segment_stands(tmp_path):
    append(tmp_path, 1, head(1), event(1), event(2)[:-1])
    reader = SpoolReader(tmp_path)
    assert seqs(reader) == [1]
    append(tmp_path, 2, head(3), event(3))
    assert seqs(reader) == [3]
    assert reader.holes == [(2, 2)]


def test_damage_and_deleted_segments_are_holes(tmp_path):
    append(tmp_path, 1, head(1), event(1), event(2).replace(b"2", b"3"), event(3))
    append(tmp_path, 4, head(9), encode_record(GAP, 9, b"gap"), event(10))
    reader = SpoolReader(tmp_path)
    assert seqs(reader) == [1, 3, 9, 10]
    assert reader.holes == [(2, 2), (4, 8)]


def test_a_log_whose_old_end_was_deleted_has_no_hole(tmp_path):
    append(tmp_path, 5, head(50), event(50))
    reader = SpoolReader(tmp_path)
    assert seqs(reader) == [50]
    assert reader.holes == []
