"""The client against a scripted server, over loopback sockets, on asyncio's loop and on uvloop."""

import asyncio
import base64
import gzip
import ssl
from contextlib import asynccontextmanager

import pytest
import trustme
import zstandard

from fakes.wire import PATIENCE_S, Script, dialled, raw_server, read_request, until
from keeptrusts.runtime.http.client import open_http_client
from keeptrusts.runtime.http.dial import client_tls
from keeptrusts.runtime.http.errors import (
    AddressRefused,
    BadEncoding,
    ConnectFailed,
    ConnectionLost,
    HttpFailure,
    Phase,
    TimedOut,
    TooLarge,
    Truncated,
)
from keeptrusts.runtime.http.head import render_head
from keeptrusts.runtime.http.messages import Origin, Request, Timeouts
from keeptrusts.runtime.http.proxy import parse_proxy
from keeptrusts.runtime.tasks import spawn

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


def ask(port: int, **settings) -> Request:
    origin = settings.pop("origin", Origin("http", "127.0.0.1", port))
    return Request(origin=origin, head=render_head("POST", b"/", origin), **settings)


class Fixed:
    """Resolves every name to these addresses, and counts."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, host, port):
        del port
        self.asked.append(host)
        return self.addresses


@asynccontextmanager
async def scripted(*answers, **settings):
    """A script, its port, and a client."""
    script = Script(*answers, closes=settings.pop("closes", False))
    async with raw_server(script) as port, open_http_client(sweep_s=0.02, **settings) as client:
        yield script, port, client


async def chunks_of(response) -> list[bytes]:
    return [chunk async for chunk in response.chunks()]


def chunked(*pieces: bytes) -> bytes:
    frames = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"transfer-encoding: chunked\r\n\r\n" + frames + b"0\r\n\r\n"


@pytest.mark.anyio
async def test_a_call_is_sent_and_its_answer_read():
    async with scripted(OK) as (script, port, client):
        response = await client.send(ask(port, body=b"hello"))
        assert response.status == 200
        assert await response.read() == b"ok"
        assert script.requests[0][1] == b"hello"
        assert f"host: 127.0.0.1:{port}".encode() in script.requests[0][0]


@pytest.mark.anyio
async def test_a_connection_is_used_again_within_its_partition_only():
    async with scripted(OK, OK, OK) as (script, port, client):
        for partition in ("red", "red", "blue"):
            await (await client.send(ask(port, partition=partition))).read()
        assert script.connections == 2
        assert client.idle_connections == 2


@pytest.mark.anyio
async def test_pieces_are_given_as_they_arrive():
    gate = asyncio.Event()

    async def serve(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await gate.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    async with raw_server(serve) as port, open_http_client() as client:
        response = await client.send(ask(port))
        pieces = response.chunks()
        assert await anext(pieces) == b"first"
        gate.set()
        assert await anext(pieces) == b"last"
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
        assert response.is_complete


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", [b"gzip", b"zstd", b"identity"])
async def test_encoded_answers_are_decoded_whole_and_in_pieces(encoding):
    text = b"data: hello\n\n" * 20_000
    encoders = {b"gzip": gzip.compress, b"zstd": zstandard.ZstdCompressor().compress, b"identity": bytes}
    encoded = encoders[encoding](text)
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\n" % encoding + chunked(encoded[:50], encoded[50:])
    async with scripted(answer, answer) as (_, port, client):
        assert await (await client.send(ask(port))).read() == text
        assert b"".join(await chunks_of(await client.send(ask(port)))) == text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("encoding", "body", "failure"),
    [
        (b"gzip", gzip.compress(b"x" * 100, mtime=0)[:-5], BadEncoding),
        (b"gzip", b"hello", BadEncoding),
        (b"br", b"hello", BadEncoding),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), BadEncoding),
        (b"gzip", gzip.compress(bytes(1_000_000), mtime=0), TooLarge),
        (b"zstd", zstandard.ZstdCompressor().compress(bytes(1_000_000)), TooLarge),
    ],
)
async def test_answers_that_cannot_be_decoded_fail(encoding, body, failure):
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\n" % encoding + chunked(body)
    async with scripted(answer, answer) as (_, port, client):
        with pytest.raises(failure):
            await (await client.send(ask(port, max_response_bytes=100_000))).read()
        with pytest.raises(failure):
            await chunks_of(await client.send(ask(port, max_response_bytes=100_000)))


@pytest.mark.anyio
async def test_what_arrived_is_given_before_a_truncation_is_told():
    async with scripted(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n", closes=True) as (
        _,
        port,
        client,
    ):
        pieces = (await client.send(ask(port))).chunks()
        assert await anext(pieces) == b"first"
        with pytest.raises(Truncated):
            await anext(pieces)


@pytest.mark.anyio
async def test_an_answer_over_its_limit_is_not_read_on():
    async with scripted(b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000) as (_, port, client):
        response = await client.send(ask(port, max_response_bytes=1_000_000))
        with pytest.raises(TooLarge):
            await response.read()
        await until(lambda: not client.connections)


@pytest.mark.anyio
async def test_a_slow_reader_bounds_what_is_held_for_it():
    size = 30_000_000
    async with scripted(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size) as (_, port, client):
        response = await client.send(ask(port))
        total = most = 0
        async for chunk in response.chunks():
            total += len(chunk)
            most = max(most, len(chunk))
            if total < 5_000_000:
                await asyncio.sleep(0.001)
        assert total == size
        assert most < 1_000_000
        assert client.idle_connections == 1


@pytest.mark.anyio
async def test_a_paused_answer_is_not_taken_for_a_silent_one():
    body = b"x" * 3_000_000
    async with scripted(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + body) as (_, port, client):
        response = await client.send(ask(port, timeouts=Timeouts(idle_s=0.1)))
        pieces = response.chunks()
        await anext(pieces)
        for _ in range(6):
            await asyncio.sleep(0.05)
        assert not response.is_complete
        total = sum([len(chunk) async for chunk in pieces])
        assert total > 1_000_000


@pytest.mark.anyio
async def test_a_stale_connection_is_replaced_once_without_a_word():
    async with scripted(OK, b"", OK, closes=False) as (script, port, client):
        await (await client.send(ask(port))).read()
        assert await (await client.send(ask(port, body=b"again"))).read() == b"ok"
        assert script.connections == 2
        assert [body for _, body in script.requests] == [b"", b"again", b"again"]


@pytest.mark.anyio
async def test_a_fresh_connection_that_dies_is_not_tried_again():
    async with scripted(OK, b"", b"", OK) as (script, port, client):
        await (await client.send(ask(port))).read()
        with pytest.raises(ConnectionLost) as lost:
            await client.send(ask(port))
        assert lost.value.was_sent
        assert len(script.requests) == 3


@pytest.mark.anyio
async def test_a_begun_answer_is_never_asked_for_again():
    requests = []

    async def serve(reader, writer):
        requests.append(await read_request(reader))
        writer.write(OK)
        requests.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200")

    async with raw_server(serve) as port, open_http_client() as client:
        await (await client.send(ask(port))).read()
        with pytest.raises(Truncated):
            await client.send(ask(port))
        assert len(requests) == 2


async def _expect(awaitable, failure):
    with pytest.raises(failure):
        await awaitable


@pytest.mark.anyio
@pytest.mark.parametrize("phase", ["head", "read", "chunks"])
async def test_cancelling_the_call_closes_its_connection(phase):
    head = b"" if phase == "head" else b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"
    asked, left = asyncio.Event(), asyncio.Event()

    async def serve(reader, writer):
        await read_request(reader)
        writer.write(head)
        asked.set()
        assert await reader.read() == b""
        left.set()

    async def call():
        response = await client.send(ask(port))
        if phase == "read":
            await response.read()
        else:
            await chunks_of(response)

    async with raw_server(serve) as port, open_http_client() as client:
        task = spawn(asyncio.get_running_loop(), call())
        await asked.wait()
        await asyncio.sleep(0.03)
        task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await left.wait()
        await until(lambda: not client.connections)
        assert task.cancelled()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "phase"),
    [(b"\r\n", Phase.FIRST_BYTE), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel", Phase.IDLE)],
)
async def test_a_server_that_falls_silent_is_left(answer, phase):
    async with scripted(answer) as (_, port, client):
        with pytest.raises(TimedOut) as late:
            await (await client.send(ask(port, timeouts=Timeouts(first_byte_s=0.1, idle_s=0.1)))).read()
        assert late.value.phase is phase
        await until(lambda: not client.connections)


@pytest.mark.anyio
async def test_a_server_that_drips_for_ever_is_left():
    drips = [b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n"] + [b"x"] * 9000
    async with scripted(drips) as (_, port, client):
        with pytest.raises((TimedOut, Truncated)) as late:
            await (await client.send(ask(port, timeouts=Timeouts(total_s=0.05)))).read()
        assert isinstance(late.value, TimedOut)
        assert late.value.phase is Phase.TOTAL


@pytest.mark.anyio
async def test_closing_the_client_fails_the_calls_under_way():
    async with raw_server(Script(b"\r\n")) as port:
        async with open_http_client() as client:
            task = spawn(asyncio.get_running_loop(), _expect(client.send(ask(port)), HttpFailure))
            await until(lambda: client.connections)
            await asyncio.sleep(0.01)
        await task


# Connecting.


@pytest.mark.anyio
async def test_a_closed_port_is_said_plainly():
    async with raw_server(Script()) as port:
        pass
    async with open_http_client() as client:
        with pytest.raises(ConnectFailed, match=f"cannot connect to 127.0.0.1:{port}: connection refused") as failed:
            await client.send(ask(port))
        assert not failed.value.was_sent


@pytest.mark.anyio
async def test_the_next_address_is_tried_and_the_name_stays():
    async with scripted(OK, resolver=Fixed("::1", "127.0.0.1")) as (script, port, client):
        request = ask(port, origin=Origin("http", "api.example", port))
        assert await (await client.send(request)).read() == b"ok"
        assert f"host: api.example:{port}".encode() in script.requests[0][0]


@pytest.mark.anyio
async def test_connecting_has_its_time():
    class Slow:
        async def resolve(self, host, port):
            del host, port
            await asyncio.sleep(60)

    async with open_http_client(resolver=Slow()) as client:
        with pytest.raises(TimedOut, match=r"no connection to api\.example:80 within 0\.02 s") as late:
            await client.send(ask(80, origin=Origin("http", "api.example", 80), timeouts=Timeouts(connect_s=0.02)))
        assert late.value.phase is Phase.CONNECT
        assert not late.value.was_sent


class OnlyLoopback:
    """An address check as a tenant's traffic gets it, here the other way round."""

    def allowed(self, partition, origin, addresses):
        found = [address for address in addresses if address == "127.0.0.1"]
        if not found:
            raise AddressRefused(f"{origin.host} of {partition} is not where it may be")
        return found

    def require_proxied(self, partition, origin):
        raise AddressRefused(f"{origin.host} of {partition} may not be reached through a proxy")


