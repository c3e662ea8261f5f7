"""One connection to a server: llhttp's events turned into a response, and the decision whether it may serve another call.

A connection is used again only after an answer that ended exactly at its framing, asked to stay open, left no byte behind
and found the whole request written. Anything else closes it: bytes of one tenant's answer never meet another's call.
"""

import asyncio
from typing import Protocol, cast

import httptools

from keeptrusts.runtime.http.errors import ConnectionLost, HttpFailure, Phase, ProtocolError, TimedOut, TooLarge, Truncated
from keeptrusts.runtime.http.messages import Request
from keeptrusts.runtime.http.response import Response
from keeptrusts.runtime.http.sweep import Sweeper

MAX_HEAD_BYTES = 65536
MAX_FIELDS = 200
MAX_INFORMATIONAL = 10  # 1xx answers before the real one
MAX_OVERHEAD = 65536  # bytes of chunk framing and trailers beyond eight times the body
STALE_WITHIN_S = 1.0
IDLE_S = 55.0
MAX_AGE_S = 300.0  # so that a change of DNS is followed

PoolKey = tuple[str, object]


class Pool(Protocol):
    """Where a connection goes when it is free."""

    sweeper: Sweeper

    def release(self, connection: "ClientConnection") -> None:
        """It may serve another call of its partition and origin."""

    def discard(self, connection: "ClientConnection") -> None:
        """It is closed."""


