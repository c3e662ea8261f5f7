"""The server's side of a connection, over loopback sockets, on asyncio's loop and on uvloop."""

import asyncio
import gzip
import socket
import zlib
from contextlib import asynccontextmanager
from unittest.mock import Mock

import msgspec
import pytest
import zstandard

from fakes.wire import PATIENCE_S, Recorder, answers_in, converse, dialled, read_answer, until
from keeptrusts.gateway.http.connection import ServerConnection
from keeptrusts.gateway.http.exchange import BodyRule
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.gateway.http.server import open_server
from keeptrusts.runtime.tasks import spawn

QUICK = Limits(head_s=0.1, body_s=0.1, idle_s=0.1, stuck_s=0.2, linger_s=0.1, sweep_s=0.02)
GET = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes, extra: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (extra, len(body), body)


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


@asynccontextmanager
async def served(recorder, limits=QUICK):
    async with open_server(recorder, limits=limits) as server, dialled(server.port) as (reader, writer):
        yield server, reader, writer


@pytest.mark.anyio
async def test_a_connection_serves_one_request_after_another():
    async with served(Recorder(), Limits()) as (server, reader, writer):
        for number in range(3):
            writer.write(post(b"body %d" % number))
            status, headers, body = await read_answer(reader)
            assert (status, body) == (200, b"body %d" % number)
            assert headers[b"date"].endswith(b"gmt")
        assert server.connections == 1
        await until(lambda: not server.in_flight)
        assert server.budget.held == 0


@pytest.mark.anyio
async def test_large_bodies_arrive_whole_one_after_another():
    bodies = [bytes([65 + number]) * 3_000_000 + b"end" for number in range(3)]
    async with served(Recorder(max_body=1 << 22), Limits()) as (_, reader, writer):
        for body in bodies:
            writer.write(post(body))
            assert (await read_answer(reader))[2] == body


@pytest.mark.anyio
async def test_pipelined_requests_are_answered_in_order():
    async def late_first(exchange):
        await asyncio.sleep(0.02 if exchange.head.path == "/0" else 0)
        exchange.respond(200, b"", exchange.head.path.encode())

    async with served(Recorder(late_first), Limits()) as (_, reader, writer):
        writer.write(b"".join(GET % b"%d" % number for number in range(10)))
        assert [(await read_answer(reader))[2] for _ in range(10)] == [b"/%d" % number for number in range(10)]


@pytest.mark.anyio
async def test_pipelined_refusals_keep_their_place():
    recorder = Recorder()
    recorder.rule = Refusal(404, b"", b"none")
    async with served(recorder, Limits()) as (_, reader, writer):
        writer.write(GET % b"a" * 3)
        assert [(await read_answer(reader))[0] for _ in range(3)] == [404] * 3
        recorder.rule = BodyRule(10)
        writer.write(GET % b"b")
        assert (await read_answer(reader))[0] == 200


@pytest.mark.anyio
async def test_too_many_pipelined_requests_are_left_unanswered():
    async with open_server(Recorder(), limits=Limits(max_pipelined=5)) as server:
        said = await converse(server.port, GET % b"" * 20)
    assert answers_in(said) == [200] * 6
    assert said.count(b"connection: close") == 1


@pytest.mark.anyio
async def test_what_comes_during_a_request_is_held_only_up_to_a_bound():
    blocked = asyncio.Event()

    async def wait(exchange):
        await blocked.wait()
        exchange.respond(200, b"")

    async with served(Recorder(wait), Limits()) as (server, reader, writer):
        writer.write(GET % b"")
        await until(lambda: server.in_flight)
        flood = spawn(asyncio.get_running_loop(), _write_all(writer, GET % b"x" * 200_000))
        await asyncio.sleep(0.05)
        (connection,) = server.sweeper.entries
        assert connection._backlog_size < 1_000_000
        assert not flood.done()
        blocked.set()
        assert (await read_answer(reader))[0] == 200
        flood.cancel()
        writer.transport.abort()


async def _write_all(writer, data):
    writer.write(data)
    await writer.drain()


