"""The files of a spool: named by number alone, listed, read, and chosen for deletion. Writes nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keeptrusts.contract.events import LossReason
from keeptrusts.runtime.records import HEADS, NOTE, PROTECTED_HEAD, Record, scan_records

_NAME = re.compile(r"^\d{10}\.log$")
_PEEK_BYTES = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Segment:
    """One file. `last_seq` is below `first_seq` while it holds no event.

    `is_protected`: it holds records that must not be dropped before they were acknowledged. `modified_ns` is when it
    was last written; of the one that is being written, when it was begun.
    """

    number: int
    first_seq: int
    last_seq: int
    is_protected: bool
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """How much a spool may keep, and in which portions."""

    max_bytes: int = 1 << 30
    max_age_s: int = 7 * 86400
    segment_bytes: int = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What may be deleted: `acknowledged` is the first segment that is not wholly acknowledged.

    Where nobody `awaits` events (there is no upload), the spool is a log, and its old end may go.
    """

    limits: SpoolLimits
    acknowledged: int
    awaits: bool

    def is_held(self, segment: Segment) -> bool:
        """It may not be deleted at all."""
        return segment.is_protected and segment.number >= self.acknowledged

    def is_awaited(self, segment: Segment) -> bool:
        """Deleting it loses something that somebody waits for."""
        return segment.number >= self.acknowledged and (self.awaits or segment.is_protected)

    def plan_drops(
        self, segments: Sequence[Segment], *, room: int, now_ns: int
    ) -> tuple[list[tuple[Segment, LossReason]], bool]:
        """Which segments go, and why, so that `room` bytes are free; and whether that suffices."""
        free = [segment for segment in segments if not self.is_held(segment)]
        oldest_ns = now_ns - self.limits.max_age_s * 1_000_000_000
        drops: list[tuple[Segment, LossReason]] = [(one, "expired") for one in free if one.modified_ns < oldest_ns]
        excess = sum(one.size for one in segments) + room - self.limits.max_bytes - sum(one.size for one, _ in drops)
        rest = sorted(
            (one for one in free if one.modified_ns >= oldest_ns), key=lambda one: (self.is_awaited(one), one.number)
        )
        for one in rest:
            if excess <= 0:
                break
            drops.append((one, "overflow"))
            excess -= one.size
        return drops, excess <= 0


def segment_path(directory: Path, number: int) -> Path:
    return directory / f"{number:010d}.log"


def list_segments(directory: Path) -> list[int]:
    """The numbers of the segments that are there, oldest first. A missing directory has none."""
    try:
        return sorted(int(path.stem) for path in directory.iterdir() if _NAME.match(path.name))
    except FileNotFoundError:
        return []


def read_segment(directory: Path, number: int, offset: int = 0, size: int = -1) -> bytes:
    """What stands behind `offset`. Empty where the segment was deleted meanwhile."""
    try:
        with segment_path(directory, number).open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(size) or b""
    except FileNotFoundError:
        return b""


def find_first(directory: Path, number: int) -> Record | None:
    """The first record that bears a number: the head, unless that is damaged."""
    records = scan_records(read_segment(directory, number, 0, _PEEK_BYTES), is_whole=True)
    return next((record for record in records if record.kind != NOTE), None)


def describe_segments(directory: Path, next_seq: int) -> list[Segment]:
    """All segments, oldest first, by their first record and the file system's word; none is read whole.

    `next_seq` is the number that the next event will have.
    """
    segments: list[Segment] = []
    for number in reversed(list_segments(directory)):
        status = segment_path(directory, number).stat()
        first = find_first(directory, number)
        first_seq = first.seq if first else next_seq
        segments.append(
            Segment(
                number=number,
                first_seq=first_seq,
                last_seq=next_seq - 1,
                # Where the head is damaged nobody can tell: then the segment is kept.
                is_protected=first is None or first.kind not in HEADS or first.kind == PROTECTED_HEAD,
                size=status.st_size,
                modified_ns=status.st_mtime_ns,
            )
        )
        next_seq = first_seq
    return segments[::-1]
