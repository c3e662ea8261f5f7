"""Calls through an HTTP proxy's CONNECT. The settings come in as values: nothing here reads the environment."""

import asyncio
import base64
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from keeptrusts.runtime.http.addresses import is_address
from keeptrusts.runtime.http.errors import ConnectFailed
from keeptrusts.runtime.http.messages import Origin

MAX_REPLY_HEAD = 16384


@dataclass(frozen=True, slots=True)
class Proxy:
    """An http proxy for https origins, and the hosts that it is not used for."""

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)
    bypass: tuple[str, ...] = ()

    def serves(self, origin: Origin) -> bool:
        """Plain http goes direct, and so does the own machine, as with most programs that know these settings."""
        if origin.scheme != "https" or origin.host == "localhost":
            return False
        if is_address(origin.host) and ip_address(origin.host).is_loopback:
            return False
        return not any(_matches(rule, origin) for rule in self.bypass)


def parse_proxy(url: str, no_proxy: str = "") -> Proxy:
    """From the texts of HTTPS_PROXY and NO_PROXY. Raises ValueError, without quoting them: they may hold a password."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http":
        raise ValueError("the proxy's URL must begin with http://; TLS to the proxy itself is not supported")
    if not parts.hostname:
        raise ValueError("the proxy's URL names no host")
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    rules = tuple(rule for item in no_proxy.split(",") if (rule := item.strip().lower()))
    return Proxy(parts.hostname, parts.port or 80, authorization, rules)


def _matches(rule: str, origin: Origin) -> bool:
    """One rule: *, a name (and all below it), an address, a network, each but the last with an optional :port."""
    if rule == "*":
        return True
    if "/" in rule:
        return is_address(origin.host) and _in_network(rule, origin.host)
    host, port = _split_port(rule)
    if port and port != str(origin.port):
        return False
    if is_address(host) or is_address(origin.host):
        return is_address(host) and is_address(origin.host) and ip_address(host) == ip_address(origin.host)
    name = host.removeprefix("*").removeprefix(".")
    return origin.host == name or origin.host.endswith(f".{name}")


def _in_network(rule: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(rule, strict=False)
    except ValueError:
        return False


def _split_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        host, _, rest = rule[1:].partition("]")
        return host, rest.removeprefix(":")
    if is_address(rule):
        return rule, ""
    host, _, port = rule.partition(":")
    return host, port


async def open_tunnel(loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: Proxy, origin: Origin) -> None:
    """Ask the proxy, on a connected socket, for a tunnel to the origin. Raises ConnectFailed."""
    authority = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
    credential = b"proxy-authorization: %b\r\n" % proxy.authorization if proxy.authorization else b""
    request = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority.encode(), authority.encode(), credential)
    await loop.sock_sendall(sock, request)
    reply = b""
    while b"\r\n\r\n" not in reply:
        data = await loop.sock_recv(sock, 4096)
        reply += data
        if not data or len(reply) > MAX_REPLY_HEAD:
            raise ConnectFailed(f"the proxy {proxy.host}:{proxy.port} gave no usable answer")
    status = reply.split(b" ", 2)[1:2]
    if not reply.startswith(b"HTTP/1.") or not status or not status[0][:3].isdigit():
        raise ConnectFailed(f"the proxy {proxy.host}:{proxy.port} gave no usable answer")
    if not status[0].startswith(b"2"):
        code = status[0][:3].decode()
        raise ConnectFailed(f"the proxy {proxy.host}:{proxy.port} refused the tunnel with status {code}")
    if not reply.endswith(b"\r\n\r\n"):
        raise ConnectFailed(f"the proxy {proxy.host}:{proxy.port} sent bytes before the tunnel was used")
