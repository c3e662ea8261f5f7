"""One connection to a server: llhttp's events become a response; then the decision whether it serves another call.

A connection is used again only after an answer that ended exactly at its framing, asked to stay open, left no byte
behind and found the whole request written. Anything else closes it: bytes of one answer never meet another call.
"""

import asyncio
from typing import cast

import httptools

from keeptrusts.runtime.http.errors import (
    ConnectionLost,
    HttpFailure,
    Phase,
    ProtocolError,
    TimedOut,
    TooLarge,
    Truncated,
)
from keeptrusts.runtime.http.messages import Origin, Request, Timeouts
from keeptrusts.runtime.http.response import Response
from keeptrusts.runtime.http.sweep import Sweeper

MAX_HEAD_BYTES = 65536
MAX_FIELDS = 200
MAX_INFORMATIONAL = 10  # 1xx answers before the real one
MAX_OVERHEAD = 65536  # bytes of chunk framing and trailers beyond eight times the body
STALE_WITHIN_S = 1.0
IDLE_S = 55.0
MAX_AGE_S = 300.0  # so that a change of DNS is followed
MAX_IDLE_PER_POOL = 256


class Pool:
    """The connections of one partition to one origin."""

    __slots__ = (
        "dialing", "idle", "key", "size", "sweeper",
    )  # fmt: skip

    def __init__(self, key: tuple[str, Origin], sweeper: Sweeper) -> None:
        self.key = key
        self.sweeper = sweeper
        self.idle: list[ClientConnection] = []  # the one used last is taken first: the others get old and are closed
        self.size = 0  # open connections, idle or not
        self.dialing = 0

    def find_idle(self) -> "ClientConnection | None":
        """A connection that can be used now."""
        while self.idle:
            connection = self.idle.pop()
            if connection.expires_at > self.sweeper.now and not connection.is_closed:
                return connection
            connection.abort()
        return None


