"""What the spooled decision events say was spent: the truth that a ledger is recovered from and held against."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from keeptrusts.runtime.records import EVENT
from keeptrusts.runtime.segments import find_first, list_segments
from keeptrusts.runtime.spool_reader import Position, SpoolReader

Sums: TypeAlias = Counter[tuple[str, str]]
"""Micro-dollars by bucket and day."""

_MARK = b'"spend_day":"'


class SpentFacts(msgspec.Struct):
    """The part of a decision event that counts."""

    spend_bucket: str | None = None
    spend_day: str | None = None
    cost_micros: int | None = None


_read = msgspec.json.Decoder(SpentFacts).decode


@dataclass(frozen=True, slots=True)
class Survey:
    """What all events of a spool cost together, and the number of the last one that is gone (0: none is)."""

    sums: Sums
    last_lost: int


class Events(Protocol):
    """The decision events of an instance, by spool. `after` is excluded, `upto` included."""

    def first_seq(self, spool: str) -> int:
        """The number of the first event that is still there, or of the next one where none is."""

    def spent(self, spool: str, after: int, upto: int) -> Sums:
        """What these events cost, by what they were counted in."""


class SpooledEvents:
    """The spools below one directory. Reads files: for threads only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """The names of all spools that there are."""
        return sorted(path.name for path in self._root.iterdir() if path.is_dir()) if self._root.is_dir() else []

    def first_seq(self, spool: str) -> int:
        numbers = list_segments(self._root / spool)
        first = find_first(self._root / spool, numbers[0]) if numbers else None
        return first.seq if first else 1

    def spent(self, spool: str, after: int, upto: int) -> Sums:
        if upto <= after:
            return Counter()
        return self._sum(SpoolReader(self._root / spool, Position(self._segment_of(spool, after + 1))), after, upto)

    def survey(self, spool: str, upto: int) -> Survey:
        """All that is there up to this event. Declared losses are losses."""
        reader = SpoolReader(self._root / spool)
        sums = self._sum(reader, 0, upto)
        holes = [min(last, upto) for first, last in reader.holes if first <= upto]
        return Survey(sums, max(self.first_seq(spool) - 1, *holes, 0))

    @staticmethod
    def _sum(reader: SpoolReader, after: int, upto: int) -> Sums:
        sums: Sums = Counter()
        for record in reader.read():
            if record.seq > upto:
                break
            # Most events of a gateway whose pack has no spend-limit need not be decoded.
            if record.kind == EVENT and record.seq > after and _MARK in record.payload:
                facts = _read(record.payload)
                if facts.spend_bucket is not None and facts.spend_day is not None:
                    sums[facts.spend_bucket, facts.spend_day] += facts.cost_micros or 0
        return sums

    def _segment_of(self, spool: str, seq: int) -> int:
        """The last segment that begins at or before this event; damaged heads are passed over."""
        for number in reversed(list_segments(self._root / spool)):
            first = find_first(self._root / spool, number)
            if first is not None and first.seq <= seq:
                return number
        return 0
