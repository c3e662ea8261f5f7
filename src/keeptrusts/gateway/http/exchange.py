"""One request and its answer, as the edge gives them to the handler. The handler's only view of the wire.

A handler first says in `admit` whether and how much of a body it takes, before any of it is read; then `handle` runs
in a task. Bytes stay bytes: the answer's header lines are prebuilt, an answer or a chunk is one write.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from keeptrusts.gateway.http.refusals import Malformed, Refusal, refuse

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES = {code: f"HTTP/1.1 {code} {_PHRASES.get(code, '')}\r\n".encode() for code in range(100, 1000)}
"""Any status that a provider may send, such as Anthropic's 529, which has no registered phrase."""

JOIN_UP_TO = 65536  # bytes: a larger body is handed over as it is, copying it would cost more than a second write
BODILESS = frozenset({204, 304})
ENDS = (b"content-length: %d\r\nconnection: close\r\n\r\n", b"content-length: %d\r\n\r\n")  # by keeps_alive
BODILESS_ENDS = (b"connection: close\r\n\r\n", b"\r\n")


class Head:
    """What is known of a request before its body.

    `path` is the target without its query, percent-encoding left as it came. `headers` has lower-case names; a field
    that came more than once is joined with b", ". Repeated Host, framing and content headers never get here (400);
    repeated credentials (authorization, x-api-key, api-key) are joined too and set `has_repeated_credentials`.
    Read only: requests that say the same share one.
    """

    __slots__ = (
        "has_repeated_credentials", "headers", "is_tls", "method", "path", "peer", "query",
    )  # fmt: skip

    def __init__(
        self, method: str, path: str, query: bytes, headers: dict[bytes, bytes], peer: str, is_tls: bool
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.is_tls = is_tls
        self.has_repeated_credentials = False


@dataclass(frozen=True, slots=True)
class BodyRule:
    """The request is let in with a body of at most so many bytes, counted after decompression.

    The body is held in the name of `holder`, and nobody may hold more than a share of what all may; None: in nobody's.
    """

    max_body_bytes: int
    holder: str | None = field(default=None, kw_only=True)

    def refuse(self, head: Head, malformed: Malformed) -> Refusal | None:
        """How to answer where the body then cannot be taken; None: as the edge does by itself. Asked once at most."""
        del head, malformed
        return None


class Handler(Protocol):
    """What the gateway does with requests. One object per server."""

    def admit(self, head: Head) -> BodyRule | Refusal:
        """Judge the head, at once, without waiting. Where a body was announced, a refusal also ends the connection."""

    def handle(self, exchange: "Exchange") -> Awaitable[None]:
        """Answer. Cancelled when the client leaves before the answer is complete; an exception becomes a 500 or a cut.

        Work after the complete answer is allowed: the client's leaving never cancels it, and a drain waits for it.
        """


class Line(Protocol):
    """What an exchange needs of the connection that it came on."""

    def opening(self, exchange: "Exchange", status: int) -> bytes:
        """Status line and Date. Decides whether the connection stays open, in `exchange.keeps_alive`."""

    def send(self, data: bytes) -> None:
        """Hand bytes to the transport. Nothing happens once the connection is gone."""

    def send_parts(self, head: bytes, body: bytes) -> None:
        """As `send`, without copying the body."""

    def must_wait(self) -> bool:
        """The client is slow, or has left: then the task has to come to its cancellation."""

    def writable(self) -> Awaitable[None]:
        """Wait until the transport takes more, if it ever does."""

    def answered(self, exchange: "Exchange") -> None:
        """The answer is complete: go on with the next request, or close."""

    def cut(self, exchange: "Exchange", *, reset: bool) -> None:
        """End the connection now; `reset`: such that the client cannot take it for a clean end."""


class Exchange:
    """One request and its answer, owned by the handler's task.

    Either `respond` once, or `start`, any number of `write`, then `finish`. Header lines are whole, each with its CRLF;
    content-length, transfer-encoding, connection and date are the edge's and must not be among them.
    """

    __slots__ = (
        "_is_chunked", "_line", "body", "charge", "coding", "head", "is_1_1", "is_begun", "is_complete",
        "is_started", "keeps_alive", "ping", "ping_s", "refusal", "rule", "task",
    )  # fmt: skip

    def __init__(self, line: Line, head: Head) -> None:
        self.head = head
        self.body = b""
        self.rule: BodyRule | None = None  # what `admit` said: the handler's own facts may ride on it
        self.is_started = False
        self.is_complete = False
        self._line = line
        self._is_chunked = False
        # The edge's own notes.
        self.is_1_1 = True
        self.keeps_alive = True
        self.coding: tuple[bytes, int] | None = None  # encoding of the body, and the limit for what it decodes to
        self.refusal: Refusal | None = None
        self.charge = 0  # bytes of the server's body budget
        self.ping = b""
        self.ping_s = 0.0
        self.task: asyncio.Task[None] | None = None
        self.is_begun = False  # the task has run

    @property
    def holder(self) -> str | None:
        """In whose name the body is held."""
        return None if self.rule is None else self.rule.holder

    def respond(self, status: int, headers: bytes, body: bytes = b"") -> None:
        """The whole answer in one write. To HEAD, the same head without the body."""
        if self.is_started:
            raise RuntimeError("this request has already been answered")
        self.is_started = self.is_complete = True
        line = self._line
        opening = line.opening(self, status)
        end = ENDS[self.keeps_alive] % len(body)
        if status in BODILESS or self.head.method == "HEAD":
            line.send(b"".join((opening, headers, BODILESS_ENDS[self.keeps_alive] if status in BODILESS else end)))
        elif len(body) > JOIN_UP_TO:
            line.send_parts(b"".join((opening, headers, end)), body)
        else:
            line.send(b"".join((opening, headers, end, body)))
        line.answered(self)

    def start(self, status: int, headers: bytes) -> None:
        """Send the head of an answer whose length is not known yet."""
        if self.is_started:
            raise RuntimeError("this request has already been answered")
        self.is_started = True
        line = self._line
        opening = line.opening(self, status)
        self._is_chunked = self.is_1_1
        framing = b"transfer-encoding: chunked\r\n" if self._is_chunked else b""
        line.send(b"".join((opening, headers, framing, BODILESS_ENDS[self.keeps_alive])))

    def write(self, data: bytes) -> None:
        """Send a piece now. Check `is_paused` and await `drain` between pieces, or memory grows with a slow client."""
        if not data or self.head.method == "HEAD":
            return
        self._line.send(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    @property
    def is_paused(self) -> bool:
        """The client takes less than it is sent: await `drain` before the next write."""
        return self._line.must_wait()

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written."""
        if self._line.must_wait():
            await self._line.writable()

    def ping_every(self, seconds: float, data: bytes) -> None:
        """Write `data` whenever nothing was sent for so long; b"" ends that. Only while whole events are written."""
        self.ping_s = seconds
        self.ping = data

    def finish(self) -> None:
        """End a started answer cleanly."""
        if self.is_complete:
            return
        self.is_complete = True
        if self._is_chunked and self.head.method != "HEAD":
            self._line.send(b"0\r\n\r\n")
        self._line.answered(self)

    def abort(self) -> None:
        """Cut the connection so that the client sees an error, never a clean end. Nothing after a complete answer."""
        if not self.is_complete:
            self.is_complete = True
            self._line.cut(self, reset=self.is_started and not self._is_chunked)


def refuse_exchange(exchange: Exchange | None, malformed: Malformed) -> Refusal:
    """As `refuse`, in the words of whoever let the request in, if it was let in."""
    if exchange is None or exchange.rule is None:
        return refuse(malformed)
    return exchange.rule.refuse(exchange.head, malformed) or refuse(malformed)
