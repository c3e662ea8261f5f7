"""Opens connections: resolve, check, connect to what was checked, tunnel through a proxy, TLS by the host's name."""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from keeptrusts.runtime.http.addresses import AddressCheck, AllowAll, Resolver, SystemResolver
from keeptrusts.runtime.http.connection import ClientConnection, Pool
from keeptrusts.runtime.http.errors import ConnectFailed, Phase, TimedOut
from keeptrusts.runtime.http.messages import Origin
from keeptrusts.runtime.http.proxy import Proxy, open_tunnel

NEXT_ADDRESS_AFTER_S = 1.0  # a silent address is left for the next one after this; the last may take what is left


def client_tls(ca_file: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificates and names checked against the system's CAs, and against `ca_file` besides."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Dialer:
    """How connections are made, for one client."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        resolver: Resolver | None = None,
        check: AddressCheck | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._tls = tls
        self._resolver = resolver or SystemResolver()
        self._check = check or AllowAll()
        self._proxy = proxy

    async def dial(self, pool: Pool, connect_s: float) -> ClientConnection:
        """A connection that is ready for a request. Raises ConnectFailed, AddressRefused, TimedOut(CONNECT)."""
        partition, origin = pool.key
        pool.dialing += 1
        try:
            async with asyncio.timeout(connect_s):
                sock = await self._open_socket(partition, origin, connect_s)
                return await self._attach(pool, sock, origin)
        except TimeoutError as error:
            message = f"no connection to {origin.host}:{origin.port} within {connect_s:g} s"
            raise TimedOut(Phase.CONNECT, message) from error
        finally:
            pool.dialing -= 1

    async def _open_socket(self, partition: str, origin: Origin, connect_s: float) -> socket.socket:
        """Connected to the origin, through the proxy's tunnel where one serves it."""
        proxy = self._proxy
        if proxy is None or not proxy.serves(origin):
            found = await self._resolver.resolve(origin.host, origin.port)
            return await _connect(self._check.allowed(partition, origin, found), origin.host, origin.port, connect_s)
        self._check.require_proxied(partition, origin)
        found = await self._resolver.resolve(proxy.host, proxy.port)
        sock = await _connect(found, proxy.host, proxy.port, connect_s)
        try:
            await open_tunnel(asyncio.get_running_loop(), sock, proxy, origin)
        except OSError as error:
            sock.close()
            raise ConnectFailed(f"the proxy {proxy.host}:{proxy.port} closed the connection") from error
        except BaseException:
            sock.close()
            raise
        return sock

    async def _attach(self, pool: Pool, sock: socket.socket, origin: Origin) -> ClientConnection:
        """The connection on this socket, which is closed if that fails."""
        loop = asyncio.get_running_loop()
        tls = self._tls if origin.scheme == "https" else None
        name = origin.host if tls else None
        try:
            _, connection = await loop.create_connection(
                lambda: ClientConnection(pool), sock=sock, ssl=tls, server_hostname=name
            )
        except ssl.SSLCertVerificationError as error:
            sock.close()
            message = f"the certificate of {origin.host}:{origin.port} is not valid for it: {error.verify_message}"
            raise ConnectFailed(message) from error
        except OSError as error:  # ssl.SSLError is one
            sock.close()
            raise ConnectFailed(f"the TLS handshake with {origin.host}:{origin.port} failed") from error
        except BaseException:
            sock.close()
            raise
        return connection


async def _connect(addresses: Sequence[str], host: str, port: int, connect_s: float) -> socket.socket:
    """The first address that answers; each but the last gets a second at most."""
    reason = "it has no address"
    for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        try:
            async with asyncio.timeout(min(NEXT_ADDRESS_AFTER_S, connect_s / 2) if left else None):
                return await _connect_to(address, port)
        except TimeoutError:
            reason = "no answer"
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else "failed"
    raise ConnectFailed(f"cannot connect to {host}:{port}: {reason}")


async def _connect_to(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock
