"""What a provider that one tenant chose could do to another, or to the gateway, with its answers. Real sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from fakes.wire import raw_server, read_request, until
from keeptrusts.runtime.http.client import open_http_client
from keeptrusts.runtime.http.errors import HttpFailure, ProtocolError, TooLarge, Truncated
from keeptrusts.runtime.http.head import render_head
from keeptrusts.runtime.http.messages import Origin, Request, Timeouts

OK = b"HTTP/1.1 200 OK\r\n"
SECRET = b"of red alone"
FAKE = OK + b"content-length: 12\r\n\r\n" + SECRET

SURPLUS: dict[str, bytes] = {
    "a second answer": OK + b"content-length: 2\r\n\r\nok" + FAKE,
    "a second answer after chunks": OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + FAKE,
    "a second answer after 204": b"HTTP/1.1 204 No Content\r\n\r\n" + FAKE,
    "a body after 204": b"HTTP/1.1 204 No Content\r\ncontent-length: 12\r\n\r\n" + SECRET,
    "a body longer than its length": OK + b"content-length: 2\r\n\r\nok" + SECRET,
    "half a second answer": OK + b"content-length: 2\r\n\r\nok" + FAKE[:20],
    "one byte more": OK + b"content-length: 2\r\n\r\nokH",
    "an interim answer behind": OK + b"content-length: 2\r\n\r\nokHTTP/1.1 100 Continue\r\n\r\n",
    "a second answer after close": OK + b"connection: close\r\ncontent-length: 2\r\n\r\nok" + FAKE,
}

BROKEN: dict[str, tuple[bytes, type[HttpFailure]]] = {
    "length and chunks": (OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ProtocolError),
    "two lengths": (OK + b"content-length: 2\r\ncontent-length: 12\r\n\r\nok", ProtocolError),
    "an unknown coding": (OK + b"transfer-encoding: x, chunked\r\n\r\n0\r\n\r\n", ProtocolError),
    "interim answers without end": (b"HTTP/1.1 102 Processing\r\n\r\n" * 5000, ProtocolError),
    "another protocol": (
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n" + SECRET,
        ProtocolError,
    ),
    "a flood of fields": (OK + b"".join(b"x-%d: y\r\n" % number for number in range(5000)) + b"\r\n", TooLarge),
    "a field without end": (OK + b"x: " + b"y" * 500_000, TooLarge),
    "a reason without end": (b"HTTP/1.1 200 " + b"y" * 500_000, TooLarge),
    "a short body": (OK + b"content-length: 20\r\n\r\nshort", Truncated),
    "a cut chunk": (OK + b"transfer-encoding: chunked\r\n\r\n5\r\nabc", Truncated),
    "chunks without their end": (OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", Truncated),
    "a chunk size that is none": (OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n", ProtocolError),
    "extensions without end": (OK + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 500_000, ProtocolError),
    "a body without a length": (OK + b"\r\nabc", Truncated),
    "no HTTP": (b"220 smtp.example ESMTP\r\n", ProtocolError),
    "half a head": (OK + b"content-le", Truncated),
    "a flood of the body": (
        OK + b"transfer-encoding: chunked\r\n\r\n" + b"10000\r\n%b\r\n" % bytes(0x10000) * 40,
        TooLarge,
    ),
}


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


def ask(port: int, partition: str, **settings) -> Request:
    origin = Origin("http", "127.0.0.1", port)
    return Request(
        origin=origin,
        head=render_head("POST", b"/%b" % partition.encode(), origin),
        partition=partition,
        max_response_bytes=1_000_000,
        **settings,
    )


@asynccontextmanager
async def answering(answer: bytes):
    """A server that gives `answer` to /red and closes; everyone else gets their own name."""

    async def serve(reader, writer):
        while True:
            head, _ = await read_request(reader)
            name = head.split(b" ")[1][1:]
            if name == b"red":
                writer.write(answer)
                await writer.drain()
                await asyncio.sleep(0.005)
                return
            writer.write(OK + b"content-length: %d\r\n\r\n%b" % (len(name), name))

    async with raw_server(serve) as port, open_http_client(sweep_s=0.02) as client:
        yield port, client


@pytest.mark.anyio
@pytest.mark.parametrize("name", SURPLUS)
async def test_surplus_bytes_never_reach_another_call(name):
    """Neither another tenant's, nor the next one of the same."""
    async with answering(SURPLUS[name]) as (port, client):
        response = await client.send(ask(port, "red"))
        assert await response.read() in {b"ok", b""}
        for partition in ("blue", "green", "blue"):
            assert await (await client.send(ask(port, partition))).read() == partition.encode()
        again = await client.send(ask(port, "red"))
        assert await again.read() in {b"ok", b""}


@pytest.mark.anyio
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_is_an_error_for_its_own_call_only(name):
    answer, failure = BROKEN[name]
    async with answering(answer) as (port, client):
        with pytest.raises(failure):
            await (await client.send(ask(port, "red"))).read()
        assert await (await client.send(ask(port, "blue"))).read() == b"blue"
        await until(lambda: client.connections == client.idle_connections == 1)


@pytest.mark.anyio
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_stream_never_ends_cleanly(name):
    answer, failure = BROKEN[name]
    async with answering(answer) as (port, client):
        with pytest.raises(failure):
            async for _ in (await client.send(ask(port, "red"))).chunks():
                pass


@pytest.mark.anyio
async def test_an_answer_before_the_request_was_read_is_given_and_the_connection_left():
    """Whatever of the request is still on its way would otherwise be read as the next one."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await asyncio.sleep(0.05)

    async with raw_server(serve) as port, open_http_client() as client:
        response = await client.send(ask(port, "red", body=bytes(50_000_000)))
        assert (response.status, await response.read()) == (413, b"no")
        await until(lambda: not client.connections)


@pytest.mark.anyio
async def test_bytes_between_two_calls_close_the_connection():
    served = 0

    async def serve(reader, writer):
        nonlocal served
        while True:
            await read_request(reader)
            served += 1
            writer.write(OK + b"content-length: 2\r\n\r\nok")
            await asyncio.sleep(0.01)
            writer.write(FAKE)

    async with raw_server(serve) as port, open_http_client() as client:
        assert await (await client.send(ask(port, "red"))).read() == b"ok"
        await until(lambda: not client.connections)
        assert await (await client.send(ask(port, "red"))).read() == b"ok"
        assert served == 2


@pytest.mark.anyio
async def test_a_server_that_takes_no_request_is_left_in_time():
    async def serve(reader, writer):
        del writer
        await reader.read(1)
        await asyncio.sleep(0.5)

    async with raw_server(serve) as port, open_http_client(sweep_s=0.02) as client:
        with pytest.raises(HttpFailure):
            await client.send(ask(port, "red", body=bytes(50_000_000), timeouts=Timeouts(first_byte_s=0.1)))
        await until(lambda: not client.connections)