@pytest.mark.anyio
async def test_a_client_that_expects_100_gets_it_only_when_it_is_let_in():
    recorder = Recorder(max_body=10)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    async with served(recorder) as (server, reader, writer):
        writer.write(head % 5)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await read_answer(reader))[2] == b"hello"
        assert answers_in(await converse(server.port, head % 11)) == [413]


@pytest.mark.anyio
async def test_head_is_answered_without_a_body():
    async with served(Recorder()) as (_, reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"content-length: 0\r\n" in await reader.readuntil(b"\r\n\r\n")


@pytest.mark.anyio
async def test_an_old_client_gets_a_stream_that_ends_with_the_connection():
    async def stream(exchange):
        exchange.start(200, b"")
        exchange.write(b"abc")
        exchange.finish()

    async with open_server(Recorder(stream)) as server:
        said = await converse(server.port, b"GET / HTTP/1.0\r\n\r\n")
    assert said.endswith(b"\r\n\r\nabc")
    assert b"chunked" not in said


@pytest.mark.anyio
@pytest.mark.parametrize("phase", ["before", "streaming", "paused"])
async def test_a_client_that_leaves_cancels_its_request(phase):
    async def work(exchange):
        if phase != "before":
            exchange.start(200, b"")
            exchange.write(b"x")
        while phase == "paused":
            exchange.write(b"x" * 100_000)
            await exchange.drain()
        await asyncio.sleep(60)

    recorder = Recorder(work)
    async with open_server(recorder) as server:
        async with dialled(server.port) as (reader, writer):
            writer.write(GET % b"")
            await until(lambda: server.in_flight)
            if phase != "before":
                await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        await until(lambda: recorder.cancelled)
        await until(lambda: not server.in_flight and not server.connections)


@pytest.mark.anyio
async def test_a_client_that_leaves_takes_its_waiting_requests_along():
    async def work(exchange):
        await asyncio.sleep(60)

    recorder = Recorder(work)
    async with open_server(recorder) as server:
        async with dialled(server.port) as (_, writer):
            writer.write(post(b"abc") * 3)
            await until(lambda: server.budget.held == 9)
        await until(lambda: not server.connections)
        assert len(recorder.handled) == 1
        await until(lambda: server.budget.held == 0)


@pytest.mark.anyio
async def test_work_after_the_answer_is_not_cancelled():
    done = asyncio.Event()

    async def work(exchange):
        exchange.respond(200, b"")
        await asyncio.sleep(0.03)
        done.set()

    async with open_server(Recorder(work)) as server:
        async with dialled(server.port) as (reader, writer):
            writer.write(GET % b"")
            await read_answer(reader)
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()


@pytest.mark.anyio
@pytest.mark.parametrize("ends_by", ["closing", "idling"])
async def test_one_task_serves_a_connection_until_it_ends_or_idles(ends_by):
    tasks = set()

    async def work(exchange):
        tasks.add(asyncio.current_task())
        exchange.respond(200, b"")

    async with open_server(Recorder(work), limits=Limits(sweep_s=60.0)) as server:
        async with dialled(server.port) as (reader, writer):
            for _ in range(3):
                writer.write(GET % b"")
                await read_answer(reader)
            (task,) = tasks
            if ends_by == "idling":
                (connection,) = server.sweeper.entries
                connection.sweep(server.sweeper.now)
                await until(task.done)
                writer.write(GET % b"")
                await read_answer(reader)
                assert len(tasks) == 2
        await until(lambda: all(task.done() for task in tasks))


@pytest.mark.anyio
async def test_work_after_the_answer_does_not_hold_up_the_next_request():
    is_over = asyncio.Event()

    async def work(exchange):
        exchange.respond(200, b"")
        if exchange.head.query == b"slow":
            await is_over.wait()

    async with open_server(Recorder(work)) as server, dialled(server.port) as (reader, writer):
        for query in (b"?slow", b"", b""):
            writer.write(GET % query)
            await read_answer(reader)
        assert server.in_flight == 1
        is_over.set()
        await until(lambda: not server.in_flight)


@pytest.mark.anyio
async def test_a_request_whose_client_leaves_before_it_is_begun_leaves_nothing_behind():
    async def answer(exchange):
        exchange.respond(200, b"")

    recorder = Recorder(answer)
    async with open_server(recorder) as server:
        connection = ServerConnection(server)
        connection.connection_made(Mock())
        connection.data_received(post(b"abc"))
        await until(lambda: not server.in_flight)
        connection.data_received(post(b"abc"))
        assert (server.in_flight, server.budget.held) == (1, 3)
        connection.connection_lost(None)
        assert (server.in_flight, server.budget.held) == (0, 0)
        await asyncio.sleep(0.01)
        assert len(recorder.handled) == 1


@pytest.mark.anyio
async def test_a_failing_handler_is_a_500_that_tells_nothing(caplog):
    async def fail(exchange):
        del exchange
        raise ValueError("secret")

    async with open_server(Recorder(fail)) as server:
        said = await converse(server.port, post(b"abc"))
    assert answers_in(said) == [500]
    assert b"secret" not in said
    assert "a request failed" in caplog.text


@pytest.mark.anyio
async def test_a_handler_without_an_answer_is_a_500(caplog):
    async def forget(exchange):
        del exchange

    async with open_server(Recorder(forget)) as server:
        assert answers_in(await converse(server.port, GET % b"")) == [500]
    assert "without an answer" in caplog.text


@pytest.mark.anyio
async def test_a_handler_that_fails_in_a_stream_cuts_it(caplog):
    async def fail(exchange):
        exchange.start(200, b"")
        exchange.write(b"abc")
        raise ValueError

    async with served(Recorder(fail)) as (_, reader, writer):
        writer.write(GET % b"")
        with pytest.raises(asyncio.IncompleteReadError):
            await read_answer(reader)
    assert "a request failed" in caplog.text


@pytest.mark.anyio
async def test_a_handler_that_fails_on_the_head_is_a_500(caplog):
    recorder = Recorder()
    recorder.admit = lambda head: 1 // 0
    async with open_server(recorder) as server:
        assert answers_in(await converse(server.port, GET % b"")) == [500]
    assert "could not be judged" in caplog.text


# Bodies in an encoding.

ENCODED = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"zstd": zstandard.ZstdCompressor().compress,
    b"identity": bytes,
}


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", ENCODED)
async def test_an_encoded_body_is_decoded(encoding):
    body = b'{"a": 1}' * 1000
    async with served(Recorder()) as (server, reader, writer):
        writer.write(post(ENCODED[encoding](body), b"Content-Encoding: %b\r\n" % encoding))
        assert (await read_answer(reader))[2] == body
        await until(lambda: not server.in_flight)
        assert server.budget.held == 0


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"zstd"])
async def test_a_bomb_is_413_and_a_broken_body_400(encoding):
    recorder = Recorder()
    async with served(recorder) as (_, reader, writer):
        header = b"Content-Encoding: %b\r\n" % encoding
        writer.write(post(ENCODED[encoding](bytes(900_000)), header))
        status, _, body = await read_answer(reader)
        assert (status, msgspec.json.decode(body)["error"]["code"]) == (413, "body_too_large")
        for broken in (ENCODED[encoding](b"hello")[:-2], ENCODED[encoding](b"hello") + b"!", b"hello"):
            writer.write(post(broken, header))
            status, _, body = await read_answer(reader)
            assert (status, msgspec.json.decode(body)["error"]["code"]) == (400, "invalid_encoding")
    assert recorder.handled == []


