"""One connection of a client: requests served in order, answers written, deadlines kept.

While a request is served, further bytes wait unread by the parser, and beyond 64 KiB unread by the socket. A client
that closes its side, even only for writing, is taken to have left: the task of its request is cancelled.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from typing import NamedTuple, Protocol, cast

from keeptrusts.gateway.http.budget import Budget
from keeptrusts.gateway.http.exchange import STATUS_LINES, Exchange, Handler, refuse_exchange
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.reader import TOO_MANY_BODIES, Refused, RequestReader
from keeptrusts.gateway.http.refusals import INTERNAL, Malformed, Refusal, overloaded, refuse, too_large
from keeptrusts.runtime.http.compression import BadBody, BodyTooLarge, decode_body
from keeptrusts.runtime.http.sweep import Sweeper
from keeptrusts.runtime.tasks import spawn

log = logging.getLogger(__name__)
MUCH = 128 * 1024  # bytes in one read: the transport would go on to read what is there, eight megabytes and more
MAX_BACKLOG = 65536  # bytes behind the request that is served before the socket is no longer read
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


class Host(Protocol):
    """The server, as its connections see it."""

    handler: Handler
    limits: Limits
    budget: Budget
    sweeper: Sweeper
    loop: asyncio.AbstractEventLoop
    running: set[Exchange]
    date_line: bytes
    is_draining: bool
    is_tls: bool

    def count_connection(self, peer: str) -> str:
        """A connection was accepted; what there is too much of now, empty where nothing."""

    def forget_connection(self, peer: str) -> None:
        """One that was counted has ended."""

    def count_refusal(self, refusal: Refusal) -> None:
        """Note what a connection answered by itself."""


class Parked(NamedTuple):
    """A task that has served a request and waits for the next one of its connection."""

    task: asyncio.Task[None]
    next: asyncio.Future[Exchange]


class ServerConnection(asyncio.Protocol):
    """Owned by the loop; the handler's task reaches it through its exchange only."""

    __slots__ = (
        "_backlog", "_backlog_size", "_current", "_deadline", "_final", "_host", "_is_closing", "_is_deaf",
        "_is_reading_head", "_is_reading_paused", "_owes_continue", "_parked", "_peer", "_queue", "_quiet_since",
        "_reader", "_sent", "_sent_seen", "_taken", "_taken_at", "_transport", "_writable", "is_paused",
    )  # fmt: skip

    def __init__(self, host: Host) -> None:
        self.is_paused = False
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._reader: RequestReader | None = None
        self._current: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._backlog: list[bytes] = []
        self._backlog_size = 0
        self._final: Refusal | None = None  # the last answer, once the requests before it are answered
        self._is_deaf = False  # nothing that comes is parsed any more
        self._is_closing = False
        self._is_reading_head = True
        self._is_reading_paused = False
        self._owes_continue = False
        self._parked: Parked | None = None
        self._writable: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._sent = self._sent_seen = self._taken = 0
        self._taken_at = self._quiet_since = 0.0

    @property
    def is_busy(self) -> bool:
        """A request is being served or read."""
        reader = self._reader
        return self._current is not None or bool(self._queue) or (reader is not None and reader.is_midway)

    # The transport's events.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        host = self._host
        self._transport = cast("asyncio.Transport", transport)
        if host.is_draining:
            self.abort()
        peername = transport.get_extra_info("peername")
        self._peer = peer = str(peername[0]).removeprefix("::ffff:") if isinstance(peername, tuple) else ""
        self._reader = RequestReader(self, host.handler, host.budget, peer=peer, is_tls=host.is_tls)
        self._deadline = host.sweeper.now + host.limits.head_s
        host.sweeper.entries.add(self)
        too_many = host.count_connection(peer)
        if too_many:
            self._refuse(refuse(overloaded(too_many)))

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        if self._current is not None or self.is_paused:
            self._keep_for_later(data)
            return
        self._feed(data)
        if len(data) >= MUCH and self._transport is not None:
            self._transport.pause_reading()
            self._host.loop.call_soon(self._read_again)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._is_deaf = self._is_closing = True
        self._host.sweeper.entries.discard(self)
        self._host.forget_connection(self._peer)
        current, self._current = self._current, None
        if current is not None and current.task is not None:
            self._cancel(current, current.task)
        self._dismiss()
        self._drop_waiting()
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self.resume_writing()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        if self._current is None and not self._is_closing:
            self._go_on()

    # What an exchange needs.

    def opening(self, exchange: Exchange, status: int) -> bytes:
        host = self._host
        if host.is_draining:
            exchange.keeps_alive = False
        return STATUS_LINES[status] + host.date_line

    def send(self, data: bytes) -> None:
        transport = self._transport
        if transport is not None and not self._is_closing:
            self._sent += len(data)
            try:  # noqa: SIM105 - suppress() would cost more than the rest of this method
                transport.write(data)
            except RuntimeError:  # uvloop, between a broken connection and the news of it
                pass

    def send_parts(self, head: bytes, body: bytes) -> None:
        transport = self._transport
        if transport is not None and not self._is_closing:
            self._sent += len(head) + len(body)
            with suppress(RuntimeError):  # as in send
                transport.writelines((head, body))

    def must_wait(self) -> bool:
        transport = self._transport
        return self.is_paused or transport is None or transport.is_closing()

    def writable(self) -> Awaitable[None]:
        transport = self._transport
        if transport is None or transport.is_closing():
            return asyncio.sleep(0)  # a turn of the loop: the cancellation is on its way
        if self._writable is None:
            self._writable = self._host.loop.create_future()
        return self._writable

    def answered(self, exchange: Exchange) -> None:
        if exchange is not self._current:
            return  # the client has left
        self._current = None
        host = self._host
        if not exchange.keeps_alive or host.is_draining:
            self._close()
        elif self._queue or self._backlog or self._is_deaf or self._owes_continue:
            self._go_on()
        else:
            self._deadline = host.sweeper.now + host.limits.idle_s

    def cut(self, exchange: Exchange, *, reset: bool) -> None:
        transport = self._transport
        if exchange is not self._current or transport is None:
            return
        self._current = None
        if reset:
            sock = transport.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()
        self._close()

    # What the reader finds.

    def ready(self, exchange: Exchange) -> None:
        if self._current is None and not self._queue and not self.is_paused and not self._is_closing:
            self._begin(exchange)
        elif len(self._queue) < self._host.limits.max_pipelined:
            self._queue.append(exchange)
        else:  # RFC 9112 9.3.2: a client that pipelines has to send again what was not answered
            self._release(exchange)
            self._queue[-1].keeps_alive = False
            self._is_deaf = True

    def expects_continue(self) -> None:
        if self._current is None and not self._queue:
            self.send(CONTINUE)
        else:
            self._owes_continue = True

    # The deadlines.

    def sweep(self, now: float) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._current is not None:
            self._sweep_answer(self._current, transport, now)
            return
        self._dismiss()  # an idle connection need not hold a kilobyte for the next request
        if now <= self._deadline:
            return
        if self._is_closing:
            self.abort()
        elif self._is_reading_head or (self._reader is not None and self._reader.exchange is not None):
            late = Malformed("the request did not arrive in time", code="request_timeout", status=408)
            self._refuse(refuse_exchange(self._reader.exchange if self._reader else None, late))
        else:
            self._close()

    def close_if_idle(self) -> None:
        """For a drain: end now unless a request is under way."""
        if not self.is_busy and not self._is_closing:
            self._close()

    def abort(self) -> None:
        """End now, whatever is under way."""
        if self._transport is not None:
            self._is_closing = self._is_deaf = True
            self._transport.abort()

    # Steps.

    def _feed(self, data: bytes) -> None:
        reader = self._reader
        assert reader is not None
        try:
            reader.feed(data)
        except Refused as refused:
            self._refuse(refused.refusal)
            return
        except Exception:
            log.exception("the head of a request could not be judged")
            self._refuse(INTERNAL)
            return
        if self._current is None and not reader.is_between:
            self._set_read_deadline(reader, len(data))

    def _set_read_deadline(self, reader: RequestReader, size: int) -> None:
        """A request is under way: its head has a fixed time, its body some for each kilobyte that comes."""
        limits = self._host.limits
        now = self._host.sweeper.now
        if reader.exchange is None:
            if not self._is_reading_head:
                self._is_reading_head = True
                self._deadline = now + limits.head_s
        elif self._is_reading_head:
            self._is_reading_head = False
            self._deadline = now + limits.body_s
        else:
            self._deadline = min(now + limits.body_s, self._deadline + size / limits.body_bytes_per_s)

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        self._is_reading_head = False
        refusal = exchange.refusal
        if refusal is not None:
            exchange.respond(refusal.status, refusal.headers, refusal.body)
            return
        host = self._host
        host.running.add(exchange)
        self._taken_at = self._quiet_since = host.sweeper.now
        parked, self._parked = self._parked, None
        if parked is None:
            exchange.task = spawn(host.loop, self._work(exchange, host))
        else:
            exchange.task = parked.task
            parked.next.set_result(exchange)

    def _dismiss(self) -> None:
        """End the task that waits for the next request."""
        parked, self._parked = self._parked, None
        if parked is not None:
            parked.task.cancel()

    async def _work(self, exchange: Exchange, host: Host) -> None:
        """A task: serves a request, and then others of this connection in turn, for making a task is not cheap."""
        task = exchange.task
        assert task is not None
        while await self._serve(exchange, host) and self._parked is None and not self._is_closing:
            del exchange  # or it would be held until the next one comes
            self._parked = Parked(task, host.loop.create_future())
            exchange = await self._parked.next

    async def _serve(self, exchange: Exchange, host: Host) -> bool:
        """Whether its task may go on: not once it was cancelled."""
        exchange.is_begun = True
        try:
            if exchange.coding is None or await self._decode(exchange, *exchange.coding):
                await host.handler.handle(exchange)
                if not exchange.is_complete:
                    log.error("a handler ended without an answer")
                    self._fail(exchange)
        except asyncio.CancelledError:
            exchange.abort()
            return False
        except Exception:
            log.exception("a request failed")
            self._fail(exchange)
        finally:
            exchange.task = None
            self._release(exchange)
            host.running.discard(exchange)
        return True

    async def _decode(self, exchange: Exchange, encoding: bytes, limit: int) -> bool:
        """Whether the body could be decoded; otherwise the request has been answered.

        Meanwhile it is charged with the most that it can become.
        """
        budget, ratio = self._host.budget, self._host.limits.max_decode_ratio
        most = min(limit, len(exchange.body) * ratio)
        try:
            if not budget.take(most, exchange.holder):
                raise overloaded(TOO_MANY_BODIES)
            exchange.charge += most
            body = await decode_body(encoding, exchange.body, limit, max_ratio=ratio)
        except Malformed as malformed:
            refusal = refuse_exchange(exchange, malformed)
        except BodyTooLarge:
            refusal = refuse_exchange(exchange, too_large(limit))
        except BadBody as error:
            refusal = refuse_exchange(exchange, Malformed(str(error), code="invalid_encoding"))
        else:
            spare = most - len(body)
            budget.give_back(spare, exchange.holder)
            exchange.charge -= spare
            exchange.body = body
            return True
        self._host.count_refusal(refusal)
        exchange.respond(refusal.status, refusal.headers, refusal.body)
        return False

    def _fail(self, exchange: Exchange) -> None:
        if exchange.is_started:
            exchange.abort()
        else:
            exchange.keeps_alive = False
            self._host.count_refusal(INTERNAL)
            exchange.respond(INTERNAL.status, INTERNAL.headers, INTERNAL.body)

    def _go_on(self) -> None:
        """The next request, if there is one; else wait for it."""
        if self.is_paused:
            return
        if self._queue:
            self._begin(self._queue.popleft())
        elif self._final is not None:
            self._end_with(self._final)
        elif self._is_deaf:
            self._close()
        else:
            self._read_on()

    def _read_on(self) -> None:
        host = self._host
        self._deadline = host.sweeper.now + host.limits.idle_s
        if self._owes_continue:
            self._owes_continue = False
            self.send(CONTINUE)
        if self._backlog:
            data = b"".join(self._backlog)
            self._backlog.clear()
            self._backlog_size = 0
            if self._is_reading_paused and self._transport is not None:
                self._is_reading_paused = False
                self._transport.resume_reading()
            self._feed(data)

    def _read_again(self) -> None:
        """Another turn of the loop: others were read meanwhile."""
        if self._transport is not None and not self._is_reading_paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def _keep_for_later(self, data: bytes) -> None:
        self._backlog.append(data)
        self._backlog_size += len(data)
        if self._backlog_size > MAX_BACKLOG and self._transport is not None and not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Parse nothing more; answer this when its turn has come, and close."""
        self._host.count_refusal(refusal)
        self._is_deaf = True
        if self._reader is not None:
            self._reader.close()
        self._final = refusal
        if self._current is None and not self._queue and not self._is_closing:
            self._end_with(refusal)

    def _end_with(self, refusal: Refusal) -> None:
        """Write the last answer. Closing at once would reset the connection of a client that still sends, unread."""
        head = (STATUS_LINES[refusal.status], self._host.date_line, refusal.headers)
        self.send(
            b"%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (b"".join(head), len(refusal.body), refusal.body)
        )
        self._is_closing = self._is_deaf = True
        self._deadline = self._host.sweeper.now + self._host.limits.linger_s
        transport = self._transport
        if transport is not None and transport.can_write_eof():
            transport.write_eof()

    def _close(self) -> None:
        """Flush what was written and close; the sweep ends it by force where the client takes nothing."""
        self._is_closing = self._is_deaf = True
        self._deadline = self._host.sweeper.now + self._host.limits.linger_s
        self._drop_waiting()
        if self._transport is not None:
            self._transport.close()

    def _drop_waiting(self) -> None:
        for exchange in self._queue:
            self._release(exchange)
        self._queue.clear()
        self._backlog.clear()

    def _cancel(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        task.cancel()
        if not exchange.is_begun:  # the task ends without having run: not even its `finally`
            self._release(exchange)
            self._host.running.discard(exchange)

    def _release(self, exchange: Exchange) -> None:
        self._host.budget.give_back(exchange.charge, exchange.holder)
        exchange.charge = 0

    def _sweep_answer(self, exchange: Exchange, transport: asyncio.Transport, now: float) -> None:
        """Cut a client that takes nothing; ping one that hears nothing."""
        pending = transport.get_write_buffer_size()
        taken = self._sent - pending
        if not pending or taken != self._taken:
            self._taken = taken
            self._taken_at = now
        elif now > self._taken_at + self._host.limits.stuck_s:
            self.abort()
            return
        if self._sent != self._sent_seen:
            self._sent_seen = self._sent
            self._quiet_since = now
        elif (
            exchange.ping and exchange.is_started and not self.is_paused and now >= self._quiet_since + exchange.ping_s
        ):
            exchange.write(exchange.ping)
            self._sent_seen = self._sent
            self._quiet_since = now
