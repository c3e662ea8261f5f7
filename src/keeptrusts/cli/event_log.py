"""Finds and reads the spools of the gateways on this machine: no server is asked, and none is disturbed."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from keeptrusts.contract.events import DecisionEvent, Gap
from keeptrusts.runtime.records import NUMBERED, Record, scan_records
from keeptrusts.runtime.segments import list_segments, read_segment
from keeptrusts.runtime.spool_reader import Position, SpoolReader
from keeptrusts.runtime.spool_recovery import Cursor, load_cursor, store_cursor

GATEWAY_PREFIX = "gateway-"

Event: TypeAlias = DecisionEvent | Gap
_decode = msgspec.json.Decoder(Event).decode


class NoEventLog(Exception):
    """It is not clear what to read. The message says what there is, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event, and the JSON that it was read from."""

    event: Event
    json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is wanted; None is everything. Declared losses always pass, but for the time."""

    decision: str | None = None
    model: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, line: Line) -> bool:
        event = line.event
        if (self.since and event.timestamp < self.since) or (self.until and event.timestamp >= self.until):
            return False
        if isinstance(event, Gap):
            return True
        pairs = ((self.decision, event.decision), (self.model, event.model), (self.key, event.key_id))
        return all(wanted is None or wanted == value for wanted, value in pairs)


def find_spools(root: Path, listen: str | None = None) -> list[Path]:
    """The spools of the gateway that listens there, else of the only one below `root`. Raises NoEventLog."""
    port = listen.rpartition(":")[2] if listen else None
    if port is not None and not (port.isascii() and port.isdigit()):
        raise NoEventLog(f"--listen {listen!r}: expected PORT or HOST:PORT")
    try:
        gateways = sorted(path for path in root.glob(f"{GATEWAY_PREFIX}{port or '*'}") if (path / "spool").is_dir())
    except OSError as error:
        raise NoEventLog(f"cannot read {root} ({error.strerror}): run this as the gateway's user") from error
    if not gateways:
        which = f"of a gateway on port {port} " if port else ""
        raise NoEventLog(f"no events {which}below {root}: start a gateway, or name its --state-dir")
    if len(gateways) > 1:
        ports = ", ".join(path.name.removeprefix(GATEWAY_PREFIX) for path in gateways)
        raise NoEventLog(f"several gateways keep events below {root}: choose one with --listen PORT (ports: {ports})")
    return sorted(path for path in (gateways[0] / "spool").iterdir() if path.is_dir())


class EventLog:
    """The events of one gateway, whatever its number of spools. `unreadable` counts records of an unknown shape."""

    def __init__(self, spools: list[Path], wanted: Filter) -> None:
        self.unreadable = 0
        self._spools = spools
        self._wanted = wanted
        self._readers = [SpoolReader(spool) for spool in spools]

    def read_all(self) -> Iterator[Line]:
        """From the oldest on, spools merged by time."""
        return heapq.merge(*map(self._read, self._readers), key=_moment)

    def read_last(self, limit: int) -> list[Line]:
        """The latest ones, oldest first; `read_new` goes on behind them."""
        lines = [
            line
            for spool, reader in zip(self._spools, self._readers, strict=True)
            for line in self._last(spool, reader, limit)
        ]
        return sorted(lines, key=_moment)[-limit:] if limit else []

    def read_new(self) -> Iterator[Line]:
        """What came since the last look, spools merged by time."""
        return heapq.merge(*map(self._read, self._readers), key=_moment)

    def release(self) -> None:
        """Let the gateway delete what was read: it is kept elsewhere. Raises NoEventLog if the API decides that."""
        if any(load_cursor(spool).is_upload for spool in self._spools):
            raise NoEventLog("this gateway hands its events to the API, which decides what may be deleted")
        for spool, reader in zip(self._spools, self._readers, strict=True):
            seq = max(0, reader.next_seq - 1)
            store_cursor(spool, Cursor(segment=reader.position.segment, offset=reader.position.offset, seq=seq))

    def _last(self, spool: Path, reader: SpoolReader, limit: int) -> list[Line]:
        *older, last = list_segments(spool) or [0]
        reader.position = Position(last)
        lines = list(self._read(reader))
        while older and len(lines) < limit:
            records = scan_records(read_segment(spool, older.pop()), is_whole=True)
            lines[:0] = self._wanted_lines(records)
        return lines[-limit:] if limit else []

    def _read(self, reader: SpoolReader) -> Iterator[Line]:
        return self._wanted_lines(reader.read())

    def _wanted_lines(self, records: Iterator[Record]) -> Iterator[Line]:
        for record in records:
            if record.kind in NUMBERED:
                try:
                    line = Line(_decode(record.payload), record.payload)
                except msgspec.MsgspecError:
                    self.unreadable += 1
                    continue
                if self._wanted.matches(line):
                    yield line


def _moment(line: Line) -> datetime:
    return line.event.timestamp