# Deadlines.


@pytest.mark.anyio
@pytest.mark.parametrize("part", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"])
async def test_a_client_that_stops_in_the_middle_is_told_and_cut(part):
    async with open_server(Recorder(), limits=QUICK) as server:
        assert answers_in(await converse(server.port, part)) == [408]
        assert server.budget.held == 0


@pytest.mark.anyio
@pytest.mark.parametrize(("start", "drip"), [(b"GET / HTTP/1.1\r\nHost: a\r\n", b"x-a: 1\r\n"), (b"", b"\r\n")])
async def test_dripping_bytes_do_not_extend_the_time_for_a_head(start, drip):
    async with served(Recorder()) as (_, reader, writer):
        writer.write(start)
        for _ in range(100):
            writer.write(drip)
            await asyncio.sleep(0.01)
            if reader._buffer:
                break
        assert (await read_answer(reader))[0] == 408


@pytest.mark.anyio
async def test_a_body_that_drips_is_cut_and_one_that_flows_is_not():
    limits = Limits(body_s=0.1, body_bytes_per_s=1_000_000, linger_s=0.1, sweep_s=0.02)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n"
    async with served(Recorder(), limits) as (_, reader, writer):
        writer.write(head)
        for _ in range(20):
            writer.write(b"x" * 20_000)
            await asyncio.sleep(0.01)
        assert (await read_answer(reader))[0] == 200
        writer.write(head)
        for _ in range(100):
            writer.write(b"x" * 20)
            await asyncio.sleep(0.005)
            if reader._buffer:
                break
        assert (await read_answer(reader))[0] == 408


@pytest.mark.anyio
async def test_an_idle_connection_is_closed_without_a_word():
    async with served(Recorder()) as (_, reader, writer):
        writer.write(GET % b"")
        await read_answer(reader)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_is_cut():
    async def pour(exchange):
        exchange.start(200, b"")
        while True:
            exchange.write(b"x" * 65536)
            await exchange.drain()

    recorder = Recorder(pour)
    async with open_server(recorder, limits=QUICK) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.send(GET % b"")
            await until(lambda: server.in_flight)
            await until(lambda: recorder.cancelled)
            await until(lambda: not server.connections)


@pytest.mark.anyio
async def test_a_slow_client_bounds_what_is_held_for_it():
    async def pour(exchange):
        exchange.start(200, b"")
        for _ in range(150):
            exchange.write(b"x" * 65536)
            if exchange.is_paused:
                most.append(exchange._line._transport.get_write_buffer_size())
                await exchange.drain()
        exchange.finish()

    most: list[int] = []
    async with served(Recorder(pour), Limits()) as (_, reader, writer):
        writer.write(GET % b"")
        assert len((await read_answer(reader))[2]) == 150 * 65536
    assert max(most) < 300_000


@pytest.mark.anyio
async def test_a_quiet_stream_is_pinged_and_a_busy_one_is_not():
    async def quiet(exchange):
        exchange.start(200, b"")
        exchange.ping_every(0.05, b": ping\n\n")
        for _ in range(10):
            exchange.write(b"data\n\n")
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        exchange.ping_every(0.05, b"")
        exchange.finish()

    async with served(Recorder(quiet)) as (_, reader, writer):
        writer.write(GET % b"")
        _, _, body = await read_answer(reader)
    assert body.startswith(b"data\n\n" * 10)
    assert 1 <= body.count(b": ping\n\n") <= 2


@pytest.mark.anyio
async def test_a_refused_client_that_still_sends_can_read_why():
    """Closing at once would reset the connection under its hands."""
    async with served(Recorder(max_body=10), Limits(sweep_s=0.02)) as (_, reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(30):
            writer.write(b"x" * 100_000)
            await writer.drain()
        assert (await read_answer(reader))[0] == 413


@pytest.mark.anyio
async def test_aborting_cuts_in_a_way_that_no_client_takes_for_an_end():
    async def cut(exchange):
        exchange.start(200, b"")
        exchange.write(b"abc")
        await asyncio.sleep(0.01)
        exchange.abort()
        exchange.write(b"more")

    async with served(Recorder(cut)) as (server, reader, writer):
        writer.write(GET % b"")
        with pytest.raises(asyncio.IncompleteReadError):
            await read_answer(reader)
        async with dialled(server.port) as (old_reader, old_writer):
            old_writer.write(b"GET / HTTP/1.0\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                await old_reader.read()
