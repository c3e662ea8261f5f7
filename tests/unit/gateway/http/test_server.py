"""Listening, TLS, drain, over loopback sockets."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime

import pytest
import trustme

from fakes.wire import PATIENCE_S, Recorder, answers_in, converse, dialled, read_answer, until
from keeptrusts.gateway.http.budget import EdgeGauges
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.server import CannotListen, bind, bind_group, open_server, server_tls
from keeptrusts.runtime.board import make_board
from keeptrusts.runtime.counters import Gauge

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


class Gate:
    """Answers once it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, exchange):
        exchange.start(200, b"")
        self.entered.set()
        await self.open.wait()
        exchange.finish()


@pytest.mark.anyio
async def test_an_address_in_use_is_said_plainly():
    async with open_server(Recorder()) as server:
        with pytest.raises(CannotListen, match=f"127.0.0.1:{server.port}: another process listens there"):
            bind("127.0.0.1", server.port)


def test_an_address_of_another_machine_is_said_plainly():
    with pytest.raises(CannotListen, match="this machine does not have that address"):
        bind("192.0.2.1", 0)


@pytest.mark.anyio
async def test_a_socket_may_be_handed_in():
    sock = bind("127.0.0.1", 0)
    async with open_server(Recorder(), sock=sock) as server:
        assert server.port == sock.getsockname()[1]
        assert answers_in(await converse(server.port, b"GET / HTTP/1.0\r\n\r\n")) == [200]


@pytest.mark.anyio
async def test_ipv6_is_listened_on():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    recorder = Recorder()
    async with open_server(recorder, listen=("::1", 0)) as server:
        reader, writer = await asyncio.open_connection("::1", server.port)
        writer.write(GET)
        assert (await read_answer(reader))[0] == 200
        writer.close()
    assert recorder.heads[0].peer == "::1"


@pytest.mark.anyio
async def test_small_writes_are_not_held_back_by_the_kernel():
    async with open_server(Recorder()) as server, dialled(server.port) as (reader, writer):
        writer.write(GET)
        await read_answer(reader)
        (connection,) = server.sweeper.entries
        sock = connection._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.anyio
async def test_more_connections_than_allowed_are_turned_away():
    limits = Limits(max_connections=2)
    async with open_server(Recorder(), limits=limits) as server, dialled(server.port), dialled(server.port):
        await until(lambda: server.connections == 2)
        said = await converse(server.port)
        assert answers_in(said) == [503]
        assert b"retry-after" in said


@pytest.mark.anyio
async def test_a_drain_lets_requests_end_and_closes_the_rest():
    gate, closed = Gate(), asyncio.Event()
    async with open_server(Recorder(gate)) as server:
        async with dialled(server.port) as (busy, writer), dialled(server.port) as (idle, _):
            writer.write(GET)
            await gate.entered.wait()
            asyncio.get_running_loop().call_later(0.05, gate.open.set)
            asyncio.get_running_loop().call_later(0.05, closed.set)
            assert await server.drain(PATIENCE_S)
            assert closed.is_set()
            assert (await read_answer(busy))[0] == 200
            assert await busy.read() == b""
            assert await idle.read() == b""
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection("127.0.0.1", server.port)


@pytest.mark.anyio
async def test_a_request_that_is_arriving_when_the_drain_begins_is_served():
    async with open_server(Recorder()) as server, dialled(server.port) as (reader, writer):
        writer.write(GET[:10])
        await until(lambda: server.connections)
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.03, writer.write, GET[10:])
        assert await server.drain(PATIENCE_S)
        status, headers, _ = await read_answer(reader)
        assert (status, headers[b"connection"]) == (200, b"close")


@pytest.mark.anyio
async def test_a_drain_ends_when_its_grace_does():
    gate = Gate()
    recorder = Recorder(gate)
    async with open_server(recorder) as server, dialled(server.port) as (reader, writer):
        writer.write(GET)
        await gate.entered.wait()
        assert not await server.drain(0.05)
        assert recorder.cancelled == 1
        assert server.connections == server.in_flight == 0
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await read_answer(reader)


@pytest.mark.anyio
async def test_leaving_the_block_cancels_what_runs():
    gate = Gate()
    recorder = Recorder(gate)
    async with open_server(recorder) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET)
        await gate.entered.wait()
    assert recorder.cancelled == 1
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await read_answer(reader)
    writer.close()


