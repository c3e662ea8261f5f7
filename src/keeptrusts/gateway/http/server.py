"""The listening side: sockets, TLS, connections, drain. One server per process and address."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import format_datetime
from pathlib import Path

from keeptrusts.gateway.http.budget import Budget, EdgeGauges
from keeptrusts.gateway.http.connection import ServerConnection
from keeptrusts.gateway.http.exchange import Exchange, Handler
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.runtime.board import make_board
from keeptrusts.runtime.clock import Clock, SystemClock
from keeptrusts.runtime.counters import Gauge
from keeptrusts.runtime.http.sweep import Sweeper

BACKLOG = 2048
HANDSHAKE_S = 10.0
POLL_S = 0.01
LAST_WORDS_S = 5.0  # for cancelled requests to write their records


class CannotListen(Exception):
    """The address cannot be bound; the message says which and why."""


class Server:
    """Accepts connections for a handler.

    `running` holds the requests whose tasks have not ended; `refused` counts by code what the edge refused by itself.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: Limits,
        clock: Clock,
        tls: ssl.SSLContext | None,
        gauges: EdgeGauges,
    ) -> None:
        self.handler = handler
        self.limits = limits
        self.budget = Budget(limits.max_buffered_bytes, gauges.held_bytes)
        self._connected = gauges.connections
        self._addresses: dict[str, int] = {}
        self.sweeper = Sweeper(limits.sweep_s, also=self._tell_time)
        self.loop = asyncio.get_running_loop()
        self.running: set[Exchange] = set()
        self.refused: dict[str, int] = {}
        self.date_line = b""
        self.is_draining = False
        self.is_tls = tls is not None
        self.port = 0
        self._clock = clock
        self._tls = tls
        self._listener: asyncio.Server | None = None
        self._sock: socket.socket | None = None
        self._drain_ends_at = 0.0
        self._tell_time()

    @property
    def connections(self) -> int:
        """Open connections, idle ones too."""
        return len(self.sweeper.entries)

    @property
    def in_flight(self) -> int:
        """Requests whose tasks have not ended."""
        return len(self.running)

    def count_connection(self, peer: str) -> str:
        self._connected.add(1)
        count = self._addresses[peer] = self._addresses.get(peer, 0) + 1
        if self._connected.total() > self.limits.max_connections:
            return "too many connections"
        return "too many connections from this address" if count > self.limits.max_connections_per_address else ""

    def forget_connection(self, peer: str) -> None:
        self._connected.add(-1)
        self._addresses[peer] -= 1
        if not self._addresses[peer]:
            del self._addresses[peer]

    def count_refusal(self, refusal: Refusal) -> None:
        if refusal.code:
            self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1

    async def start(self, sock: socket.socket) -> None:
        """Accept on a bound socket, which is the server's from now on."""
        self.port = sock.getsockname()[1]
        self._sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
        self.sweeper.start(self.loop)
        self._listener = await self.loop.create_server(
            lambda: ServerConnection(self),
            sock=sock,
            backlog=BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
        )

    def stop_accepting(self) -> None:
        """Close the listening socket, in whichever process it is open. Connections go on."""
        if self._listener is not None and self._sock is not None:
            # Another process may hold it too, for the next worker: nobody is to wait in its queue until then.
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    async def drain(self, grace_s: float, *, before_cut: Callable[[], None] = lambda: None) -> bool:
        """Let every request under way end, then close. Whether all of them did; after `grace_s` the rest is cut."""
        self.stop_accepting()
        self.is_draining = True
        for connection in self._connections():
            connection.close_if_idle()
        self._drain_ends_at = self.loop.time() + grace_s
        while self._is_at_work():
            if self.loop.time() >= self._drain_ends_at:
                before_cut()
                await self._cut()
                return False
            await asyncio.sleep(POLL_S)
        return True

    def hurry(self) -> None:
        """End the grace of a drain that is under way."""
        self._drain_ends_at = 0.0

    async def close(self) -> None:
        """Cut what is left."""
        self.stop_accepting()
        self.is_draining = True
        await self._cut()
        self.sweeper.stop()

    async def _cut(self) -> None:
        """End connections and tasks, and wait for them; but not for ever: a task may be stuck in its last words."""
        for connection in self._connections():
            connection.abort()
        for exchange in tuple(self.running):
            if exchange.task is not None:
                exchange.task.cancel()
        await asyncio.sleep(0)
        ends_at = self.loop.time() + LAST_WORDS_S
        while self._is_at_work() and self.loop.time() < ends_at:  # noqa: ASYNC110 - as in drain
            await asyncio.sleep(POLL_S)

    def _is_at_work(self) -> bool:
        return bool(self.running) or bool(self.sweeper.entries)

    def _connections(self) -> list[ServerConnection]:
        return [entry for entry in self.sweeper.entries if isinstance(entry, ServerConnection)]

    def _tell_time(self) -> None:
        self.date_line = b"date: %b\r\n" % format_datetime(self._clock.now(), usegmt=True).encode()


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, without SO_REUSEPORT, so that a second gateway on the address is told. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    is_dual = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual)
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "another process listens there, which may be another gateway",
            errno.EACCES: "this user may not; ports below 1024 need a privilege",
            errno.EADDRNOTAVAIL: "this machine does not have that address",
        }
        reason = reasons.get(error.errno or 0, error.strerror or "the name cannot be resolved")
        raise CannotListen(
            f"cannot listen on {host}:{port}: {reason}. Choose another address (--listen, --admin-listen)."
        ) from error


def bind_group(host: str, port: int, size: int) -> list[socket.socket]:
    """`size` sockets that listen on one address; the kernel shares connections out among them. Raises CannotListen.

    The address is bound alone first: sockets that share it would let another gateway of this user share it, too.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise CannotListen("this system cannot share an address between processes: use --workers 1")
    group: list[socket.socket] = []
    with bind(host, port) as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        address = first.getsockname()[:2]
        is_dual = host == "::" and socket.has_dualstack_ipv6()
        try:
            for _ in range(size):
                group.append(  # noqa: PERF401 - what was bound is closed when one fails
                    socket.create_server(
                        address, family=first.family, backlog=BACKLOG, reuse_port=True, dualstack_ipv6=is_dual
                    )
                )
        except OSError as error:
            for sock in group:
                sock.close()
            reason = error.strerror or type(error).__name__
            raise CannotListen(f"cannot listen on {host}:{port} with {size} workers: {reason}") from error
    return group


def server_tls(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate chain. Raises CannotListen where the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(
            f"the certificate {cert_file} with the key {key_file} cannot be used: both must be readable PEM files, "
            "and belong together"
        ) from error
    return context


@asynccontextmanager
async def open_server(
    handler: Handler,
    *,
    listen: tuple[str, int] = ("127.0.0.1", 0),
    sock: socket.socket | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    gauges: EdgeGauges | None = None,
) -> AsyncIterator[Server]:
    """A server for the life of the block, on `sock` where one is handed in. Leaving cuts what `drain` did not end.

    Servers with the same gauges share the limits for bytes of bodies and for connections.
    """
    server = Server(
        handler,
        limits=limits or Limits(),
        clock=clock or SystemClock(),
        tls=tls,
        gauges=gauges or EdgeGauges(Gauge(make_board(1)), Gauge(make_board(1))),
    )
    await server.start(sock or bind(*listen))
    try:
        yield server
    finally:
        await server.close()
