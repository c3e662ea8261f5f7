"""An append-only log of events that survives its process: one `write` per record, before the caller goes on.

What has reached the kernel outlives a SIGKILL; `sync` puts it on the disk, from a thread, so that a power cut costs
what came since. Numbers grow by one; whatever is lost leaves a hole that a gap record declares. A full or broken disk
raises nothing here, but to those who ask for it (`strict`): for them a lost record is worse than a refused call.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeptrusts.contract.events import Gap, LossReason
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.records import EVENT, GAP, HEAD, MAX_PAYLOAD_BYTES, NOTE, PROTECTED_HEAD, Record, encode_record
from keeptrusts.runtime.segments import Retention, Segment, SpoolLimits, segment_path
from keeptrusts.runtime.spool_reader import Position, SpoolReader
from keeptrusts.runtime.spool_recovery import Cursor, load_cursor, recover_segments, store_cursor

DEGRADED_SHARE = 0.8
DOOMED_SUFFIX = ".gone"
_RETRY_BYTES = 64 * 1024
_NEW_FILE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class SpoolFull(Exception):
    """A record that must not be lost cannot be kept: the spool is at its cap, or the disk refuses."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Numbers that are gone, both ends included, and not yet declared."""

    first_seq: int
    last_seq: int
    reason: LossReason


