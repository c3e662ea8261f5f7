"""A provider that answers exactly as told, byte for byte, and keeps what it received.

Raw HTTP/1.1 on asyncio streams: chunking, pauses, truncation, status and headers are the test's to choose.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

Ending: TypeAlias = Literal["whole", "cut", "hang", "silent"]

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `pieces` are what is written one after another; a number among them is a pause in seconds.

    `cut` closes without the end of the body, `hang` stays silent behind it, `silent` sends not even a head; the last
    two wait until the caller leaves. `raw` is all that is written before the connection is closed.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Sequence[bytes | float] | None = None
    ending: Ending = "whole"
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. Header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


Answering: TypeAlias = Callable[[Received], Reply]


class Replay:
    """Answers each request with the next reply; the last one stays. `abandoned`: callers that left an open answer."""

    def __init__(self, *replies: Reply, answer: Answering | None = None) -> None:
        self.replies = list(replies)
        self.received: list[Received] = []
        self.abandoned = 0
        self.port = 0
        self.arrived = asyncio.Event()
        self.writers: set[asyncio.StreamWriter] = set()
        self._answer = answer or self._next

    @property
    def calls(self) -> int:
        return len(self.received)

    @property
    def last(self) -> Received:
        return self.received[-1]

    def _next(self, received: Received) -> Reply:
        del received
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                received = await _read(reader)
                self.received.append(received)
                self.arrived.set()
                reply = self._answer(received)
                if not await self._play(reply, reader, writer):
                    break
        writer.close()
        self.writers.discard(writer)

    async def _play(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        try:
            if reply.ending != "silent":
                await self._write(reply, reader, writer)
            if reply.ending in {"hang", "silent"}:
                await reader.read()
                self.abandoned += 1
        except OSError:
            self.abandoned += 1
            raise
        return reply.ending == "whole"

    async def _write(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_chunked = reply.pieces is not None or reply.ending != "whole"
        writer.write(_head(reply, is_chunked=is_chunked))
        for piece in reply.pieces if reply.pieces is not None else [reply.body]:
            if isinstance(piece, float | int):
                await self._pause(piece, reader)
            elif piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
                await writer.drain()
                await asyncio.sleep(0)
        if is_chunked and reply.ending == "whole":
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _pause(self, seconds: float, reader: asyncio.StreamReader) -> None:
        """Wait, unless the caller leaves before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not await reader.read(1):
                    raise ConnectionResetError


@asynccontextmanager
async def open_replay(
    *replies: Reply, answer: Answering | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Replay]:
    """A provider on a free port of 127.0.0.1 for the life of the block."""
    replay = Replay(*replies, answer=answer)
    server = await asyncio.start_server(replay.serve, "127.0.0.1", 0, limit=1 << 24, backlog=256, ssl=tls)
    replay.port = server.sockets[0].getsockname()[1]
    try:
        yield replay
    finally:
        server.close()
        for writer in replay.writers:
            writer.transport.abort()
        while replay.writers:  # noqa: ASYNC110 - a turn of the loop or two: each connection ends by itself
            await asyncio.sleep(0)


def stream(body: bytes, *, size: int | None = None, ending: Ending = "whole", **changes) -> Reply:
    """A streamed answer, in pieces of `size` bytes, or at once."""
    pieces = [body] if size is None else [body[at : at + size] for at in range(0, len(body), size)]
    return Reply(pieces=pieces, content_type=EVENT_STREAM, ending=ending, **changes)


async def _read(reader: asyncio.StreamReader) -> Received:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    method, target, _ = lines[0].split(" ")
    pairs = [line.split(":", 1) for line in lines[1:]]
    headers = tuple((name.lower(), value.strip()) for name, value in pairs)
    length = int(next((value for name, value in headers if name == "content-length"), "0"))
    return Received(method, target, headers, await reader.readexactly(length))


def _head(reply: Reply, *, is_chunked: bool) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} X", f"Content-Type: {reply.content_type}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines.append("Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(reply.body)}")
    return "\r\n".join([*lines, "", ""]).encode()
