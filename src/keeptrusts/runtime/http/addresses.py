"""From a host's name to the addresses that may be connected to: resolved by us, then checked, then used as checked."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from keeptrusts.runtime.http.errors import ConnectFailed
from keeptrusts.runtime.http.messages import Origin


class Resolver(Protocol):
    """Name resolution."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """IP addresses, best first, at least one. Raises ConnectFailed."""


class AddressCheck(Protocol):
    """Who may be connected to. Asked for every new connection; the socket goes to an address that it gave back."""

    def allowed(self, partition: str, origin: Origin, addresses: Sequence[str]) -> Sequence[str]:
        """Those of `addresses` that may be used, in order. Raises AddressRefused where none may."""

    def require_proxied(self, partition: str, origin: Origin) -> None:
        """Raises AddressRefused unless a proxy, which resolves by itself, may be asked for this host."""


class AllowAll:
    """For servers that the operator chose."""

    def allowed(self, partition: str, origin: Origin, addresses: Sequence[str]) -> Sequence[str]:
        del partition, origin
        return addresses

    def require_proxied(self, partition: str, origin: Origin) -> None:
        del partition, origin


class SystemResolver:
    """The system's resolver, in its threads. An address in place of a name is not looked up."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        if is_address(host):
            return (host,)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ConnectFailed(f"the host name {host} cannot be resolved") from error
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses:
            raise ConnectFailed(f"the host name {host} has no address")
        return addresses


def is_address(host: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
