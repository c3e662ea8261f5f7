import asyncio
import socket

import pytest

from keeptrusts.runtime.http.addresses import AllowAll, SystemResolver, is_address
from keeptrusts.runtime.http.errors import ConnectFailed
from keeptrusts.runtime.http.messages import Origin

ORIGIN = Origin("https", "api.example", 443)


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2001:db8::1"])
async def test_an_address_is_not_looked_up(host):
    assert await SystemResolver().resolve(host, 443) == (host,)


@pytest.mark.anyio
async def test_a_name_of_this_machine_is_found_once_per_address():
    found = await SystemResolver().resolve("localhost", 80)
    assert set(found) <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found)) > 0


@pytest.mark.anyio
@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
async def test_a_name_that_cannot_be_resolved_is_said(monkeypatch, failure):
    async def fail(*_, **__):
        raise failure

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    with pytest.raises(ConnectFailed, match=r"the host name api\.example cannot be resolved"):
        await SystemResolver().resolve("api.example", 443)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("::1", True), ("a.example", False), ("1.2.3", False)]
)
def test_addresses_are_told_from_names(host, expected):
    assert is_address(host) is expected


def test_the_operators_own_servers_need_no_check():
    assert AllowAll().allowed("", ORIGIN, ("10.0.0.1",)) == ("10.0.0.1",)
    AllowAll().require_proxied("", ORIGIN)
