"""The only writer of decision events: an open record before a call goes upstream, its event before the answer ends.

Records reach the kernel before the caller goes on, and the disk within a second. A call without an event when the spool
is opened again was interrupted, and is recorded as that. Under `audit-logger` a record that cannot be kept refuses the
call (fail closed); otherwise it is counted and declared as a gap (fail open).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from keeptrusts.contract.events import CallFacts, OpenRecord, Origin, Outcome
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.event_json import boolean
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.line_writer import LineWriter
from keeptrusts.runtime.records import EVENT, NOTE
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool, SpoolFull
from keeptrusts.runtime.tasks import background

SYNC_EVERY_S = 1.0
INTERRUPTED = "interrupted"

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = tuple(f"{number:03d}" for number in range(1000))  # looked up in a third of the time of formatting them
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Source:
    """Where calls come from, encoded once per key and snapshot: for events, and for open records.

    `is_audited`: no event of theirs may be lost.
    """

    members: str
    is_audited: bool
    open_members: str


def compile_source(origin: Origin, *, is_audited: bool) -> Source:
    members = members_of(origin)
    return Source(members, is_audited, f'"is_audited":{boolean(is_audited)},"origin":{{{members}}}')


class _RequestId(msgspec.Struct):
    request_id: str


class Outbox:
    """Owned by the event loop. `close` comes once per call, and `open` before it where the call goes upstream.

    Calls are named by the hex digits that their `evt_` and `req_` identifiers share; `received_ns` is when they came.
    Facts and outcomes come as the JSON members of `CallFacts` and `Outcome`: see `members_of`.
    """

    def __init__(self, spool: Spool, *, boot_id: str, lines: LineWriter | None = None) -> None:
        self._spool = spool
        self._boot_id = boot_id
        self._lines = lines
        self._open: dict[str, bytes] = {}  # open records without their event
        self._second_ns = 0  # the second that was written last, since 1970
        self._second_text = "1970-01-01T00:00:00"
        self._trouble = ""
        self.interrupted = 0  # calls recorded as that since start
        self._sync_thread = ThreadPoolExecutor(1, "spool-sync")
        self._open.update(_find_open(spool))
        self._interrupt_open()
        spool.carry = self._open.values

    def open(self, call: str, received_ns: int, source: Source, facts: str) -> None:
        """Record that a call is about to go upstream. Raises Fault(AUDIT_UNAVAILABLE) where it then must not."""
        payload = (
            f'{{"event_type":"open","version":1,"boot_id":"{self._boot_id}","timestamp":"{self._stamp(received_ns)}"'
            f',"request_id":"req_{call}",{source.open_members},{facts}}}'
        ).encode()
        try:
            self._spool.append_note(payload, strict=source.is_audited)
        except SpoolFull:
            raise _audit_unavailable() from None
        self._open[call] = payload

    def close(self, call: str, received_ns: int, source: Source, outcome: str, *, boot_id: str | None = None) -> None:
        """Record how a call ended. Raises Fault(AUDIT_UNAVAILABLE) where its answer then must not be completed.

        `boot_id` is that of the start in which it came, where that is not this one.
        """
        stamp, boot_id = self._stamp(received_ns), boot_id or self._boot_id

        def encode(seq: int) -> bytes:
            return (
                f'{{"event_type":"decision","version":1,"id":"evt_{call}","seq":{seq},"boot_id":"{boot_id}"'
                f',"timestamp":"{stamp}","request_id":"req_{call}",{outcome},{source.members}}}'
            ).encode()

        try:
            payload = self._spool.append(encode, strict=source.is_audited, is_admitted=call in self._open)
        except SpoolFull:
            raise _audit_unavailable() from None
        self._open.pop(call, None)
        if self._lines is not None:
            self._lines.put(payload)

    @property
    def pending(self) -> int:
        """Events that wait for their upload; 0 without an API."""
        return self._spool.pending

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._spool.next_seq - 1

    @property
    def dropped(self) -> int:
        """Events lost since start."""
        return self._spool.lost

    @property
    def size(self) -> int:
        """Bytes that the spool takes."""
        return self._spool.size

    @property
    def is_degraded(self) -> bool:
        return self._spool.is_degraded

    async def run(self) -> None:
        """Every second: tidy the spool and put it on the disk, off the loop. Never returns."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SYNC_EVERY_S)
            self._spool.tidy()
            await loop.run_in_executor(self._sync_thread, self._spool.sync)
            self._report_trouble()

    def shut_down(self) -> None:
        """Record calls that never ended as interrupted, flush, and let go of the files. After `run` was cancelled."""
        self._sync_thread.shutdown()
        self._interrupt_open()
        self._spool.close()
        if self._lines is not None:
            self._lines.close()

    def _interrupt_open(self) -> None:
        """Write the events of calls that will never end: by what was known when they went upstream."""
        for call, payload in list(self._open.items()):
            record = msgspec.json.decode(payload, type=OpenRecord)
            received_ns = (record.timestamp - _EPOCH) // timedelta(microseconds=1) * 1000
            source = compile_source(record.origin, is_audited=record.is_audited)
            outcome = members_of(_interrupted(record))
            try:
                self.close(call, received_ns, source, outcome, boot_id=record.boot_id)
            except Fault:
                # The disk refuses. The open record stays, and is found again at the next start.
                continue
            self.interrupted += 1

    def _stamp(self, unix_ns: int) -> str:
        """`2026-11-23T14:00:00.123456Z`. All but the fraction is kept from call to call."""
        micros = (unix_ns - self._second_ns) // 1000
        if not 0 <= micros < 1_000_000:
            second = unix_ns // 1_000_000_000
            self._second_ns = second * 1_000_000_000
            self._second_text = f"{_EPOCH + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}"
            micros = (unix_ns - self._second_ns) // 1000
        return f"{self._second_text}.{_DIGITS[micros // 1000]}{_DIGITS[micros % 1000]}Z"

    def _report_trouble(self) -> None:
        trouble = self._spool.complaint
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                log.error("decision events: %s", trouble)
            else:
                log.info("decision events are written again")


