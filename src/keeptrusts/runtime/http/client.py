"""The HTTP/1.1 client for upstreams and control calls: pools, deadlines, one safe retry. No redirects, no cookies.

A used connection may be closed by the server at the very moment it is used again. Such a call is sent once more, on a
fresh connection, if not one byte of an answer came and the loss showed within a second. RFC 9110 9.2.2 allows to repeat
what was evidently not processed; a server that dies later may have begun to work, and that is the caller's to judge.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keeptrusts.runtime.http.addresses import AddressCheck, Resolver
from keeptrusts.runtime.http.connection import ClientConnection, Pool
from keeptrusts.runtime.http.dial import Dialer, client_tls
from keeptrusts.runtime.http.messages import Origin, Request
from keeptrusts.runtime.http.proxy import Proxy
from keeptrusts.runtime.http.response import Response
from keeptrusts.runtime.http.sweep import Sweeper

SWEEP_S = 0.25


class HttpClient:
    """Sends requests. One per process; used from one loop."""

    def __init__(self, dialer: Dialer, sweep_s: float) -> None:
        self._sweeper = Sweeper(sweep_s, also=self._forget_empty_pools)
        self._dialer = dialer
        self._pools: dict[tuple[str, Origin], Pool] = {}
        self._loop = asyncio.get_running_loop()
        self._sweeper.start(self._loop)

    async def send(self, request: Request) -> Response:
        """Send, and wait for the head of the answer. Whatever its status, an answer is an answer.

        Raises ConnectFailed, AddressRefused, ConnectionLost, TimedOut, ProtocolError, TooLarge, Truncated. Cancelling
        the task closes the connection, here and in the response's methods.
        """
        key = (request.partition, request.origin)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(key, self._sweeper)
        connection = pool.find_idle() if pool.idle else None
        while True:
            if connection is None:
                connection = await self._dialer.dial(pool, request.timeouts.connect_s)
            waiter = self._loop.create_future()
            response = connection.begin(request, waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                response.abort()
                raise
            if response.status:
                return response
            if not connection.was_stale(response.failure):
                raise response.failure or RuntimeError("an answer without head or failure")
            connection = None

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._sweeper.entries)

    @property
    def idle_connections(self) -> int:
        """Those that wait for a call."""
        return sum(len(pool.idle) for pool in self._pools.values())

    async def close(self) -> None:
        """Close every connection; calls under way fail."""
        for entry in tuple(self._sweeper.entries):
            if isinstance(entry, ClientConnection):
                entry.abort()
        while self._sweeper.entries:  # noqa: ASYNC110 - a turn of the loop or two: the transports end by themselves
            await asyncio.sleep(0)
        self._sweeper.stop()

    def _forget_empty_pools(self) -> None:
        for key in [key for key, pool in self._pools.items() if not pool.size and not pool.dialing]:
            del self._pools[key]


@asynccontextmanager
async def open_http_client(
    *,
    tls: ssl.SSLContext | None = None,
    resolver: Resolver | None = None,
    check: AddressCheck | None = None,
    proxy: Proxy | None = None,
    sweep_s: float = SWEEP_S,
) -> AsyncIterator[HttpClient]:
    """A client for the life of the block. `tls`: from `client_tls`, where a CA of one's own is needed."""
    dialer = Dialer(tls or client_tls(), resolver=resolver, check=check, proxy=proxy)
    client = HttpClient(dialer, sweep_s)
    try:
        yield client
    finally:
        await client.close()