class Spool:
    """The writing side. One thread owns it; only `sync` may run in another.

    `carry` gives the notes that each new segment repeats at its start, so that recovery needs the last two segments
    only. `awaits_upload` says that somebody acknowledges events; without, the spool is a log whose old end may go. A
    segment with `strict` records stays until it was acknowledged, in any case.
    """

    next_seq: int
    _cursor: Cursor
    _stored_cursor: Cursor
    _closed: list[Segment]
    _current: Segment
    _descriptor: int
    _rotate_at: int  # a record that would end behind this offset goes into a new segment

    def __init__(
        self, directory: Path, *, boot_id: str, clock: Clock, limits: SpoolLimits, awaits_upload: bool = False
    ) -> None:
        """Open or make the spool, and recover what a crash left. Raises OSError where the directory is no use."""
        self.directory = directory
        self.carry: Callable[[], Iterable[bytes]] = tuple
        self.lost = 0  # events gone before anybody had them, since start
        self.is_full = False  # the cap is reached and nothing may be deleted
        self._boot_id = boot_id
        self._clock = clock
        self._limits = limits
        self._awaits_upload = awaits_upload
        self._losses: list[Loss] = []
        self._retired: deque[int] = deque()  # descriptors that `sync` flushes and closes
        self._doomed: deque[Path] = deque()  # files that `sync` deletes
        self._write_failed = self._sync_failed = self._is_dirty = False
        self._open(directory)

    # Appending.

    def append(self, encode: Callable[[int], bytes], *, strict: bool = False, is_admitted: bool = False) -> bytes:
        """Write the event that `encode` makes of its number, and give its bytes back, written or lost.

        `is_admitted`: its call was let in when there was room, so the cap does not count now. Raises SpoolFull if
        `strict`, rather than lose it.
        """
        if self._losses:
            self._declare_losses()
        if strict:
            self._protect(is_admitted=is_admitted)
        seq = self.next_seq
        payload = encode(seq)
        if self._write(EVENT, seq, payload, beyond_cap=is_admitted):
            self._current.last_seq = seq
        elif strict:
            raise SpoolFull(self.complaint)
        else:
            self._lose(seq, seq, "overflow" if self.is_full else "write_failed")
            self.lost += 1
        self.next_seq = seq + 1
        return payload

    def append_note(self, payload: bytes, *, strict: bool = False) -> None:
        """Write what recovery may need. Raises SpoolFull if `strict` and there is no room for it."""
        if strict:
            self._protect(is_admitted=False)
            if self.is_full or not self._write(NOTE, 0, payload):
                raise SpoolFull(self.complaint)
        else:
            self._write(NOTE, 0, payload)

    def declare_loss(self, first_seq: int, last_seq: int, reason: LossReason) -> None:
        """Say that these events cannot be had from here; a gap record follows with the next event or `tidy`."""
        self._lose(first_seq, last_seq, reason)
        self.lost += last_seq - first_seq + 1

    # Upkeep.

    def acknowledge(self, position: Position, seq: int) -> None:
        """Everything up to here was delivered. Never goes back; stored by the next `sync`."""
        if seq > self._cursor.seq:
            self._cursor = Cursor(
                segment=position.segment, offset=position.offset, seq=seq, is_upload=self._awaits_upload
            )

    def tidy(self) -> None:
        """Delete what is too old, try again to make room, declare what was lost. Call it every second or so."""
        if not self._awaits_upload:
            # Whoever exported the log may have released it meanwhile.
            self._cursor = max(self._cursor, self._within_reach(load_cursor(self.directory)), key=lambda one: one.seq)
        max_age_ns = self._limits.max_age_s * 1_000_000_000
        now_ns = self._clock.unix_ns()
        has_events = self._current.last_seq >= self._current.first_seq
        if self.is_full or (has_events and now_ns - self._current.modified_ns > max_age_ns // 7):
            self._rotate(protect=self._holds_strict)
        elif self._closed and now_ns - self._closed[0].modified_ns > max_age_ns:
            self._make_room(self._current.size)
        if self._losses:
            self._declare_losses()

    def sync(self) -> None:
        """Put on the disk what was written, delete what was dropped. Blocks: call it from a thread, one at a time."""
        cursor = self._cursor
        is_dirty, self._is_dirty = self._is_dirty, False
        try:
            while self._doomed:
                self._doomed.popleft().unlink(missing_ok=True)
            while self._retired:
                _sync_and_close(self._retired.popleft())
                _sync_directory(self.directory)
            if is_dirty:
                os.fsync(self._descriptor)
            if cursor != self._stored_cursor:
                store_cursor(self.directory, cursor)
                self._stored_cursor = cursor
            self._sync_failed = False
        except OSError:
            self._sync_failed = True

    def close(self) -> None:
        """Flush and let go of the files. Afterwards nothing may be appended."""
        self.tidy()
        self.sync()
        for descriptor in (*self._retired, self._descriptor):
            os.close(descriptor)

    # What it says about itself.

    @property
    def cursor(self) -> Cursor:
        return self._cursor

    @property
    def is_failing(self) -> bool:
        """The disk refused the last write or flush."""
        return self._write_failed or self._sync_failed

    @property
    def complaint(self) -> str:
        """What is wrong, for the operator; empty if nothing."""
        if self.is_failing:
            return f"cannot write to {self.directory}: the disk is full or broken"
        if not self.is_degraded:
            return ""
        state = f"{'has reached' if self.is_full else 'is close to'} its cap of {self._limits.max_bytes} bytes"
        if self._awaits_upload:
            return f"{self.directory} {state}: the API takes no events"
        return f"{self.directory} {state}: export it with `kt events export --release -o FILE`"

    @property
    def pending(self) -> int:
        """Events not yet acknowledged. Without an upload nobody waits for any: 0."""
        return self.next_seq - 1 - self._cursor.seq if self._awaits_upload else 0

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk."""
        return sum(one.size for one in (*self._closed, self._current))

    @property
    def is_degraded(self) -> bool:
        """The disk refuses, or four fifths of the cap are taken by what cannot be deleted without loss."""
        retention = self._retention()
        awaited = sum(one.size for one in (*self._closed, self._current) if retention.is_awaited(one))
        return self.is_failing or self.is_full or awaited >= DEGRADED_SHARE * self._limits.max_bytes

    def read_recent(self) -> Iterator[Record]:
        """The records that recovery needs: those of the last two segments."""
        first = self._closed[-1] if self._closed else self._current
        return SpoolReader(self.directory, Position(first.number)).read()

    # Inside.

    def _open(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._stored_cursor = load_cursor(directory)
        self._cursor = msgspec.structs.replace(self._stored_cursor, is_upload=self._awaits_upload)
        recovered = recover_segments(directory, self._cursor)
        self.next_seq = recovered.next_seq
        self._doomed.extend(directory.glob(f"*{DOOMED_SUFFIX}"))
        self._closed = recovered.segments
        if self._closed and 0 < self._closed[-1].size < self._limits.segment_bytes:
            self._current = self._closed.pop()
            path = segment_path(directory, self._current.number)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._rotate_at = self._limits.segment_bytes
        else:
            self._start_segment(self._closed[-1].number + 1 if self._closed else 1, protect=False)
        self._holds_strict = self._current.is_protected
        self._cursor = self._within_reach(self._cursor)
        for first_seq, last_seq in recovered.holes:
            self.declare_loss(first_seq, last_seq, "corrupt")

    def _within_reach(self, cursor: Cursor) -> Cursor:
        """The cursor, not behind the end: a power cut may have taken what was acknowledged already."""
        end = Position(self._current.number, self._current.size)
        if Position(cursor.segment, cursor.offset) <= end:
            return cursor
        return msgspec.structs.replace(cursor, segment=end.segment, offset=end.offset)

    def _write(self, kind: bytes, seq: int, payload: bytes, *, beyond_cap: bool = False) -> bool:
        """Whether the record reached the kernel whole."""
        record = encode_record(kind, seq, payload)
        if self._current.size + len(record) > self._rotate_at:
            has_room = not self.is_full and self._rotate(protect=self._holds_strict)
            if not has_room and not beyond_cap:
                return False
        if len(payload) > MAX_PAYLOAD_BYTES:
            return self._refuse()
        try:
            written = os.write(self._descriptor, record)
        except OSError:
            return self._refuse()
        if written < len(record):
            self._cut_back(written)
            return self._refuse()
        self._current.size += written
        self._is_dirty = True
        self._write_failed = False
        return True

    def _refuse(self) -> bool:
        self._write_failed = True
        return False

    def _cut_back(self, written: int) -> None:
        """Take half a record away again. Where even that fails, leave the segment: readers step over the rest."""
        try:
            os.ftruncate(self._descriptor, self._current.size)
        except OSError:
            self._current.size += written
            self._rotate_at = 0

    def _protect(self, *, is_admitted: bool) -> None:
        """See to it that the record to come stands in a segment that is not dropped."""
        if not self._current.is_protected and not self._rotate(protect=True) and not is_admitted:
            raise SpoolFull(self.complaint)
        self._holds_strict = True

    def _rotate(self, *, protect: bool) -> bool:
        """Go on in a new segment. False: there is no room for one, or it cannot be made and must be (`protect`)."""
        self.is_full = not self._make_room(self._current.size + self._limits.segment_bytes)
        if self.is_full:
            return False
        closed, descriptor = self._current, self._descriptor
        try:
            self._start_segment(closed.number + 1, protect=protect)
        except OSError:
            # Too many open files, say. Go on in this one, and try again a little later.
            self._write_failed = True
            self._rotate_at = self._current.size + _RETRY_BYTES
            return not protect
        closed.modified_ns = self._clock.unix_ns()
        self._closed.append(closed)
        self._retired.append(descriptor)
        self._holds_strict = False
        return True

    def _start_segment(self, number: int, *, protect: bool) -> None:
        path = segment_path(self.directory, number)
        kind = PROTECTED_HEAD if protect else HEAD
        opening = encode_record(kind, self.next_seq, b"") + b"".join(
            encode_record(NOTE, 0, note) for note in self.carry()
        )
        descriptor = os.open(path, _NEW_FILE, 0o600)
        if os.write(descriptor, opening) < len(opening):
            os.close(descriptor)
            path.unlink()
            raise OSError(f"no room for {path.name}")
        self._descriptor = descriptor
        self._rotate_at = self._limits.segment_bytes
        self._current = Segment(
            number=number,
            first_seq=self.next_seq,
            last_seq=self.next_seq - 1,
            is_protected=protect,
            size=len(opening),
            modified_ns=self._clock.unix_ns(),
        )

    def _make_room(self, room: int) -> bool:
        """Delete what is too old, and what must go so that `room` bytes fit. False: not enough may go."""
        retention = self._retention()
        drops, suffices = retention.plan_drops(self._closed, room=room, now_ns=self._clock.unix_ns())
        for segment, reason in drops:
            # Deleting a file of this size takes a disk milliseconds, renaming it does not: `sync` does the rest.
            path = segment_path(self.directory, segment.number)
            with suppress(FileNotFoundError):
                self._doomed.append(path.rename(path.with_suffix(DOOMED_SUFFIX)))
            self._closed.remove(segment)
            # Where an older segment stayed, the hole begins behind it: what declared its first part may go as well.
            older = [one.last_seq + 1 for one in self._closed if one.number < segment.number]
            first_seq = max(older[-1] if older else segment.first_seq, self._cursor.seq + 1)
            if first_seq <= segment.last_seq:
                self._lose(first_seq, segment.last_seq, reason)
            if retention.is_awaited(segment):
                self.lost += max(0, segment.last_seq - max(segment.first_seq - 1, self._cursor.seq))
        return suffices

    def _lose(self, first_seq: int, last_seq: int, reason: LossReason) -> None:
        last = self._losses[-1] if self._losses else None
        if last and last.reason == reason and last.first_seq <= first_seq <= last.last_seq + 1:
            self._losses[-1] = Loss(last.first_seq, max(last_seq, last.last_seq), reason)
        else:
            self._losses.append(Loss(first_seq, last_seq, reason))

    def _declare_losses(self) -> None:
        while self._losses:
            loss = self._losses[0]
            gap = Gap(
                id=f"evt_{new_hex(self._clock.unix_ns())}",
                seq=self.next_seq,
                boot_id=self._boot_id,
                timestamp=self._clock.now(),
                first_seq=loss.first_seq,
                last_seq=loss.last_seq,
                count=loss.last_seq - loss.first_seq + 1,
                reason=loss.reason,
            )
            if not self._write(GAP, gap.seq, msgspec.json.encode(gap)):
                return
            self._current.last_seq = gap.seq
            self.next_seq = gap.seq + 1
            del self._losses[0]

    def _retention(self) -> Retention:
        return Retention(limits=self._limits, acknowledged=self._cursor.segment, awaits=self._awaits_upload)


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    _sync_and_close(descriptor)
