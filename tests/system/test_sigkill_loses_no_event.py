"""A gateway that is killed at any moment has the event of every answer that it gave, and closes what it left open."""

import asyncio
import json
import random
from pathlib import Path

import msgspec
import pytest

from fakes.clients import Answer, chat, connect, get
from fakes.processes import Process, free_port, open_gateway, open_upstream_process
from keeptrusts.contract.events import DecisionEvent, Gap, SpoolRecord
from keeptrusts.runtime.spool_reader import SpoolReader

CALLERS = 24
STREAMERS = 16

PACK = """
pack: {{name: killed, version: 1.0.0}}
policies: {{chain: [pii-detector, audit-logger]}}
providers:
  targets:
    - id: upstream
      provider: openai
      model: "*"
      base_url: http://127.0.0.1:{upstream}
      secret_key_ref: {{env: TEST_PROVIDER_KEY}}
"""


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


class Load:
    """Calls until the gateway is gone; remembers the request ids of whole answers and of those cut off."""

    def __init__(self) -> None:
        self.sent = 0
        self.answered = []
        self.cut = []

    async def run(self, port: int, *, stream: bool) -> None:
        connection = await connect(port)
        while not connection.is_lost:
            self.sent += 1
            self.count(await connection.ask(chat("Tell me a story.", stream=stream)), stream=stream)

    def count(self, answer: Answer, *, stream: bool) -> None:
        if answer.ended_cleanly if stream else answer.is_complete:
            assert answer.status == 200, answer.body
            self.answered.append(answer.headers["x-request-id"])
        elif "x-request-id" in answer.headers:
            self.cut.append(answer.headers["x-request-id"])


async def load_and_kill(load: Load, gateway: Process, after_s: float) -> None:
    async with asyncio.TaskGroup() as group:
        for turn in range(CALLERS + STREAMERS):
            group.create_task(load.run(gateway.port, stream=turn >= CALLERS))
        await asyncio.sleep(after_s)
        await gateway.kill()


async def calls_taken(upstream: Process) -> int:
    connection = await connect(upstream.port)
    answer = await connection.ask(get("/_calls"))
    connection.close()
    return int(json.loads(answer.body)["calls"])


def read_spool(state: Path) -> list[SpoolRecord]:
    decoder = msgspec.json.Decoder(SpoolRecord)
    folders = {path.parent for path in state.rglob("*.log") if path.stem.isdigit()}
    return [decoder.decode(record.payload) for folder in folders for record in SpoolReader(folder).read()]


@pytest.mark.anyio
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
async def test_every_answer_given_before_a_sigkill_has_its_event_and_open_calls_end_as_interrupted(tmp_path, kills):
    moments = random.Random(kills)
    load = Load()
    port = free_port()
    pack = tmp_path / "pack.yaml"
    async with open_upstream_process(tmp_path, "--chunks", "10", "--every-s", "0.005") as upstream:
        pack.write_text(PACK.format(upstream=upstream.port))
        for _ in range(kills):
            async with open_gateway(pack, tmp_path / "state", port) as gateway:
                await load_and_kill(load, gateway, moments.uniform(0.2, 0.5))
        async with open_gateway(pack, tmp_path / "state", port) as gateway:
            assert await gateway.stop() == 0, gateway.tail()
        taken = await calls_taken(upstream)

    records = read_spool(tmp_path / "state")
    events = {record.request_id: record for record in records if isinstance(record, DecisionEvent)}
    assert [record for record in records if isinstance(record, Gap)] == []
    assert len(events) == sum(isinstance(record, DecisionEvent) for record in records), "an event stands there twice"
    assert [name for name in load.answered if name not in events] == []
    assert {events[name].error_code for name in load.answered} == {None}
    assert [name for name in load.cut if name not in events] == []
    interrupted = [event for event in events.values() if event.error_code == "interrupted"]
    assert {event.request_id for event in interrupted}.isdisjoint(load.answered)
    assert interrupted
    assert taken <= len(events) <= load.sent
    assert len(load.answered) > 50 * kills
