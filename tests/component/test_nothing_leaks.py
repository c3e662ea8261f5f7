"""After many calls that end in every way at once nothing is left over: no count, no byte, no call without an event."""

import asyncio
import json
import random

import pytest

from fakes.clients import connect, post
from fakes.expositions import read_exposition
from fakes.replay import Received, Reply, stream
from fakes.worlds import PII, World, open_world, pack_for, until

pytestmark = pytest.mark.anyio

CALLERS = 20
CALLS = 12
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Mail bob@example.com"}]}
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"one two "},"finish_reason":%b}]}\n\n'
STREAM = CHUNK % b"null" * 5 + CHUNK % b'"stop"' + b"data: [DONE]\n\n"
WHOLE = b'{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"content":"hi"}}]}'


def any_reply(chance: random.Random, call: Received) -> Reply:
    if chance.random() < 0.15:
        return Reply(status=chance.choice([400, 429, 500]), body=b'{"error":{"message":"no"}}')
    if chance.random() < 0.1:
        return Reply(ending="silent")
    ending = chance.choice(["whole", "whole", "whole", "cut", "hang"])
    if b'"stream": true' in call.body:
        return stream(STREAM, size=chance.choice([7, 60, 500]), ending=ending)
    return Reply(pieces=[WHOLE[:9], chance.random() / 100, WHOLE[9:]], ending=ending)


async def call_often(world: World, chance: random.Random) -> None:
    """One caller: some calls are waited for, some are left at any moment, some are no calls at all."""
    connection = await connect(world.port)
    for _ in range(CALLS):
        body = json.dumps(CHAT | {"stream": chance.random() < 0.6}).encode()
        path = chance.choice(["/v1/chat/completions", "/v1/chat/completions", "/v1/completions"])
        request = post(path, body if chance.random() < 0.9 else b"{")
        try:
            async with asyncio.timeout(chance.choice([0.003, 0.02, 0.5])):
                await connection.ask(request)
            is_over = connection.is_lost
        except TimeoutError:
            is_over = True
        if is_over:
            connection.close()
            connection = await connect(world.port)
    connection.close()


async def reload_often(world: World) -> None:
    for number in range(10):
        chain = PII if number % 2 else ()
        world.pack.write_bytes(
            pack_for(
                world.replay.port, chain=chain, version=f"1.0.{number}", timeouts={"first_byte_s": 0.3, "idle_s": 0.3}
            )
        )
        await world.gateway.source.reload()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", [1, 2])
async def test_calls_that_end_in_every_way_leave_nothing_behind(tmp_path, seed):
    chance = random.Random(seed)
    timeouts = {"first_byte_s": 0.3, "idle_s": 0.3}
    async with open_world(tmp_path, answer=lambda call: any_reply(chance, call), chain=PII, timeouts=timeouts) as world:
        async with asyncio.TaskGroup() as group:
            group.create_task(reload_often(world))
            for number in range(CALLERS):
                group.create_task(call_often(world, random.Random(f"{seed} {number}")))
        gauges, server = world.gateway.gauges, world.gateway.servers[0]
        await until(lambda: gauges.in_flight == 0 and server.in_flight == 0 and server.connections == 0)
        assert server.budget.held == 0
        metrics = json.loads((await world.ask("/keeptrusts/providers/metrics", method="GET")).body)["providers"]
        assert {target["open"] for target in metrics.values()} == {0}
        page = read_exposition((await world.ask("/metrics", method="GET")).body)
        assert sum(page["keeptrusts_gateway_requests_total"].samples.values()) == gauges.requests
        assert set(page["keeptrusts_gateway_upstream_open"].samples.values()) == {0}
        assert page["keeptrusts_gateway_requests_in_flight"].value() == 0
        events = world.events()
        assert len(events) == gauges.requests
        assert len({event.id for event in events}) == len(events)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        answered = [event for event in events if event.attempts and event.attempts[0].status]
        assert len(answered) <= world.replay.calls
        codes = {event.error_code for event in events}
        assert {None, "client_disconnected", "upstream_error", "upstream_truncated", "invalid_json"} <= codes
        assert "internal_error" not in codes
        assert len({event.pack_version for event in events}) > 3
