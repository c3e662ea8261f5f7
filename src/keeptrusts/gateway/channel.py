"""Typed messages between two processes of an instance, over a socket pair: calls with their answers, and notices.

It knows frames, not what the messages mean. Nothing here waits for the other side without a limit: a call ends with its
answer, its deadline or the channel, and what cannot be written soon is refused rather than kept.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from keeptrusts.runtime.tasks import spawn

MAX_FRAME_BYTES = 16 << 20
MAX_WAITING_BYTES = 32 << 20
MAX_CALLS = 1024

log = logging.getLogger(__name__)

_HEAD = struct.Struct(">IBI")  # bytes of the body, kind, number of the call
_CALL, _ANSWER, _FAILURE, _NOTICE = range(4)
_LAST_NUMBER = 0xFFFF_FFFF

Decode: TypeAlias = Callable[[bytes], Any]
Encode: TypeAlias = Callable[[Any], bytes]
Answering: TypeAlias = Callable[[Any], Awaitable[Any]]
T = TypeVar("T")


class ChannelError(Exception):
    """A call has no answer."""


class ChannelClosed(ChannelError):
    """The other side is gone."""


class ChannelBusy(ChannelError):
    """Too much is under way, or the other side does not read."""


class CallFailed(ChannelError):
    """The other side could not answer, or gave none in time; its log says why."""


class Channel(asyncio.Protocol):
    """One end. Owned by the event loop.

    `answer` gets each message of the other side, and what it returns is the answer; for a notice it is dropped.
    """

    def __init__(self, encode: Encode, decode: Decode, answer: Answering) -> None:
        self._encode = encode
        self._decode = decode
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._received = bytearray()
        self._number = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._work: set[asyncio.Task[None]] = set()

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    async def call(self, message: msgspec.Struct, answer_type: type[T], *, within_s: float) -> T:
        """Send a message and wait for its answer. Raises ChannelError."""
        if len(self._calls) >= MAX_CALLS:
            raise ChannelBusy
        self._number = number = self._number % _LAST_NUMBER + 1
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._calls[number] = answer
        try:
            self._send(_CALL, number, self._encode(message))
            async with asyncio.timeout(within_s):
                given = await answer
        except TimeoutError:
            raise CallFailed(f"no answer to {type(message).__name__} within {within_s} s") from None
        finally:
            del self._calls[number]
        if not isinstance(given, answer_type):
            raise CallFailed(f"{type(given).__name__} is no answer to {type(message).__name__}")
        return given

    def tell(self, message: msgspec.Struct) -> None:
        """Send a message that has no answer. Raises ChannelError where it cannot be sent."""
        self._send(_NOTICE, 0, self._encode(message))

    async def wait_closed(self) -> None:
        """Until the other side is gone, or this one was closed."""
        await asyncio.shield(self._closed)

    def close(self) -> None:
        """Let go. What was sent still leaves; calls under way end with ChannelClosed."""
        if self._transport is not None:
            self._transport.close()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(MAX_WAITING_BYTES)

    def connection_lost(self, _: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(ChannelClosed())
        for task in self._work:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        start = 0
        while len(received) - start >= _HEAD.size:
            size, kind, number = _HEAD.unpack_from(received, start)
            if size > MAX_FRAME_BYTES:
                self._break("a frame is too large")
                return
            end = start + _HEAD.size + size
            if len(received) < end:
                break
            self._take(kind, number, bytes(received[start + _HEAD.size : end]))
            start = end
        del received[:start]

    # Inside.

    def _take(self, kind: int, number: int, body: bytes) -> None:
        try:
            message = None if kind == _FAILURE else self._decode(body)
        except msgspec.MsgspecError:
            self._break("a message cannot be read")
            return
        if kind in {_CALL, _NOTICE}:
            self._begin(message, number)
            return
        answer = self._calls.get(number)
        if answer is None or answer.done():
            return  # it came too late
        if kind == _ANSWER:
            answer.set_result(message)
        else:
            answer.set_exception(CallFailed(body.decode("utf-8", "replace")))

    def _begin(self, message: Any, number: int) -> None:
        if len(self._work) >= MAX_CALLS:
            self._try_send(_FAILURE, number, b"too many calls")
            return
        task = spawn(self._loop, self._handle(message, number))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _handle(self, message: Any, number: int) -> None:
        name = type(message).__name__
        try:
            given = await self._answer(message)
            body = self._encode(given) if number else b""
        except Exception:
            log.exception("a message of another process could not be answered", extra={"facts": {"message": name}})
            self._try_send(_FAILURE, number, name.encode())
            return
        if number:
            self._try_send(_ANSWER, number, body)

    def _send(self, kind: int, number: int, body: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ChannelClosed
        if len(body) > MAX_FRAME_BYTES or transport.get_write_buffer_size() + len(body) > MAX_WAITING_BYTES:
            raise ChannelBusy
        transport.write(_HEAD.pack(len(body), kind, number) + body)

    def _try_send(self, kind: int, number: int, body: bytes) -> None:
        """Answer, if the other side still listens; otherwise its call ends by itself."""
        try:
            self._send(kind, number, body)
        except ChannelError as lost:
            log.warning("an answer was not sent", extra={"facts": {"reason": type(lost).__name__}})

    def _break(self, reason: str) -> None:
        """Both ends are of one version of one program: what cannot be read is not read on."""
        log.error("the channel between processes is broken", extra={"facts": {"reason": reason}})
        if self._transport is not None:
            self._transport.abort()


@asynccontextmanager
async def open_channel(
    sock: socket.socket, *, encode: Encode, decode: Decode, answer: Answering
) -> AsyncIterator[Channel]:
    """One end of a connected pair, for the life of the block. The socket is the channel's from now on."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    _, channel = await loop.create_unix_connection(lambda: Channel(encode, decode, answer), sock=sock)
    try:
        yield channel
    finally:
        channel.close()
        await channel.wait_closed()