@asynccontextmanager
async def open_outbox(
    directory: Path,
    *,
    boot_id: str,
    clock: Clock,
    limits: SpoolLimits | None = None,
    awaits_upload: bool = False,
    lines: LineWriter | None = None,
) -> AsyncIterator[Outbox]:
    """Open the spool, recover what a crash left, and keep it tidy for the life of the block; closes `lines` as well."""
    spool = Spool(directory, boot_id=boot_id, clock=clock, limits=limits or SpoolLimits(), awaits_upload=awaits_upload)
    outbox = Outbox(spool, boot_id=boot_id, lines=lines)
    try:
        async with background(outbox.run):
            yield outbox
    finally:
        outbox.shut_down()


def _find_open(spool: Spool) -> dict[str, bytes]:
    """The open records without an event, by call."""
    found: dict[str, bytes] = {}
    read_id = msgspec.json.Decoder(_RequestId).decode
    for record in spool.read_recent():
        if record.kind == NOTE:
            found[read_id(record.payload).request_id.removeprefix("req_")] = record.payload
        elif record.kind == EVENT and found:
            found.pop(read_id(record.payload).request_id.removeprefix("req_"), None)
    return found


def _interrupted(record: OpenRecord) -> Outcome:
    facts = {name: getattr(record, name) for name in CallFacts.__struct_fields__}
    usage = msgspec.structs.replace(record.usage, estimated=True)
    return Outcome(**{**facts, "usage": usage}, error_code=INTERRUPTED)


def members_of(part: msgspec.Struct) -> str:
    """The members of an object as JSON, without its braces."""
    return _encode(part)[1:-1].decode()


def _audit_unavailable() -> Fault:
    message = "This gateway must record every call and cannot record one now. Try again later, or tell its operator."
    return Fault(Code.AUDIT_UNAVAILABLE, message, policy="audit-logger")