class ClientConnection(asyncio.Protocol):
    """Serves one call at a time. Owned by the loop; `begin` is called by the task that sends."""

    __slots__ = (
        "_check_at", "_ends_by_closing", "_fed", "_headers", "_heard_at", "_informational", "_is_paused",
        "_is_reusable", "_keep_s", "_parser", "_pool", "_repeats", "_response", "_sent_at", "_sweeper",
        "_timeouts", "_transport", "born_at", "expires_at", "is_closed", "is_fresh",
    )  # fmt: skip

    def __init__(self, pool: Pool) -> None:
        self.is_closed = False
        self.is_fresh = True  # has served no call yet
        self.born_at = pool.sweeper.now
        self.expires_at = 0.0
        self._pool = pool
        self._sweeper = pool.sweeper
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._keep_s = IDLE_S
        # Of the call under way.
        self._response: Response | None = None
        self._timeouts = Timeouts()
        self._headers: dict[bytes, bytes] = {}
        self._is_paused = False
        self._is_reusable = False
        self._ends_by_closing = False
        self._check_at = MAX_HEAD_BYTES  # so much may come before it has to be looked at
        self._fed = self._repeats = self._informational = 0
        self._sent_at = self._heard_at = 0.0

    # The call.

    def begin(self, request: Request, waiter: asyncio.Future[None]) -> Response:
        """Write the request, in one piece. `waiter` is done when the answer's head is there, or nothing will come."""
        self._response = response = Response(self, waiter, request.max_response_bytes)
        self._headers = response.headers
        self._timeouts = request.timeouts
        self._fed = 0
        self._check_at = MAX_HEAD_BYTES
        self._sent_at = self._sweeper.now
        body = request.body
        head = b"%bcontent-length: %d\r\n\r\n" % (request.head, len(body))
        transport = self._transport
        if transport is None or transport.is_closing():
            self._response = None
            response.end(ConnectionLost("the server closed the connection before the request"))
        elif len(body) > MAX_HEAD_BYTES:
            transport.writelines((head, body))
        else:
            transport.write(head + body)
        return response

    def was_stale(self, failure: HttpFailure | None) -> bool:
        """A used connection that died at once, without a byte of an answer: the server had already closed it."""
        is_early = self._sweeper.now - self._sent_at <= STALE_WITHIN_S
        return is_early and not self.is_fresh and isinstance(failure, ConnectionLost)

    # What a response may ask for.

    def pause(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._heard_at = self._sweeper.now
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once; a call that is under way fails. Idempotent."""
        self.is_closed = True
        response, self._response = self._response, None
        if self._transport is not None:
            self._transport.abort()
        if response is not None:
            response.end(HttpFailure("the connection was closed on this side"))

    # The transport's events.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._sweeper.entries.add(self)
        self._pool.size += 1

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:  # unsolicited: whoever sends this cannot be trusted with another request
            self.abort()
            return
        self._fed += len(data)
        self._heard_at = self._sweeper.now
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._parser_stopped(error)
        except httptools.HttpParserUpgrade:
            self._fail(ProtocolError("the server switched to another protocol"))
        if response.sink is not None and response.pieces:
            response.deliver()
        if self._response is None:
            if not self.is_closed:
                self._free()
        elif self._fed > self._check_at:
            self._check_progress(response)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._transport = None
        self._sweeper.entries.discard(self)
        pool = self._pool
        pool.size -= 1
        if self in pool.idle:
            pool.idle.remove(self)
        response, self._response = self._response, None
        if response is not None and not response.is_complete:
            if self._ends_by_closing and response.status and exc is None:
                response.end()
            elif self._fed == 0:
                response.end(ConnectionLost("the server closed the connection without an answer"))
            else:
                response.end(Truncated("the connection ended in the middle of the answer"))
        del self._parser  # it refers back to this connection

    def sweep(self, now: float) -> None:
        """Check the deadlines of the call under way; when there is none, the end of this connection."""
        response = self._response
        if response is None:
            if now > self.expires_at and not self.is_fresh:
                self.abort()
        elif now > self._sent_at + self._timeouts.total_s:
            self._fail(TimedOut(Phase.TOTAL, "the answer took longer than total_s"))
        elif not response.status:
            if now > self._sent_at + self._timeouts.first_byte_s:
                self._fail(TimedOut(Phase.FIRST_BYTE, "no answer within first_byte_s"))
        elif now > self._heard_at + self._timeouts.idle_s and not self._is_paused:
            self._fail(TimedOut(Phase.IDLE, "the answer stopped for longer than idle_s"))

    # llhttp's events, inside feed_data.

    def on_message_begin(self) -> None:
        if self._response is None:
            raise ProtocolError("bytes follow the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        name = name.lower()
        if name in headers:
            self._repeats += 1
            if self._repeats > MAX_FIELDS:
                raise TooLarge(f"the answer has more than {MAX_FIELDS} header fields")
            value = headers[name] + b", " + value
        headers[name] = value.rstrip()  # only spaces and tabs get here

    def on_headers_complete(self) -> None:
        response = self._response
        if response is None:
            return
        status = self._parser.get_status_code()
        if status < 200 or status > 599:
            self._informational_head(response, status)
            return
        headers = response.headers
        if len(headers) > MAX_FIELDS or self._fed > MAX_HEAD_BYTES:
            self._check_size(headers)
        self._is_reusable = self._parser.should_keep_alive()
        if b"content-length" not in headers:
            self._check_framing(response, status)
        if b"keep-alive" in headers:
            self._keep_s = _kept_for(headers[b"keep-alive"])
        self._headers = {}  # for trailers, which are dropped
        response.status = status
        response.wake()

    def on_body(self, data: bytes) -> None:
        response = self._response
        if response is not None:
            response.pieces.append(data)
            response.arrived += len(data)
            if response.arrived > response.pause_at:
                response.hold_back()
            if response.waiter is not None and response.sink is None:
                response.wake()

    def on_message_complete(self) -> None:
        response = self._response
        if response is None:
            return
        if not response.status:  # that was a 1xx
            return
        self._response = None
        response.is_complete = True
        if response.waiter is not None:
            response.wake()

    # Steps.

    def _informational_head(self, response: Response, status: int) -> None:
        if status < 100 or status > 199 or status == 101:
            raise ProtocolError(f"the server answered with status {status}")
        self._informational += 1
        if self._informational > MAX_INFORMATIONAL:
            raise ProtocolError("the server sent too many interim answers")
        response.headers.clear()

    def _check_framing(self, response: Response, status: int) -> None:
        headers = response.headers
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked" or self._parser.get_http_version() != "1.1":
                raise ProtocolError("the answer's transfer-encoding is not exactly chunked")
        elif status not in {204, 304}:
            response.is_close_delimited = True
            says_close = b"close" in headers.get(b"connection", b"").lower()
            self._ends_by_closing = says_close or self._parser.get_http_version() == "1.0"

    def _check_size(self, headers: dict[bytes, bytes]) -> None:
        if len(headers) > MAX_FIELDS or sum(map(len, headers)) + sum(map(len, headers.values())) > MAX_HEAD_BYTES:
            raise TooLarge(f"the answer's head is over {MAX_HEAD_BYTES} bytes or {MAX_FIELDS} fields")

    def _check_progress(self, response: Response) -> None:
        """Much has come: refuse a head without end, and chunks with more framing than body."""
        if not response.status and self._fed > MAX_HEAD_BYTES * (self._informational + 1):
            self._fail(TooLarge(f"the head of the answer is larger than {MAX_HEAD_BYTES} bytes"))
            return
        self._check_at = MAX_OVERHEAD + MAX_HEAD_BYTES + 8 * response.arrived
        if self._fed > self._check_at:
            self._fail(ProtocolError("the answer is mostly framing"))

    def _parser_stopped(self, error: Exception) -> None:
        """The parser refused what came, or one of our own checks inside it did."""
        cause = error.__context__
        if isinstance(cause, HttpFailure):
            self._fail(cause)
        elif isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
            raise cause
        else:
            self._fail(ProtocolError("the answer is not valid HTTP/1.1"))

    def _fail(self, failure: HttpFailure) -> None:
        if self._response is not None:
            self._response.end(failure)
        self.abort()

    def _free(self) -> None:
        """The answer is complete and everything that came with it has been read."""
        transport = self._transport
        pool = self._pool
        if (
            transport is None
            or not self._is_reusable
            or transport.get_write_buffer_size()
            or len(pool.idle) >= MAX_IDLE_PER_POOL
        ):
            self.abort()
            return
        now = self._sweeper.now
        self.is_fresh = False
        self.expires_at = min(now + self._keep_s, self.born_at + MAX_AGE_S)
        if self._is_paused:
            self.resume()
        if self._repeats or self._informational:
            self._repeats = self._informational = 0
        pool.idle.append(self)


def _kept_for(hint: bytes) -> float:
    """Seconds that an idle connection is kept: what the server says (`timeout=5`) less one, so that we are first."""
    for part in hint.lower().split(b","):
        name, _, value = part.strip().partition(b"=")
        if name == b"timeout" and value.isdigit() and len(value) < 6:
            return min(IDLE_S, max(0.0, int(value) - 1.0))
    return IDLE_S
