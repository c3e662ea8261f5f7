"""Reads a spool from a position on, while another process may be writing it. Changes nothing on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keeptrusts.runtime.records import HEADS, NUMBERED, Record, scan_records
from keeptrusts.runtime.segments import list_segments, read_segment


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two records: a segment, and an offset in bytes."""

    segment: int = 0
    offset: int = 0


class SpoolReader:
    """Follows a spool across its segments.

    `position` stands behind the record last given. `holes` are the numbers, first and last, that were skipped on the
    way because records are damaged or gone; those that a gap record declares are among them. `is_live`: a writer may be
    at work, so half a record at the very end is waited for, not stepped over.
    """

    def __init__(self, directory: Path, position: Position | None = None, *, is_live: bool = True) -> None:
        self.position = position or Position()
        self.holes: list[tuple[int, int]] = []
        self.next_seq = 0
        self._directory = directory
        self._is_live = is_live

    def read(self) -> Iterator[Record]:
        """Every record that is there by now; call again for what was written since."""
        while True:
            # Listed before it is read: the writer never returns to a segment once the next one stands.
            later = [number for number in list_segments(self._directory) if number > self.position.segment]
            number, offset = self.position.segment, self.position.offset
            data = read_segment(self._directory, number, offset)
            for record in scan_records(data, is_whole=bool(later) or not self._is_live):
                self.position = Position(number, offset + record.end)
                self._count(record)
                if record.kind not in HEADS:
                    yield record
            if not later:
                return
            self.position = Position(later[0])

    def _count(self, record: Record) -> None:
        is_numbered = record.kind in NUMBERED
        if not is_numbered and record.kind not in HEADS:
            return
        if 0 < self.next_seq < record.seq:
            self.holes.append((self.next_seq, record.seq - 1))
        self.next_seq = max(self.next_seq, record.seq + is_numbered)