@pytest.mark.anyio
async def test_every_new_connection_goes_to_an_address_that_was_checked():
    resolver = Fixed("127.0.0.1", "10.0.0.1")
    async with scripted(OK, OK, resolver=resolver, check=OnlyLoopback()) as (script, port, client):
        request = ask(port, origin=Origin("http", "api.example", port), partition="red")
        await (await client.send(request)).read()
        resolver.addresses = ("169.254.169.254",)  # the name has been turned to another place
        await (await client.send(request)).read()  # the connection that was checked is still good
        assert script.connections == 1
        with pytest.raises(AddressRefused, match=r"api\.example of blue"):
            await client.send(ask(port, origin=request.origin, partition="blue"))


# TLS and the proxy.


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@asynccontextmanager
async def tls_server(authority, name, serve):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    names = []
    context.sni_callback = lambda _, server_name, __: names.append(server_name)

    async with raw_server(serve, tls=context) as port:
        yield port, names


def trusting(authority, tmp_path) -> ssl.SSLContext:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return client_tls(tmp_path / "ca.pem")


@pytest.mark.anyio
async def test_tls_checks_the_name_that_it_asks_for(authority, tmp_path):
    async with (
        tls_server(authority, "api.example", Script(OK, OK)) as (port, names),
        open_http_client(tls=trusting(authority, tmp_path), resolver=Fixed("127.0.0.1")) as client,
    ):
        request = ask(port, origin=Origin("https", "api.example", port))
        for _ in range(2):
            assert await (await client.send(request)).read() == b"ok"
        assert names == ["api.example"]
        with pytest.raises(ConnectFailed, match=r"certificate of other\.example:\d+ is not valid for it: [Hh]ostname"):
            await client.send(ask(port, origin=Origin("https", "other.example", port)))


