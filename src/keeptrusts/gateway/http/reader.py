"""Reads requests from the bytes of one connection: llhttp's events in, whole requests out. Knows no socket and no time.

Order per request: framing checks, `admit`, body limits, then the body. What must not go on raises `Refused`.
"""

from io import BytesIO
from typing import Any, Protocol

import httptools

from keeptrusts.gateway.http.budget import Budget
from keeptrusts.gateway.http.exchange import Exchange, Handler, Head, Line, refuse_exchange
from keeptrusts.gateway.http.framing import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    METHODS,
    OffersHttp2,
    check_coding,
    check_host,
    check_repeated,
    refuse_upgrade,
    split_target,
    without_http2_offer,
)
from keeptrusts.gateway.http.refusals import Malformed, Refusal, overloaded, refuse, too_large
from keeptrusts.gateway.http.repeats import Repeat, recognize, remember
from keeptrusts.runtime.http.compression import UnsupportedEncoding, normal_encoding

TOO_MANY_BODIES = "too many request bodies are being held"
MAX_MISSES = 3  # heads in a row that were not those before them, until the connection is taken for one that varies
GATHER_EVERY = 16  # pieces of a body
MAX_OVERHEAD = 65536  # bytes of chunk framing, extensions and trailers beyond eight times the body


class Refused(Exception):
    """Nothing more is read from this connection: answer this and close."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class Owner(Line, Protocol):
    """The connection, as its reader sees it."""

    def ready(self, exchange: Exchange) -> None:
        """A request is whole."""

    def expects_continue(self) -> None:
        """The client waits for a 100 before it sends the body."""


class RequestReader:
    """One per connection; the requests come in order."""

    __slots__ = (
        "_budget",
        "_fed",
        "_gathered",
        "_handler",
        "_has_repeated_credentials",
        "_headers",
        "_is_chunked",
        "_is_tls",
        "_last_host",
        "_last_target",
        "_last_url",
        "_limit",
        "_misses",
        "_owner",
        "_parser",
        "_peer",
        "_pieces",
        "_read",
        "_repeat",
        "_repeats",
        "_size",
        "_slack",
        "_url",
        "exchange",
        "is_between",
    )  # fmt: skip

    def __init__(self, owner: Owner, handler: Handler, budget: Budget, *, peer: str, is_tls: bool) -> None:
        self.exchange: Exchange | None = None  # the request whose body is being read
        self.is_between = True  # the last byte ended a request, or none has come
        self._owner = owner
        self._handler = handler
        self._budget = budget
        self._peer = peer
        self._is_tls = is_tls
        self._parser: Any = httptools.HttpRequestParser(self)
        self._fed = 0  # bytes since the request began, or a little more
        self._slack = 0  # how much of that may belong to the request before
        self._limit = 0
        self._repeat: Repeat | None = None
        self._read: list[Head | None] = []  # of the requests that ended in the last bytes; None: the last of all
        self._misses = 0
        # Of the request before: a client mostly says the same again.
        self._last_host: bytes | None = None
        self._last_url = b""
        self._last_target = ("", b"")
        # Of the request that is being read.
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._gathered: BytesIO | None = None  # what came before the pieces, of a large body
        self._repeats = 0
        self._has_repeated_credentials = False
        self._is_chunked = False
        self._size = 0

    @property
    def is_midway(self) -> bool:
        """A request has begun to arrive and is not whole."""
        return not self.is_between

    def feed(self, data: bytes) -> None:
        """Read on. Raises Refused."""
        was_between = self.is_between
        if was_between and self._repeat is not None:
            known = recognize(self._repeat, data)
            if known is not None:
                self._again(*known)
                return
            self._forget()
        size = len(data)
        self._fed += size
        self._read.clear()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            plain = without_http2_offer(data) if isinstance(error.__context__, OffersHttp2) else b""
            if not plain or not was_between or self._read:
                raise Refused(self._explain(error)) from error
            self._restart(plain)
            return
        if self.is_between:
            self._fed = self._slack = size
            if was_between and self._misses < MAX_MISSES and len(self._read) == 1 and self._read[0] is not None:
                self._repeat = remember(data, self._read[0])
        elif self._fed - self._slack > MAX_HEAD_BYTES:
            self._check_progress()

    def close(self) -> None:
        """Let go of what was read. Nothing may be fed after this."""
        if self.exchange is not None:
            self._budget.give_back(self.exchange.charge, self.exchange.holder)
            self.exchange = None
        self._pieces = []
        self._gathered = None
        self.is_between = True
        self._parser = None  # it refers back to this reader

    # llhttp's events, inside feed_data.

    def on_message_begin(self) -> None:
        self.is_between = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        name = name.lower()
        if name in headers:
            value = self._join(name, value)
        headers[name] = value.rstrip()  # only spaces and tabs get here

    def on_headers_complete(self) -> None:
        headers = self._headers
        self._check_size(headers)
        parser = self._parser
        method = METHODS.get(parser.get_method())
        if method is None:
            raise Malformed("this method is not offered", code="method_not_allowed", status=405)
        keeps_alive = parser.should_keep_alive()
        # llhttp also reads HTTP/0.9 and HTTP/2.0, which it keeps alive only where they say so.
        is_1_1 = (keeps_alive and b"connection" not in headers) or self._is_1_1()
        if parser.should_upgrade():
            refuse_upgrade(headers.get(b"upgrade", b""))
        path, query = self._read_target(headers.get(b"host"), is_1_1=is_1_1)
        head = Head(method, path, query, headers, self._peer, self._is_tls)
        exchange = Exchange(self._owner, head)
        if not (keeps_alive and is_1_1):
            exchange.keeps_alive = False
            exchange.is_1_1 = is_1_1
        if self._repeats:
            head.has_repeated_credentials = self._has_repeated_credentials
        self._admit(exchange, headers)
        self.exchange = exchange
        self._headers = {}  # for trailers, which are dropped

    def on_body(self, data: bytes) -> None:
        pieces = self._pieces
        pieces.append(data)
        if len(pieces) == GATHER_EVERY:
            self._gather(pieces)
        if self._is_chunked:
            self._count(len(data))

    def on_message_complete(self) -> None:
        exchange = self.exchange
        if exchange is None:
            return
        self.exchange = None
        self.is_between = True
        pieces = self._pieces
        if pieces:
            exchange.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces = []
        if self._gathered is not None:
            self._gathered.write(exchange.body)
            exchange.body = self._gathered.getvalue()
            self._gathered = None
        self._url = b""
        if self._is_chunked or self._repeats:
            self._headers = {}
            self._repeats = self._size = 0
            self._has_repeated_credentials = self._is_chunked = False
        self._read.append(exchange.head if exchange.keeps_alive else None)
        self._owner.ready(exchange)

    # Steps.

    def _gather(self, pieces: list[bytes]) -> None:
        """Put a large body together as it comes: in one go at its end, that would hold up other connections."""
        if self._gathered is None:
            exchange = self.exchange
            size = 0 if exchange is None or self._is_chunked else exchange.charge
            self._gathered = BytesIO(bytes(size))  # the memory is not touched before it is used
        self._gathered.writelines(pieces)
        pieces.clear()

    def _again(self, head: Head, body: bytes) -> None:
        """A whole request whose head has been read before."""
        self._misses = 0
        exchange = Exchange(self._owner, head)
        try:
            self._admit(exchange, head.headers)
        except Malformed as malformed:
            raise Refused(refuse_exchange(exchange, malformed)) from malformed
        self.exchange = None
        exchange.body = body
        self._owner.ready(exchange)

    def _restart(self, data: bytes) -> None:
        """Read the request again that these bytes begin, in its other form."""
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._headers, self._repeats = b"", {}, 0
        self._fed = self._slack = 0
        self.is_between = True
        self.feed(data)

    def _forget(self) -> None:
        """The head was another one: where that happens again and again, looking costs more than it saves."""
        self._repeat = None
        self._misses += 1

    def _join(self, name: bytes, value: bytes) -> bytes:
        """A field that came before, with its further value."""
        if check_repeated(name):
            self._has_repeated_credentials = True
        self._repeats += 1
        if self._repeats > MAX_FIELDS:
            raise _head_too_large()
        return self._headers[name] + b", " + value

    def _check_size(self, headers: dict[bytes, bytes]) -> None:
        if len(headers) + self._repeats > MAX_FIELDS:
            raise _head_too_large()
        if self._fed > MAX_HEAD_BYTES:
            size = len(self._url) + sum(map(len, headers)) + sum(map(len, headers.values())) + 4 * len(headers)
            if size > MAX_HEAD_BYTES:
                raise _head_too_large()

    def _read_target(self, host: bytes | None, *, is_1_1: bool) -> tuple[str, bytes]:
        """Path and query, both they and the Host checked."""
        url = self._url
        if host is None or host != self._last_host:
            check_host(host, is_1_1=is_1_1)
            self._last_host = host
        elif url == self._last_url:
            return self._last_target
        target = split_target(url, host)
        self._last_url = url
        self._last_target = target
        return target

    def _is_1_1(self) -> bool:
        version = self._parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            raise Malformed("only HTTP/1.1 and HTTP/1.0 are spoken here", code="version_not_supported", status=505)
        return bool(version == "1.1")

    def _admit(self, exchange: Exchange, headers: dict[bytes, bytes]) -> None:
        """Ask the handler, then apply what it says to the body that was announced."""
        if b"transfer-encoding" in headers:
            check_coding(headers[b"transfer-encoding"], is_1_1=exchange.is_1_1)
            self._is_chunked = True
        length = int(headers.get(b"content-length", 0))  # llhttp has refused everything but digits
        rule = self._handler.admit(exchange.head)
        if isinstance(rule, Refusal):
            if self._is_chunked or length:
                raise Refused(rule)
            exchange.refusal = rule
            return
        exchange.rule = rule
        self.exchange = exchange
        self._limit = limit = rule.max_body_bytes
        if length > limit:
            raise too_large(limit)
        if b"content-encoding" in headers:
            exchange.coding = self._check_encoding(headers[b"content-encoding"])
        if b"expect" in headers and headers[b"expect"].lower() != b"100-continue":
            raise Malformed("the only expectation is 100-continue", code="expectation_failed", status=417)
        # The last reason to refuse: what is charged here is given back only with the exchange.
        if length:
            if not self._budget.take(length, rule.holder):
                raise overloaded(TOO_MANY_BODIES)
            exchange.charge = length
        if b"expect" in headers and (length or self._is_chunked):
            self._owner.expects_continue()

    def _check_encoding(self, encoding: bytes) -> tuple[bytes, int] | None:
        try:
            name = normal_encoding(encoding)
        except UnsupportedEncoding as error:
            raise Malformed(str(error), code="unsupported_encoding", status=415) from error
        return None if name is None else (name, self._limit)

    def _count(self, size: int) -> None:
        """A piece of a body whose length was not announced."""
        self._size += size
        if self._size > self._limit:
            raise too_large(self._limit)
        exchange = self.exchange
        if exchange is None or not self._budget.take(size, exchange.holder):
            raise overloaded(TOO_MANY_BODIES)
        exchange.charge += size

    def _check_progress(self) -> None:
        """Much has come: refuse a head without end, and chunks with more framing than body."""
        if self.exchange is None:
            raise Refused(refuse(_head_too_large()))
        if self._is_chunked and self._fed - self._slack > MAX_HEAD_BYTES + MAX_OVERHEAD + 8 * self._size:
            raise Refused(refuse_exchange(self.exchange, Malformed("the body is mostly chunk framing")))

    def _explain(self, error: Exception) -> Refusal:
        cause = error.__context__
        if isinstance(cause, Malformed):
            return refuse_exchange(self.exchange, cause)
        if isinstance(cause, Refused):
            return cause.refusal
        if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
            raise cause
        if isinstance(error, httptools.HttpParserInvalidMethodError):
            return refuse(Malformed("the request line does not begin with a method of HTTP"))
        return refuse_exchange(self.exchange, Malformed("the request is not valid HTTP/1.1"))


def _head_too_large() -> Malformed:
    message = f"the request's head is over {MAX_HEAD_BYTES} bytes or {MAX_FIELDS} fields"
    return Malformed(message, code="head_too_large", status=431)
