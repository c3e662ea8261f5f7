"""The answer to a call, as it arrives. Knows limits and backpressure, not sockets."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeAlias

from keeptrusts.runtime.http.compression import BadBody, BodyTooLarge, decode_body, find_decoder
from keeptrusts.runtime.http.errors import BadEncoding, HttpFailure, TooLarge

HIGH_WATER = 262144  # bytes of a body that wait for their reader, at most, before the socket is no longer read
MOVED_WITHIN = HIGH_WATER // 2  # bytes before the mark at which it is moved on: not for each piece

Sink: TypeAlias = Callable[[bytes], bool]
"""Takes a piece of a body, and says whether the next one may come at once."""


class Source(Protocol):
    """What a response needs of the connection that it comes on."""

    def pause(self) -> None:
        """Stop reading the socket."""

    def resume(self) -> None:
        """Read the socket again."""

    def abort(self) -> None:
        """Close the connection at once."""


class Response:
    """Status, headers, and a body to be read once, by `take_whole`, `read`, `chunks` or `pour`.

    Owned by the task that sent the call.

    Whoever leaves before the end calls `abort` (in a `finally`, say): it is cheap and may be called at any time.
    `headers` has lower-case names, repeated fields joined with b", ". A decoded body no longer has the length and
    encoding that the headers name.
    """

    __slots__ = (
        "_decoded", "_limit", "_refusal", "_source", "arrived", "failure", "headers", "is_close_delimited",
        "is_complete", "pause_at", "pieces", "sink", "status", "waiter",
    )  # fmt: skip

    def __init__(self, source: Source, waiter: asyncio.Future[None], limit: int) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.is_close_delimited = False  # the body ended with the connection: nothing says that it is whole
        self.is_complete = False
        self.failure: HttpFailure | None = None
        self.arrived = 0  # bytes of the body, as they came
        self.pieces: list[bytes] = []
        self.waiter: asyncio.Future[None] | None = waiter
        self.sink: Sink | None = None  # where pieces go without waking the task
        self._source = source
        self._limit = limit
        self._decoded: AsyncGenerator[bytes, None] | None = None
        self._refusal: Exception | None = None  # what the sink raised
        self.pause_at = min(limit, HIGH_WATER)  # in bytes arrived

    def take_whole(self) -> bytes | None:
        """The whole body where it is here and not encoded; None where it takes a `read`."""
        if not self.is_complete or self.failure is not None or b"content-encoding" in self.headers:
            return None
        return self._take()

    async def read(self) -> bytes:
        """The whole body, decoded. Raises Truncated, TooLarge, BadEncoding, TimedOut, ProtocolError."""
        if not self.is_complete:
            self.pause_at = self._limit
            self._source.resume()
            while not self.is_complete:
                await self._wait()
        if self.failure is not None:
            raise self.failure
        body = self._take()
        encoding = self.headers.get(b"content-encoding")
        if encoding is None or not body:
            return body
        try:
            return await decode_body(encoding, body, self._limit, max_ratio=None)
        except BodyTooLarge as error:
            raise TooLarge(f"the answer decodes to more than {self._limit} bytes") from error
        except BadBody as error:
            raise BadEncoding(str(error)) from error

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Pieces as they arrive, decoded; what came together, together. Raises as `read`, after the last piece."""
        encoding = self.headers.get(b"content-encoding")
        return self._raw_chunks() if encoding is None else self._decoded_chunks(encoding)

    async def pour(self, sink: Sink) -> bool:
        """Give the pieces of `chunks` to `sink`, each in the turn of the loop in which it came; the task sleeps on.

        True at the end of the body. False once the sink wants no more for now: the rest waits for the next `pour`, and
        for backpressure. Raises as `read`, and what the sink raises.
        """
        if b"content-encoding" in self.headers:
            return await self._pour_decoded(sink)
        while True:
            if self.pieces:
                if not sink(self._take()):
                    return False
            elif self.failure is not None:
                raise self.failure
            elif self.is_complete:
                return True
            else:
                self.sink = sink
                try:
                    await self._wait()
                finally:
                    has_stopped, self.sink = self.sink is None, None
                if self._refusal is not None:
                    raise self._refusal
                if has_stopped:
                    return False

    async def _pour_decoded(self, sink: Sink) -> bool:
        """A decoder may make much of little, so it is not run for longer than the sink takes what it gives."""
        if self._decoded is None:
            self._decoded = self.chunks()
        async for piece in self._decoded:
            if not sink(piece):
                return False
        return True

    async def _raw_chunks(self) -> AsyncGenerator[bytes, None]:
        while True:
            if self.pieces:
                yield self._take()
            elif not self.is_complete:
                await self._wait()
            elif self.failure is not None:
                raise self.failure
            else:
                return

    async def _decoded_chunks(self, encoding: bytes) -> AsyncGenerator[bytes, None]:
        try:
            decoder = find_decoder(encoding, self._limit, max_ratio=None)
            async for data in self._raw_chunks():
                if decoder is None:
                    yield data
                    continue
                for piece in decoder.feed(data):
                    yield piece
            if decoder is not None and self.arrived:
                decoder.finish()
        except BodyTooLarge as error:
            self.abort()
            raise TooLarge(str(error)) from error
        except BadBody as error:
            self.abort()
            raise BadEncoding(str(error)) from error

    def abort(self) -> None:
        """Give the answer up: closes the connection unless the answer had ended."""
        if not self.is_complete:
            self.is_complete = True
            self.failure = HttpFailure("the call was given up")
            self._source.abort()

    # From here on: called by the connection.

    def hold_back(self) -> None:
        """More has arrived than `pause_at`: stop reading, for good where the limit is reached."""
        if self.arrived > self._limit:
            self.pieces.clear()
            self.end(TooLarge(f"the answer is larger than {self._limit} bytes"))
            self._source.abort()
        else:
            self._source.pause()

    def deliver(self) -> None:
        """Give the sink what came; wake the task where that wants no more."""
        sink = self.sink
        if sink is None:
            return
        try:
            if sink(self._take()):
                return
        except Exception as refusal:  # noqa: BLE001 - the task raises it
            self._refusal = refusal
        self.sink = None
        self.wake()

    def wake(self) -> None:
        """Let the task that waits look again."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def end(self, failure: HttpFailure | None = None) -> None:
        """Nothing more comes."""
        if not self.is_complete:
            self.is_complete = True
            self.failure = failure
            self.wake()

    def _take(self) -> bytes:
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if self.arrived > self.pause_at - MOVED_WITHIN and not self.is_complete:
            is_held = self.arrived > self.pause_at
            self.pause_at = min(self.arrived + HIGH_WATER, self._limit)
            if is_held:
                self._source.resume()
        return data

    async def _wait(self) -> None:
        self.waiter = asyncio.get_running_loop().create_future()
        try:
            await self.waiter
        except asyncio.CancelledError:
            self.abort()
            raise
