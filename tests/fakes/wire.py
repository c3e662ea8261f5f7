"""Both ends of the wire in raw bytes: a client that says exactly what it is told, a server that answers exactly so."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from keeptrusts.gateway.http.exchange import BodyRule, Exchange, Head
from keeptrusts.gateway.http.refusals import Refusal

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATIENCE_S = 5.0


class Recorder:
    """A handler that keeps what it was given, and answers by `answer` or with an echo of the body."""

    def __init__(self, answer: Callable[[Exchange], Awaitable[None]] | None = None, *, max_body: int = 1 << 20) -> None:
        self.heads: list[Head] = []
        self.handled: list[tuple[str, str, bytes]] = []
        self.cancelled = 0
        self.rule: BodyRule | Refusal = BodyRule(max_body)
        self._answer = answer

    def admit(self, head: Head) -> BodyRule | Refusal:
        self.heads.append(head)
        return self.rule

    async def handle(self, exchange: Exchange) -> None:
        self.handled.append((exchange.head.method, exchange.head.path, exchange.body))
        try:
            if self._answer is None:
                exchange.respond(200, b"content-type: text/plain\r\n", exchange.body)
            else:
                await self._answer(exchange)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def converse(port: int, *pieces: bytes) -> bytes:
    """Send the pieces, each in a packet of its own as far as one can tell, and read until the server closes."""
    async with dialled(port) as (reader, writer):
        with suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                return await reader.read()
        return b""


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes], bytes]:
    """One answer with content-length or chunked framing. Raises IncompleteReadError where it is cut short."""
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in lines[1:])
        status = int(lines[0].split(b" ")[1])
        if headers.get(b"transfer-encoding") == b"chunked":
            return status, headers, await _read_chunks(reader)
        return status, headers, await reader.readexactly(int(headers.get(b"content-length", b"0")))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        piece = await reader.readexactly(size + 2)
        if size == 0:
            return bytes(body)
        body += piece[:-2]


def answers_in(data: bytes) -> list[int]:
    """The status codes in what a server sent."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


@asynccontextmanager
async def raw_server(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a free port that runs `serve` for each connection. Leaving ends them all."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await serve(reader, writer)
            writer.close()
        except BaseException:
            writer.transport.abort()
            raise
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
        writer.transport.abort()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, limit=1 << 24, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            assert task is not None
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.sleep(0)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a request as our client frames it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head, await reader.readexactly(length)


class Script:
    """Answers each request with the next of these byte strings; b"" closes without an answer. Keeps what came.

    Raw bytes only: after the last answer the connection stays open until the client closes it, unless `closes`.
    """

    def __init__(self, *answers: bytes | Iterable[bytes], closes: bool = False) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.closes = closes
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await read_request(reader))
                answer = self.answers.pop(0)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if not answer or self.closes:
                    return
        finally:
            self.ended.set()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that has no event to wait for."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
