"""What a spool finds when it is opened again: after a clean end, a SIGKILL, a power cut, or damage on the disk."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeptrusts.contract.events import Gap
from keeptrusts.runtime.records import GAP
from keeptrusts.runtime.segments import Segment, describe_segments, segment_path
from keeptrusts.runtime.spool_reader import Position, SpoolReader

CURSOR_NAME = "cursor"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the events were acknowledged. Stored beside the segments."""

    segment: int = 0
    offset: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The segments, the last one cut back behind its last intact record; `holes` are losses not declared yet."""

    segments: list[Segment]
    next_seq: int
    holes: list[tuple[int, int]]


def recover_segments(directory: Path, cursor: Cursor) -> Recovered:
    """Look at all segments and read the last two: older ones were whole when they were left behind."""
    segments = describe_segments(directory)
    reader = SpoolReader(directory, Position(segments[-2:][0].number) if segments else None, is_live=False)
    declared = [msgspec.json.decode(record.payload, type=Gap) for record in reader.read() if record.kind == GAP]
    holes = [
        hole
        for hole in reader.holes
        if not any(gap.first_seq <= hole[0] and hole[1] <= gap.last_seq for gap in declared)
    ]
    next_seq = max(1, cursor.seq + 1, reader.next_seq)
    if segments:
        last = segments[-1]
        last.last_seq = next_seq - 1
        last.size = reader.position.offset
        os.truncate(segment_path(directory, last.number), last.size)
    return Recovered(segments=segments, next_seq=next_seq, holes=holes)


def load_cursor(directory: Path) -> Cursor:
    """The stored cursor. A missing or damaged one counts as none: then events are sent twice, and stored once."""
    try:
        return msgspec.json.decode((directory / CURSOR_NAME).read_bytes(), type=Cursor)
    except (OSError, msgspec.MsgspecError):
        return Cursor()


def store_cursor(directory: Path, cursor: Cursor) -> None:
    """Replace the stored cursor in one step. Blocks on the disk."""
    draft = directory / f"{CURSOR_NAME}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(cursor))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(directory / CURSOR_NAME)
