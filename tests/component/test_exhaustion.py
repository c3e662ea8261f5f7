"""One caller takes all that it can get; every other caller is served as if nothing were."""

import asyncio
import gzip
import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from fakes.exchanges import MemoryResponse
from fakes.gateways import open_memory_gateway
from fakes.packs import make_pack
from fakes.wire import answers_in, converse, dialled, read_answer, until
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import Identity
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.http.server import open_server

pytestmark = pytest.mark.anyio

REPLY = b'{"id":"c","object":"chat.completion","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}'
CALL = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}).encode()
LARGE = CALL + b" " * 10_000
ROUNDS = 20


CALLERS = {name: Caller(f"gk_{name.decode()}") for name in (b"mallory", b"victim")}


class Keys:
    """Knows two keys, as a gateway with consumer keys does."""

    def identify(self, head):
        caller = CALLERS.get(head.headers.get(b"x-api-key", b""))
        if caller is None:
            raise Fault(Code.INVALID_KEY, "no")
        user = head.headers.get(b"x-user-id")
        return caller if user is None else Caller(caller.key_id, Identity(user=user.decode()))


class Provider:
    """Answers at once, but for what Mallory asks; that it never answers."""

    connections = idle_connections = 0

    def __init__(self):
        self.waiting = 0

    async def send(self, request):
        if b"mallory" in request.body:
            self.waiting += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.waiting -= 1
        return MemoryResponse(REPLY)


@asynccontextmanager
async def besieged(directory, *, edge=None, **sections):
    content, client = make_pack(**sections), Provider()
    async with (
        open_memory_gateway(directory, content=content, callers=Keys(), client=client) as gateway,
        open_server(gateway.front(), limits=edge or Limits()) as server,
    ):
        yield gateway, server


def request(key, body=CALL, *, length=None, extra=b"", path=b"/v1/chat/completions"):
    return (
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nx-api-key: %b\r\n%b"
        b"Content-Length: %d\r\n\r\n%b" % (path, key, extra, len(body) if length is None else length, body)
    )


def chunked(body):
    head = request(b"mallory").partition(b"Content-Length")[0]
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + body


async def serve_victim(server, body=CALL):
    """All of the victim's calls are answered."""
    async with dialled(server.port) as (reader, writer):
        for _ in range(ROUNDS):
            writer.write(request(b"victim", body))
            assert (await read_answer(reader))[0] == 200


async def test_calls_that_hang(tmp_path):
    hang = CALL.replace(b"hello", b"mallory")
    async with besieged(tmp_path, limits={"max_in_flight": 12}) as (gateway, server), AsyncExitStack() as stack:
        for number in range(10):
            reader, writer = await stack.enter_async_context(dialled(server.port))
            writer.write(request(b"mallory", hang))
            if number < 3:
                await until(lambda number=number: gateway.client.waiting == number + 1)
            else:
                status, headers, body = await read_answer(reader)
                assert (status, headers[b"retry-after"], headers[b"x-should-retry"]) == (429, b"1", b"true")
                assert json.loads(body)["error"]["code"] == "rate_limit_exceeded"
        await serve_victim(server)
        await stack.aclose()
        await until(lambda: not gateway.counts.in_flight.total())
        assert gateway.client.waiting == 0


@pytest.mark.parametrize(
    "begin",
    [request(b"mallory", b"", length=100_000), chunked(b"186a0\r\n" + b" " * 100_000)],
    ids=["announced", "chunked"],
)
async def test_bodies_that_never_end(tmp_path, begin):
    refused = 0
    async with (
        besieged(tmp_path, edge=Limits(max_buffered_bytes=1_000_000)) as (_, server),
        AsyncExitStack() as stack,
    ):
        for number in range(12):
            reader, writer = await stack.enter_async_context(dialled(server.port))
            writer.write(begin)
            if number < 5:
                await until(lambda number=number: server.budget.held == 100_000 * (number + 1))
            else:
                status, headers, _ = await read_answer(reader)
                assert (status, headers[b"retry-after"]) == (503, b"1")
                refused += 1
        assert refused == 7
        await serve_victim(server, LARGE)
        await stack.aclose()
        await until(lambda: server.budget.held == 0)


