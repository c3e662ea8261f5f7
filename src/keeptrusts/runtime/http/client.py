"""The HTTP/1.1 client for upstreams and control calls: pools, deadlines, one safe retry. Follows no redirect, keeps no cookie.

A used connection may be closed by the server at the very moment it is used again. Such a call is sent once more, on a fresh
connection, if not one byte of an answer came and the loss showed within a second. RFC 9110 9.2.2 allows a repetition where
the request was evidently not processed; a server that dies later may have begun to work, and that is the caller's to judge.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from keeptrusts.runtime.http.addresses import AddressCheck, Resolver
from keeptrusts.runtime.http.connection import ClientConnection, PoolKey
from keeptrusts.runtime.http.dial import Dialer, client_tls
from keeptrusts.runtime.http.messages import Request
from keeptrusts.runtime.http.proxy import Proxy
from keeptrusts.runtime.http.response import Response
from keeptrusts.runtime.http.sweep import Sweeper

MAX_IDLE_PER_POOL = 256
SWEEP_S = 0.25


class HttpClient:
    """Sends requests. One per process; used from one loop."""

    def __init__(self, dialer: Dialer, sweeper: Sweeper) -> None:
        self.sweeper = sweeper
        self._dialer = dialer
        self._pools: dict[PoolKey, deque[ClientConnection]] = {}
        self._loop = asyncio.get_running_loop()

    async def send(self, request: Request) -> Response:
        """Send, and wait for the head of the answer. Whatever its status, an answer is an answer.

        Raises ConnectFailed, AddressRefused, ConnectionLost, TimedOut, ProtocolError, TooLarge, Truncated. Cancelling the
        task closes the connection, here and in the response's methods.
        """
        key = (request.partition, request.origin)
        connection = self._find_idle(key)
        while True:
            if connection is None:
                connection = await self._dial(key, request)
            waiter = self._loop.create_future()
            response = connection.begin(request, waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                response.abort()
                raise
            if response.status:
                return response
            if not connection.was_stale():
                raise response.failure or RuntimeError("an answer without head or failure")
            connection = None

    def idle_count(self) -> int:
        """Connections that wait for a call."""
        return sum(len(pool) for pool in self._pools.values())

    def close(self) -> None:
        """Close every connection; calls under way fail."""
        self.sweeper.stop()
        for entry in tuple(self.sweeper.entries):
            if isinstance(entry, ClientConnection):
                entry.abort()

    def release(self, connection: ClientConnection) -> None:
        """A connection is free: called by itself."""
        pool = self._pools.get(connection.key)
        if pool is None:
            pool = self._pools[connection.key] = deque()
        if len(pool) >= MAX_IDLE_PER_POOL:
            connection.abort()
        else:
            pool.append(connection)

    def discard(self, connection: ClientConnection) -> None:
        """A connection is closed: called by itself."""
        pool = self._pools.get(connection.key)
        if pool is not None:
            if connection in pool:
                pool.remove(connection)
            if not pool:
                del self._pools[connection.key]

    def _find_idle(self, key: PoolKey) -> ClientConnection | None:
        pool = self._pools.get(key)
        while pool:
            connection = pool.pop()  # the one used last: the others get old and are closed
            if not connection.is_closed and connection.expires_at > self.sweeper.now:
                return connection
            connection.abort()
        return None

    async def _dial(self, key: PoolKey, request: Request) -> ClientConnection:
        make = partial(ClientConnection, self, key)
        return await self._dialer.dial(make, request.partition, request.origin, request.timeouts.connect_s)


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
    sweeper = Sweeper(sweep_s)
    dialer = Dialer(tls or client_tls(), resolver=resolver, check=check, proxy=proxy)
    client = HttpClient(dialer, sweeper)
    sweeper.start(asyncio.get_running_loop())
    try:
        yield client
    finally:
        client.close()