class ClientConnection(asyncio.Protocol):
    """Serves one call at a time. Owned by the loop; `begin` is called by the task that sends."""

    __slots__ = (
        "_count", "_fed", "_first_byte_by", "_heard_at", "_idle_s", "_informational", "_is_expecting", "_is_paused",
        "_is_reusable", "_parser", "_pool", "_request", "_response", "_total_by", "_transport", "born_at", "expires_at",
        "is_closed", "is_fresh", "key", "sent_at",
    )  # fmt: skip

    def __init__(self, pool: Pool, key: PoolKey) -> None:
        self.key = key
        self.is_closed = False
        self.is_fresh = True  # has served no call yet
        self.born_at = pool.sweeper.now
        self.expires_at = 0.0
        self.sent_at = 0.0
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._request: Request | None = None
        self._is_expecting = False
        self._is_paused = False
        self._is_reusable = False
        self._fed = 0
        self._count = 0
        self._informational = 0
        self._first_byte_by = self._total_by = self._heard_at = self._idle_s = 0.0

    # The call.

    def begin(self, request: Request, waiter: asyncio.Future[None]) -> Response:
        """Write the request, in one piece. `waiter` is done when the head of the answer is there, or nothing will come."""
        response = Response(self, waiter, request.max_response_bytes)
        self._response = response
        self._request = request
        self._is_expecting = True
        self._fed = self._count = self._informational = 0
        now = self._pool.sweeper.now
        timeouts = request.timeouts
        self.sent_at = now
        self._first_byte_by = now + timeouts.first_byte_s
        self._total_by = now + timeouts.total_s
        body = request.body
        head = b"%bcontent-length: %d\r\n\r\n" % (request.head, len(body))
        transport = cast("asyncio.Transport", self._transport)
        if len(body) > MAX_HEAD_BYTES:
            transport.writelines((head, body))
        else:
            transport.write(head + body)
        return response

    def was_stale(self) -> bool:
        """A used connection that died at once, without a byte of an answer: the server had already closed it."""
        return not self.is_fresh and self._fed == 0 and self._pool.sweeper.now - self.sent_at <= STALE_WITHIN_S

    # What a response may ask for.

    def pause(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._heard_at = self._pool.sweeper.now
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once, whatever is under way. Idempotent."""
        self.is_closed = True
        self._response = None
        if self._transport is not None:
            self._transport.abort()

    # The transport's events.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pool.sweeper.entries.add(self)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:  # unsolicited: whoever sends this cannot be trusted with another request
            self.abort()
            return
        self._fed += len(data)
        self._heard_at = self._pool.sweeper.now
        try:
            self._parser.feed_data(data)
        except HttpFailure as failure:
            self._fail(failure)
        except httptools.HttpParserError as error:
            self._parser_stopped(error)
        except httptools.HttpParserUpgrade:
            self._fail(ProtocolError("the server switched to another protocol"))
        if self._response is None:
            if self.is_closed:
                return
            self._free()
        elif not response.status and self._fed > MAX_HEAD_BYTES * (self._informational + 1):
            self._fail(TooLarge(f"the head of the answer is larger than {MAX_HEAD_BYTES} bytes"))
        elif self._fed > MAX_OVERHEAD + MAX_HEAD_BYTES and self._fed > MAX_OVERHEAD + MAX_HEAD_BYTES + 8 * response.arrived:
            self._fail(ProtocolError("the answer is mostly framing"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._transport = None
        self._pool.sweeper.entries.discard(self)
        self._pool.discard(self)
        response, self._response = self._response, None
        if response is not None and not response.is_complete:
            if response.is_close_delimited and exc is None and not self._is_reusable:
                response.end()
            elif self._fed == 0:
                response.end(ConnectionLost("the server closed the connection without an answer"))
            else:
                response.end(Truncated("the connection ended in the middle of the answer"))
        self._parser = None

    def sweep(self, now: float) -> None:
        """Check the deadlines of the call under way; when there is none, the end of this connection."""
        response = self._response
        if response is None:
            if now > self.expires_at and not self.is_fresh:
                self.abort()
        elif now > self._total_by:
            self._fail(TimedOut(Phase.TOTAL, "the answer took longer than total_s"))
        elif not response.status:
            if now > self._first_byte_by:
                self._fail(TimedOut(Phase.FIRST_BYTE, "no answer within first_byte_s"))
        elif now > self._heard_at + self._idle_s and not self._is_paused:
            self._fail(TimedOut(Phase.IDLE, "the answer stopped for longer than idle_s"))

    # llhttp's events, inside feed_data.

    def on_message_begin(self) -> None:
        if not self._is_expecting:
            raise ProtocolError("bytes follow the answer")
        self._is_expecting = False

    def on_header(self, name: bytes, value: bytes) -> None:
        response = self._response
        if response is None or response.status:
            return  # a trailer
        headers = response.headers
        name = name.lower()
        value = value.rstrip(b" \t")
        self._count += 1
        if self._count > MAX_FIELDS:
            raise TooLarge(f"the answer has more than {MAX_FIELDS} header fields")
        headers[name] = value if name not in headers else headers[name] + b", " + value

    def on_headers_complete(self) -> None:
        response = cast("Response", self._response)
        status = self._parser.get_status_code()
        if status < 200 or status > 599:
            self._informational_head(response, status)
            return
        headers = response.headers
        self._is_reusable = self._parser.should_keep_alive()
        if b"content-length" not in headers:
            self._check_framing(response, status)
        elif self._fed > MAX_HEAD_BYTES:
            self._check_size(headers)
        self._idle_s = cast("Request", self._request).timeouts.idle_s
        response.status = status
        response.wake()

    def on_body(self, data: bytes) -> None:
        response = self._response
        if response is not None:
            response.add(data)

    def on_message_complete(self) -> None:
        response = self._response
        if response is None:
            return
        if not response.status:  # that was a 1xx
            self._is_expecting = True
            return
        self._response = None
        response.end()

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
        self._check_size(headers)
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked" or self._parser.get_http_version() != "1.1":
                raise ProtocolError("the answer's transfer-encoding is not exactly chunked")
        elif status not in {204, 304}:
            response.is_close_delimited = True
            is_allowed = self._parser.get_http_version() == "1.0" or b"close" in headers.get(b"connection", b"").lower()
            self._is_reusable = not is_allowed

    def _check_size(self, headers: dict[bytes, bytes]) -> None:
        if self._fed > MAX_HEAD_BYTES and sum(map(len, headers)) + sum(map(len, headers.values())) > MAX_HEAD_BYTES:
            raise TooLarge(f"the head of the answer is larger than {MAX_HEAD_BYTES} bytes")

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
        response = self._response
        self.abort()
        if response is not None:
            response.end(failure)

    def _free(self) -> None:
        """The answer is complete and everything that came with it has been read."""
        transport = self._transport
        request, self._request = self._request, None
        if transport is None or not self._is_reusable or request is None or transport.get_write_buffer_size():
            self.abort()
            return
        now = self._pool.sweeper.now
        self.is_fresh = False
        self.expires_at = min(now + IDLE_S, self.born_at + MAX_AGE_S)
        self.resume()
        self._pool.release(self)