async def test_bodies_that_swell(tmp_path):
    bomb = gzip.compress(CALL + b" " * 400_000)
    sent = request(b"mallory", bomb, extra=b"Content-Encoding: gzip\r\n")
    async with besieged(tmp_path, edge=Limits(max_buffered_bytes=60_000)) as (_, server):
        said = await converse(server.port, sent + request(b"mallory", extra=b"Connection: close\r\n"))
        assert answers_in(said) == [503, 200]
        await serve_victim(server, LARGE)
        assert server.budget.held == 0


async def test_more_calls_than_a_user_may_make(tmp_path):
    mallory, victim = b"x-user-id: mallory\r\n", b"x-user-id: victim\r\n"
    rate = {"max_requests": ROUNDS, "window_seconds": 60}
    async with besieged(tmp_path, user_rate_limit=rate) as (gateway, server):
        async with dialled(server.port) as (reader, writer):
            statuses = []
            for _ in range(3 * ROUNDS):
                writer.write(request(b"victim", extra=mallory))
                statuses.append((await read_answer(reader))[0])
            assert statuses == [200] * ROUNDS + [429] * 2 * ROUNDS
            for left in range(ROUNDS - 1, -1, -1):
                writer.write(request(b"victim", extra=victim))
                status, headers, _ = await read_answer(reader)
                assert (status, headers[b"x-ratelimit-remaining-requests"]) == (200, b"%d" % left)
        assert [event.error_code for event in gateway.events()].count("rate_limit_exceeded") == 2 * ROUNDS


async def test_whatever_becomes_of_calls_everything_is_given_back(tmp_path):
    hang = CALL.replace(b"hello", b"mallory")
    leaving = {
        "before the body": request(b"mallory", b"", length=5000),
        "amid the body": request(b"mallory", CALL[:9], length=5000),
        "amid a chunk": chunked(b"ff\r\nabc"),
        "while it is served": request(b"mallory", hang),
        "with others behind": b"".join([
            request(b"mallory", hang), request(b"victim") * 3, request(b"victim", CALL[:9], length=99)
        ]),
    }  # fmt: skip
    ending = {
        "served": request(b"victim"),
        "no key": request(b"nobody"),
        "no JSON": request(b"victim", b"{"),
        "an unknown model": request(b"victim", CALL.replace(b"4o-mini", b"5")),
        "not to be decoded": request(b"victim", b"abc", extra=b"Content-Encoding: gzip\r\n"),
        "an unknown encoding": request(b"victim", extra=b"Content-Encoding: br\r\n"),
        "too large": request(b"victim", b"", length=1 << 40),
        "no route": request(b"victim", path=b"/nowhere"),
    }
    sections = {"token_rate_limit": {"max_tokens": 10**9}, "limits": {"max_in_flight": 40}}
    async with besieged(tmp_path, **sections) as (gateway, server):
        for said in leaving.values():
            async with dialled(server.port) as (_, writer):
                writer.write(said)
                await until(lambda: server.budget.held or server.in_flight)
        for said in ending.values():
            await converse(server.port, said.replace(b"Host:", b"Connection: close\r\nHost:"))
        await until(lambda: not server.connections and not server.in_flight)
        assert (server.budget.held, gateway.counts.in_flight.total(), gateway.client.waiting) == (0, 0, 0)
        for caller in CALLERS.values():
            lease = gateway.limiter.begin(caller)
            assert gateway.counts.per_key.total(lease.key) == 1
            lease.release()
        used = sum(event.usage.input_tokens + event.usage.output_tokens for event in gateway.events())
        [standing] = gateway.limiter.standings(gateway.active.current().limits, CALLERS[b"victim"])
        assert standing.used == used
