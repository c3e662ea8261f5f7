"""What a spool finds when it is opened again: after a clean end, a SIGKILL, a power cut, or damage on the disk."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeptrusts.contract.events import Gap
from keeptrusts.runtime.records import GAP, HEADS
from keeptrusts.runtime.segments import Segment, describe_segments, find_first, list_segments, segment_path
from keeptrusts.runtime.spool_reader import Position, SpoolReader

CURSOR_NAME = "cursor"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the events were acknowledged. Stored beside the segments.

    `is_upload`: the gateway moves it, as the API takes events; otherwise whoever exported them may.
    """

    segment: int = 0
    offset: int = 0
    seq: int = 0
    is_upload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The segments, the last one cut back behind its last intact record; `holes` are losses not declared yet."""

    segments: list[Segment]
    next_seq: int
    holes: list[tuple[int, int]]


def recover_segments(directory: Path, cursor: Cursor) -> Recovered:
    """Read the last two segments, and look at the others: those were whole when they were left behind."""
    numbers = list_segments(directory)
    reader = SpoolReader(directory, Position(_choose_first(directory, numbers)), is_live=False)
    declared = [msgspec.json.decode(record.payload, type=Gap) for record in reader.read() if record.kind == GAP]
    if numbers:
        _cut(directory, numbers[-1], reader.position)
    next_seq = max(1, cursor.seq + 1, reader.next_seq)
    return Recovered(
        segments=describe_segments(directory, next_seq),
        next_seq=next_seq,
        holes=[hole for hole in reader.holes if not any(_covers(gap, hole) for gap in declared)],
    )


def _choose_first(directory: Path, numbers: list[int]) -> int:
    """The last but one, or an earlier one where that has lost its head, which says what number comes first."""
    for number in numbers[-2::-1]:
        first = find_first(directory, number)
        if first and first.kind in HEADS:
            return number
    return numbers[0] if numbers else 0


def _cut(directory: Path, number: int, end: Position) -> None:
    """Take away what stands behind the last intact record: nobody was told that it is kept."""
    path = segment_path(directory, number)
    if end.segment == number and end.offset:
        os.truncate(path, end.offset)
    else:
        path.unlink()


def _covers(gap: Gap, hole: tuple[int, int]) -> bool:
    return gap.first_seq <= hole[0] and hole[1] <= gap.last_seq


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
    owner = directory.stat()
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)  # the gateway must be able to read it
        os.write(descriptor, msgspec.json.encode(cursor))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(directory / CURSOR_NAME)