@pytest.mark.anyio
async def test_an_unknown_authority_is_refused(authority):
    async with (
        tls_server(authority, "api.example", Script(OK)) as (port, _),
        open_http_client(resolver=Fixed("127.0.0.1")) as client,
    ):
        with pytest.raises(ConnectFailed, match=r"certificate of api\.example.*issuer"):
            await client.send(ask(port, origin=Origin("https", "api.example", port)))


@pytest.mark.anyio
async def test_a_server_without_tls_is_said_to_be_one():
    async def serve(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_server(serve) as port, open_http_client() as client:
        with pytest.raises(ConnectFailed, match="TLS handshake"):
            await client.send(ask(port, origin=Origin("https", "127.0.0.1", port)))


class TunnelProxy:
    """A real CONNECT proxy that leads every tunnel to one port."""

    def __init__(self, port: int, reply: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.port = port
        self.reply = reply
        self.heads: list[bytes] = []

    async def __call__(self, reader, writer):
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.reply)
        if b" 200 " not in self.reply:
            return
        async with dialled(self.port) as (upstream_reader, upstream_writer), asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, upstream_writer))
            group.create_task(_pump(upstream_reader, writer))


async def _pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.anyio
async def test_an_https_call_goes_through_the_proxy_with_its_credential(authority, tmp_path):
    async with tls_server(authority, "api.example", Script(OK, OK)) as (port, _):
        proxy = TunnelProxy(port)
        async with (
            raw_server(proxy) as proxy_port,
            open_http_client(
                tls=trusting(authority, tmp_path), proxy=parse_proxy(f"http://us%40er:pa%3Ass@127.0.0.1:{proxy_port}")
            ) as client,
        ):
            for _ in range(2):
                response = await client.send(ask(port, origin=Origin("https", "api.example", 443)))
                assert await response.read() == b"ok"
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\n")
    assert b"proxy-authorization: Basic " + base64.b64encode(b"us@er:pa:ss") in head


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nsurplus",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 20_000,
        b"",
    ],
)
async def test_a_proxy_that_does_not_tunnel_is_named_without_its_password(reply):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()

    async with (
        raw_server(serve) as port,
        open_http_client(proxy=parse_proxy(f"http://user:secret@127.0.0.1:{port}")) as client,
    ):
        with pytest.raises(ConnectFailed, match=f"the proxy 127.0.0.1:{port}") as failed:
            await client.send(ask(port, origin=Origin("https", "api.example", 443)))
        assert "secret" not in str(failed.value)
        assert not client.connections


@pytest.mark.anyio
async def test_a_proxy_is_asked_only_for_hosts_that_the_check_lists():
    async with open_http_client(proxy=parse_proxy("http://127.0.0.1:1"), check=OnlyLoopback()) as client:
        with pytest.raises(AddressRefused, match="through a proxy"):
            await client.send(ask(443, origin=Origin("https", "api.example", 443)))


@pytest.mark.anyio
async def test_a_plain_call_goes_past_the_proxy():
    async with scripted(OK, proxy=parse_proxy("http://127.0.0.1:1")) as (_, port, client):
        assert await (await client.send(ask(port))).read() == b"ok"
