"""An answer on its way from the provider to the client: whole, streamed, opaque, or an error.

Before its last byte leaves, the call's event has been written. Nothing that broke upstream is ever ended cleanly.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypedDict, get_args

from keeptrusts.contract.call import Role, Text, Unreadable
from keeptrusts.contract.events import Decision
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.faults import render_body, retry_header, status_of
from keeptrusts.gateway.headers import answer_lines
from keeptrusts.gateway.http.exchange import Exchange
from keeptrusts.gateway.incoming import Incoming
from keeptrusts.gateway.record import CallRecord
from keeptrusts.gateway.streaming import Relay, open_relay
from keeptrusts.gateway.upstream_faults import truncated, upstream_fault
from keeptrusts.providers.dialect import Dialect
from keeptrusts.providers.errors import read_error, render_error
from keeptrusts.providers.pricing import ANSWERS_IN_TEXT
from keeptrusts.providers.translation.translator import Translator
from keeptrusts.runtime.http.compression import encode_body
from keeptrusts.runtime.http.errors import HttpFailure
from keeptrusts.runtime.http.response import Response

PING_AFTER_S = 15.0
PINGS = {"openai": b": keep-alive\n\n", "anthropic": b'event: ping\ndata: {"type": "ping"}\n\n'}
EVENT_STREAM = b"text/event-stream"
STREAM_LINES = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
DECISION_LINES = {word: b"x-keeptrusts-decision: %b\r\n" % word.encode() for word in get_args(Decision)}
OPAQUE = (b"audio/", b"video/", b"image/", b"application/octet-stream")


class Said(TypedDict):
    """Arguments of every translation of an answer; `created` is in Unix seconds."""

    model: str
    created: int


class Answer:
    """Answers one call. Owned by the call's task."""

    __slots__ = ("dialect", "exchange", "record")

    def __init__(self, exchange: Exchange, record: CallRecord, dialect: Dialect) -> None:
        self.exchange = exchange
        self.record = record
        self.dialect = dialect

    async def bring(self, response: Response, translator: Translator | None = None, *, may_leave: bool = False) -> None:
        """Pass the provider's answer through the output policies to the client. Raises Fault where that fails.

        Where another target may follow (`may_leave`), a stream begins for the client only when content has come, and a
        whole answer is read even if nobody judges it.
        """
        content_type = response.headers.get(b"content-type", b"").lower()
        try:
            if response.status >= 400:
                await self._bring_error(response, content_type)
            elif response.status >= 300:
                raise Fault(Code.UPSTREAM_REDIRECT, "The provider answered with a redirect, which is never followed.")
            elif content_type.startswith(EVENT_STREAM):
                await self._bring_stream(response, translator, may_leave=may_leave)
            elif content_type.startswith(OPAQUE):
                await self._bring_opaque(response)
            else:
                await self._bring_whole(response, content_type, translator, may_leave=may_leave)
        except HttpFailure as failure:
            assert self.record.target is not None
            raise upstream_fault(failure, self.record.target) from failure

    def refuse(self, fault: Fault) -> None:
        """Answer with a fault; once something was sent, cut the connection instead."""
        record = self.record
        record.error_code = fault.code
        if self.exchange.is_started:
            self.settle()
            self.exchange.abort()
            return
        record.status = status_of(fault)
        self.settle()
        body = render_body(fault, record.request_id, anthropic=self.dialect.name == "anthropic")
        lines = self._lines() + b"content-type: application/json\r\n" + retry_header(fault)
        self.exchange.respond(record.status, lines, body)

    def tell(self, body: bytes) -> None:
        """An answer of the gateway's own, in JSON. Raises Fault where the call cannot be recorded."""
        self.record.status = 200
        self.record.close()
        self.exchange.respond(200, self._lines() + b"content-type: application/json\r\n", body)

    def settle(self) -> None:
        """Write the event if that was not done yet; a call that failed anyway does not fail again over its record."""
        try:
            self.record.close()
        except Fault as fault:
            self.record.error_code = fault.code

    async def _bring_whole(
        self, response: Response, content_type: bytes, translator: Translator | None, *, may_leave: bool
    ) -> None:
        record, judge = self.record, self.record.snapshot.output
        body = self._take(response)
        if body is None:
            body = await self._read(response)
        record.is_served = True
        translated = None if translator is None else translator.read_reply(body, **self._said())
        if translated is not None:
            body, content_type = translated.body, b"application/json"
        reply = self.dialect.read_reply(record.route, body, content_type, with_texts=bool(judge.policies) or may_leave)
        record.usage = reply.usage if translated is None else translated.usage
        if judge.policies:
            tallies = judge.begin(reply.unreadable, record.tallies)
            changes = judge.judge_short(reply.texts, tallies)
            if changes is None:
                changes = await judge.judge(reply.texts, tallies)
            if changes:
                body = self.dialect.write_reply(reply, changes)
        record.status = response.status
        record.close()
        lines = self._lines() + self._provider_lines(response.headers)
        encoded = encode_body(self.exchange.head.headers.get(b"accept-encoding", b""), body)
        if encoded is not None:
            encoding, body = encoded
            lines += b"content-encoding: %b\r\nvary: accept-encoding\r\n" % encoding
        self.exchange.respond(response.status, lines, body)

    async def _bring_error(self, response: Response, content_type: bytes) -> None:
        """The provider's own error, judged like any other text, cut short, and never taken for one of ours."""
        record, judge = self.record, self.record.snapshot.output
        body = await self._read(response)
        assert record.target is not None
        if response.status in {401, 403}:
            raise Fault(
                Code.UPSTREAM_REFUSED_CREDENTIAL,
                f"Target {record.target.id} refused the gateway's own credential ({response.status}).",
            )
        error = read_error(body, content_type)
        tallies = judge.begin((), record.tallies)
        changes = await judge.judge([Text(("error",), error.message, Role.ASSISTANT)], tallies)
        error = replace(error, message=changes.get(("error",), error.message))
        record.status, record.error_code = response.status, Code.UPSTREAM_ERROR
        record.close()
        body = render_error(self.dialect.name, error, record.request_id)
        headers = {**response.headers, b"content-type": b"application/json"}
        self.exchange.respond(response.status, self._lines() + self._provider_lines(headers), body)

    async def _bring_opaque(self, response: Response) -> None:
        """Content that no policy reads, such as speech, as it arrives."""
        record, exchange = self.record, self.exchange
        if record.call is not None and record.call.unreadable_reply is None:
            record.snapshot.output.check_unreadable([Unreadable((), "binary content")])
        self._start(response, b"")

        def take(chunk: bytes) -> bool:
            exchange.write(chunk)
            return not exchange.is_paused

        while not await response.pour(take):
            await exchange.drain()
        record.close()
        exchange.finish()

    async def _bring_stream(self, response: Response, translator: Translator | None, *, may_leave: bool) -> None:
        """A streamed answer, event by event; what breaks it off is said in-band, such that every SDK understands."""
        record, exchange = self.record, self.exchange
        assert record.call is not None
        assert record.target is not None
        stream = self._open_stream(translator)
        reader = stream.reader
        relay = open_relay(reader, record.snapshot.output, record.tallies)
        held: list[bytes] = []
        begin = partial(self._begin_stream, response)
        try:
            if may_leave:
                held = await self._await_content(response, self._open_stream(translator), begin)
            begin()
            await self._relay(held, response, stream, relay)
            fault = relay.fault
            if fault is None and not reader.is_complete and reader.failure is None:
                fault = truncated(record.target)
        except HttpFailure as failure:
            fault = upstream_fault(failure, record.target)
        except Fault as refused:
            fault = refused
        except BaseException:
            relay.flush()  # the client has left; what was found belongs in the event
            self._note_end(stream)
            raise
        if fault is not None and not exchange.is_started:
            raise fault
        self._end_stream(stream, relay, fault)

    def _open_stream(self, translator: Translator | None) -> Incoming:
        record, call = self.record, self.record.call
        assert call is not None
        reader = self.dialect.open_stream(record.route, strip_usage=not call.asks_usage)
        translation = None if translator is None else translator.open_stream(**self._said())
        return Incoming(reader, translation)

    def _begin_stream(self, response: Response) -> None:
        if not self.exchange.is_started:
            self._start(response, STREAM_LINES)
            self.exchange.ping_every(PING_AFTER_S, PINGS[self.dialect.name])

    async def _await_content(self, response: Response, ahead: Incoming, begin: Callable[[], None]) -> list[bytes]:
        """Read ahead to the first content. Raises Fault where the stream fails before any came.

        A client that waits long is not left without a sign of life: then the stream begins, come what may.
        """
        held: list[bytes] = []

        def take(chunk: bytes) -> bool:
            held.append(chunk)
            return not (self.exchange.is_started or ahead.has_content(chunk))

        timer = asyncio.get_running_loop().call_later(PING_AFTER_S, begin)
        try:
            if await response.pour(take):
                assert self.record.target is not None
                raise truncated(self.record.target)
        finally:
            timer.cancel()
        return held

    async def _relay(self, held: Sequence[bytes], response: Response, stream: Incoming, relay: Relay) -> None:
        """Pass events on until the stream ends or a policy blocks. Nothing here is done per event but judging."""
        record, exchange = self.record, self.exchange

        def take(chunk: bytes) -> bool:
            """Runs once per chunk, in the turn in which it came: the task wakes only where this says no."""
            record.answer_bytes += len(chunk)
            self._pass(stream.feed(chunk), stream, relay)
            return relay.fault is None and not exchange.is_paused

        for chunk in held:
            take(chunk)
            if relay.fault is not None:
                return
        while not await response.pour(take):
            if relay.fault is not None:
                return
            await exchange.drain()
        rest = stream.finish()
        if rest:
            out = relay.pass_events(rest)
            is_last = stream.reader.is_complete and relay.fault is None
            exchange.write(out if is_last else out + b"\n\n")  # an error must not be glued to it

    def _pass(self, events: list[bytes], stream: Incoming, relay: Relay) -> None:
        """Judge and send what came together."""
        record = self.record
        record.pieces += len(events)
        out = relay.pass_events(events)
        if relay.fault is None and stream.reader.is_over and not record.is_closed:
            self._note_end(stream)
            record.close()
        self.exchange.write(out)

    def _note_end(self, stream: Incoming) -> None:
        self.record.usage = stream.usage
        self.record.is_counted = stream.reader.is_complete or stream.reader.failure is not None
        if stream.reader.failure is not None:
            self.record.error_code = Code.UPSTREAM_ERROR

    def _end_stream(self, stream: Incoming, relay: Relay, fault: Fault | None) -> None:
        """The last events, once the call's event is written. Where that cannot be, they are an error."""
        record, exchange = self.record, self.exchange
        out = relay.flush()
        self._note_end(stream)
        try:
            record.error_code = fault.code if fault else record.error_code
            record.close()
        except Fault as refused:
            fault = fault or refused
            record.error_code = fault.code
        if fault is not None:
            out += stream.reader.fail(fault.code, fault.message, record.request_id, fault.policy)
        exchange.write(out)
        exchange.finish()

    def _said(self) -> Said:
        """What a translated answer says of itself where the provider's dialect does not."""
        record = self.record
        assert record.call is not None
        assert record.target is not None
        return {"model": record.target.upstream_model(record.call.model), "created": record.received_ns // 10**9}

    async def _read(self, response: Response) -> bytes:
        """The whole body; the time it takes is the provider's."""
        record, began = self.record, self.record.clock.monotonic()
        record.first_byte, body = began, b""
        try:
            body = await response.read()
        finally:
            record.upstream_s += record.clock.monotonic() - began
            self._note_size(body, response)
        return body

    def _take(self, response: Response) -> bytes | None:
        """The whole body where it came together with its head, as short ones do."""
        body = response.take_whole()
        if body is not None:
            self.record.first_byte = self.record.clock.monotonic()
            self._note_size(body, response)
        return body

    def _note_size(self, body: bytes, response: Response) -> None:
        if self.record.route in ANSWERS_IN_TEXT:
            self.record.answer_bytes = max(len(body), response.arrived)  # it may have come compressed, or in part

    def _start(self, response: Response, lines: bytes) -> None:
        record = self.record
        record.status, record.first_byte = response.status, record.clock.monotonic()
        record.overhead_s = max(0.0, record.first_byte - record.started - record.upstream_s)
        self.exchange.start(response.status, self._lines() + self._provider_lines(response.headers) + lines)

    def _lines(self) -> bytes:
        """The headers that each answer carries."""
        record = self.record
        request_id = record.request_id.encode()
        lines = b"x-request-id: %b\r\n%b%b%b" % (
            request_id,
            record.snapshot.answer_line,
            DECISION_LINES[record.decision()],
            b"" if record.target is None else record.target.answer_line,
        )
        is_anthropic = self.dialect.name == "anthropic"
        if is_anthropic:
            lines += b"request-id: %b\r\n" % request_id
        if record.lease is None or not record.lease.standings:
            return lines
        return lines + record.limit_lines(anthropic=is_anthropic)

    def _provider_lines(self, headers: Mapping[bytes, bytes]) -> bytes:
        lease = self.record.lease
        return answer_lines(headers, with_limits=lease is None or not lease.standings)