class Stopped:
    """A clock that stands."""

    def now(self):
        return datetime(2026, 11, 23, 14, 0, 0, tzinfo=UTC)

    def unix_ns(self):
        return 0

    def monotonic(self):
        return 0.0


@pytest.mark.anyio
async def test_answers_are_dated_by_the_clock():
    async with open_server(Recorder(), clock=Stopped()) as server:
        said = await converse(server.port, b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\ndate: Mon, 23 Nov 2026 14:00:00 GMT\r\n" in said


@pytest.fixture
def certificate(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return authority, cert, key


@pytest.mark.anyio
async def test_tls_is_served_from_1_2_on(certificate):
    authority, cert, key = certificate
    client = ssl.create_default_context()
    authority.configure_trust(client)
    recorder = Recorder()
    async with open_server(recorder, tls=server_tls(cert, key)) as server:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=client, server_hostname="localhost"
        )
        writer.write(GET)
        assert (await read_answer(reader))[0] == 200
        writer.close()
    assert recorder.heads[0].is_tls
    assert recorder.heads[0].peer == "127.0.0.1"
    assert server_tls(cert, key).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.anyio
async def test_plain_http_on_the_tls_port_is_only_closed(certificate):
    _, cert, key = certificate
    recorder = Recorder()
    async with open_server(recorder, tls=server_tls(cert, key)) as server:
        assert answers_in(await converse(server.port, GET)) == []
    assert recorder.heads == []


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "cert.pem").write_text("none")
    with pytest.raises(CannotListen, match=r"cert\.pem"):
        server_tls(tmp_path / "cert.pem", tmp_path / "key.pem")


@pytest.mark.anyio
async def test_one_address_leaves_connections_to_the_others():
    limits = Limits(max_connections_per_address=2)
    async with open_server(Recorder(), limits=limits) as server:
        async with dialled(server.port), dialled(server.port):
            await until(lambda: server.connections == 2)
            assert answers_in(await converse(server.port)) == [503]
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
            writer.write(GET)
            assert (await read_answer(reader))[0] == 200
            writer.close()
        await until(lambda: not server.connections)
        assert server._addresses == {}
        assert answers_in(await converse(server.port, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) == [
            200
        ]


@pytest.mark.anyio
async def test_servers_that_share_gauges_share_their_limits():
    gauges = EdgeGauges(Gauge(make_board(1)), Gauge(make_board(1)))
    limits = Limits(max_connections=1)
    async with open_server(Recorder(), limits=limits, gauges=gauges) as one:
        async with open_server(Recorder(), limits=limits, gauges=gauges) as two, dialled(one.port):
            await until(lambda: one.connections == 1)
            assert answers_in(await converse(two.port)) == [503]
        await until(lambda: gauges.connections.total() == 0)


def test_sockets_of_one_group_share_an_address_with_nobody_else():
    group = bind_group("127.0.0.1", 0, 3)
    (port,) = {sock.getsockname()[1] for sock in group}
    for attempt in (bind, lambda *address: bind_group(*address, 2)):
        with pytest.raises(CannotListen, match="another process listens there"):
            attempt("127.0.0.1", port)
    for sock in group:
        sock.close()
    bind("127.0.0.1", port).close()


def test_a_group_that_cannot_be_bound_is_said_plainly(monkeypatch):
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(CannotListen, match="--workers 1"):
        bind_group("127.0.0.1", 0, 2)


def test_a_socket_that_another_process_still_holds_accepts_no_more_once_its_server_stopped():
    async def serve_and_stop():
        held = bind("127.0.0.1", 0)
        async with open_server(Recorder(), sock=held.dup()) as server:
            server.stop_accepting()
            assert not held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        held.listen(10)
        assert held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        held.close()

    asyncio.run(serve_and_stop())


@pytest.mark.anyio
async def test_the_grace_of_a_drain_can_be_ended():
    gate = Gate()
    async with open_server(Recorder(gate)) as server, dialled(server.port) as (_, writer), asyncio.TaskGroup() as group:
        writer.write(GET)
        await gate.entered.wait()
        draining = group.create_task(server.drain(60.0))
        await asyncio.sleep(0)
        server.hurry()
        assert not await draining
