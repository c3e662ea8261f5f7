"""A gateway of several processes is one instance: it answers as one, and one that dies costs the others nothing."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from fakes.clients import Answer, Connection, chat, connect, get, post
from fakes.clock import FakeClock
from fakes.processes import Process, free_port, open_gateway, open_upstream_process
from keeptrusts.cli.event_log import EventLog, Filter, find_spools
from keeptrusts.contract.events import DecisionEvent, Gap, SpoolRecord
from keeptrusts.gateway.messages import Done, PackVersion
from keeptrusts.gateway.worker_process import open_worker_process
from keeptrusts.runtime.spool_reader import SpoolReader

WORKERS = 2
PATIENCE_S = 15.0

PACK = """
pack: {{name: many, version: {version}}}
policies: {{chain: [pii-detector, audit-logger]}}
providers:
  targets:
    - id: upstream
      provider: openai
      model: "*"
      base_url: http://127.0.0.1:{upstream}
      secret_key_ref: {{env: TEST_PROVIDER_KEY}}
"""

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@dataclass
class World:
    """A gateway of two workers before a provider."""

    folder: Path
    upstream: Process
    gateway: Process
    connections: list[Connection] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    async def ask(self, request: bytes) -> Answer:
        connection = await connect(self.gateway.port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await connection.ask(request)
        finally:
            connection.close()

    async def is_accepting(self) -> bool:
        try:
            (await connect(self.gateway.port)).close()
        except OSError:
            return False
        return True

    async def health(self) -> dict:
        return json.loads((await self.ask(get("/health"))).body)

    async def pids(self) -> dict[int, int]:
        serving = (await self.health())["workers"]["serving"]
        return {worker["index"]: worker["pid"] for worker in serving}

    async def connect_to_all(self) -> dict[int, Connection]:
        """One connection to each worker, by its index."""
        found: dict[int, Connection] = {}
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < WORKERS:
                connection = await connect(self.gateway.port)
                self.connections.append(connection)
                index = json.loads((await connection.ask(get("/health"))).body)["worker"]
                if index in found:
                    connection.close()
                else:
                    found[index] = connection
        return found

    async def become_whole(self, but_not: int = 0) -> dict[int, int]:
        """Wait until every worker serves, and none of them is the process that was there. Their pids, by index."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                pids = await self.pids()
                if len(pids) == WORKERS and but_not not in pids.values():
                    return pids
                await asyncio.sleep(0.02)

    def write_pack(self, version: str) -> None:
        (self.folder / "pack.yaml").write_text(PACK.format(upstream=self.upstream.port, version=version))

    def events(self) -> dict[str, DecisionEvent]:
        decoder = msgspec.json.Decoder(SpoolRecord)
        folders = sorted((self.state).glob("gateway-*/spool/*"))
        records = [decoder.decode(record.payload) for folder in folders for record in SpoolReader(folder).read()]
        assert [record for record in records if isinstance(record, Gap)] == []
        events = [record for record in records if isinstance(record, DecisionEvent)]
        assert len({event.request_id for event in events}) == len(events), "an event stands there twice"
        return {event.request_id: event for event in events}


@asynccontextmanager
async def open_world(folder: Path, *upstream: str, flags: tuple[str, ...] = ()) -> AsyncIterator[World]:
    async with open_upstream_process(folder, *upstream) as provider:
        (folder / "pack.yaml").write_text(PACK.format(upstream=provider.port, version="1.0.0"))
        options = ["--workers", str(WORKERS), *flags]
        async with open_gateway(folder / "pack.yaml", folder / "state", free_port(), *options) as gateway:
            world = World(folder, provider, gateway)
            try:
                yield world
            finally:
                for connection in world.connections:
                    connection.close()
                await asyncio.sleep(0)


async def begun(*connections: Connection) -> None:
    """Wait until the calls that were just made on these connections are being answered."""
    await asyncio.sleep(0)  # for them to be made
    while not all(connection.answer.status for connection in connections):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def ended(*pids: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while any(is_alive(pid) for pid in pids):  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.02)


async def test_all_workers_serve_and_any_of_them_answers_for_the_instance(tmp_path):
    async with open_world(tmp_path, "--chunks", "2") as world:
        workers = await world.connect_to_all()
        for connection in workers.values():
            answer = await connection.ask(chat("Tell me a story."))
            assert answer.status == 200, answer.body
        seen = [json.loads((await connection.ask(get("/health"))).body) for connection in workers.values()]
        assert [health["worker"] for health in seen] == list(workers)
        assert {health["status"] for health in seen} == {"healthy"}
        assert [health["requests_processed"] for health in seen] == [WORKERS] * WORKERS
        assert len(set((await world.pids()).values())) == WORKERS
        metrics = await workers[0].ask(get("/keeptrusts/providers/metrics"))
        assert json.loads(metrics.body)["providers"]["upstream"]["requests"] == WORKERS
        assert await world.gateway.stop() == 0
        assert len(world.events()) == WORKERS
        log = EventLog(find_spools(world.state), Filter())
        assert [line.event.request_id for line in log.read_all()] == list(
            dict(sorted(world.events().items(), key=lambda item: item[1].timestamp))
        )


async def test_a_reload_is_answered_when_every_worker_serves_the_new_pack(tmp_path):
    async with open_world(tmp_path) as world:
        workers = await world.connect_to_all()
        for version in ("2.0.0", "3.0.0", "4.0.0"):
            world.write_pack(version)
            answer = await workers[0].ask(post("/keeptrusts/config/reload"))
            assert (answer.status, json.loads(answer.body)["config"]) == (200, f"many@{version}")
            for connection in workers.values():
                served = await connection.ask(chat("Which one?"))
                assert served.headers["x-keeptrusts-config"] == f"many@{version}"
        (tmp_path / "pack.yaml").write_text("pack: {name: many}")
        refused = await workers[1].ask(post("/keeptrusts/config/reload"))
        assert (refused.status, json.loads(refused.body)["applied"]) == (422, False)
        health = await world.health()
        assert (health["status"], health["config"]["pack_version"]) == ("degraded", "4.0.0")
        assert health["config"]["rejected"]


@dataclass
class Load:
    """Calls over one connection after another; remembers which worker had which."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    answered: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)

    async def run(self, connection: Connection, *, stream: bool) -> None:
        while not (connection.is_lost or self.stop.is_set()):
            self.count(await connection.ask(chat("Tell me a story.", stream=stream)), stream=stream)

    def count(self, answer: Answer, *, stream: bool) -> None:
        if answer.ended_cleanly if stream else answer.is_complete:
            (self.answered if answer.status == 200 else self.refused).append(answer.headers["x-request-id"])
        elif "x-request-id" in answer.headers:
            self.cut.append(answer.headers["x-request-id"])


async def test_a_killed_worker_costs_its_own_calls_only_and_is_back_with_none_lost(tmp_path):
    async with open_world(tmp_path, "--chunks", "10", "--every-s", "0.005") as world:
        before = await world.become_whole()
        loads = [Load() for _ in range(WORKERS)]
        async with asyncio.timeout(3 * PATIENCE_S), asyncio.TaskGroup() as group:
            for turn in range(12):
                for index, connection in (await world.connect_to_all()).items():
                    group.create_task(loads[index].run(connection, stream=turn % 2 == 0))
            while min(len(load.answered) for load in loads) < 20:  # noqa: ASYNC110 - any load will do
                await asyncio.sleep(0.01)
            os.kill(before[0], signal.SIGKILL)
            after = await world.become_whole(but_not=before[0])
            again = await world.connect_to_all()
            assert (await again[0].ask(chat("Are you back?"))).status == 200
            for load in loads:
                load.stop.set()
        assert after[1] == before[1]
        assert loads[1].cut == []
        assert [load.refused for load in loads] == [[], []]
        assert await world.gateway.stop() == 0, world.gateway.tail()
        events = world.events()
    killed, spared = loads
    assert [name for load in loads for name in load.answered if name not in events] == []
    assert {events[name].error_code for load in loads for name in load.answered} == {None}
    assert [name for name in killed.cut if name not in events] == []
    interrupted = {event.request_id for event in events.values() if event.error_code == "interrupted"}
    assert interrupted
    assert interrupted.isdisjoint(killed.answered + spared.answered)


async def test_a_drain_finishes_the_streams_of_every_worker(tmp_path):
    async with open_world(tmp_path, "--chunks", "5", "--held") as world:
        workers = await world.connect_to_all()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            asking = [
                group.create_task(connection.ask(chat("Slowly.", stream=True))) for connection in workers.values()
            ]
            await begun(*workers.values())
            world.gateway.process.terminate()
            while await world.is_accepting():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            provider = await connect(world.upstream.port)
            await provider.ask(post("/_release"))
            provider.close()
        assert all(one.result().ended_cleanly for one in asking)
        assert await world.gateway.process.wait() == 0
        assert {event.error_code for event in world.events().values()} == {None}


async def test_a_second_signal_cuts_what_still_runs(tmp_path):
    async with open_world(tmp_path, "--held", flags=("--grace", "60")) as world:
        workers = await world.connect_to_all()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            asking = group.create_task(workers[1].ask(chat("Slowly.", stream=True)))
            await begun(workers[1])
            world.gateway.process.terminate()
            await asyncio.sleep(0.1)
            world.gateway.process.terminate()
            assert not (await asking).ended_cleanly
        assert await world.gateway.process.wait() == 0
        assert {event.error_code for event in world.events().values()} == {"interrupted"}


async def test_a_worker_that_its_operator_ends_finishes_its_calls_and_is_replaced(tmp_path):
    async with open_world(tmp_path, "--chunks", "5", "--held") as world:
        before = await world.become_whole()
        workers = await world.connect_to_all()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            asking = group.create_task(workers[0].ask(chat("Slowly.", stream=True)))
            await begun(workers[0])
            os.kill(before[0], signal.SIGTERM)
            while (await world.health())["status"] != "degraded":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for _ in range(8):
                assert (await world.health())["worker"] == 1
            provider = await connect(world.upstream.port)
            await provider.ask(post("/_release"))
            provider.close()
        assert asking.result().ended_cleanly
        assert (await world.become_whole(but_not=before[0]))[1] == before[1]


async def test_a_supervisor_that_is_killed_leaves_no_orphan(tmp_path):
    async with open_world(tmp_path, "--chunks", "2") as world:
        pids = await world.become_whole()
        assert all(is_alive(pid) for pid in pids.values())
        await world.gateway.kill()
        await ended(*pids.values())
        async with open_gateway(
            tmp_path / "pack.yaml", world.state, world.gateway.port, "--workers", str(WORKERS)
        ) as again:
            assert again.process.returncode is None


@pytest.mark.parametrize("workers", [1, WORKERS])
async def test_an_address_in_use_is_told(tmp_path, workers):
    async with open_world(tmp_path) as world:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "keeptrusts", "gateway", "run", "--listen", f"127.0.0.1:{world.gateway.port}",
            "--policy-config", str(tmp_path / "pack.yaml"), "--state-dir", str(tmp_path / "other"),
            "--workers", str(workers),
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            _, told = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{world.gateway.port}: another process listens there" in told.decode()


async def test_a_worker_that_hangs_with_unread_messages_does_not_hold_up_the_end(tmp_path):
    async def nothing(_):
        return Done()

    version = PackVersion(content=b"x" * 2_000_000, digest="d", source="file", applied_at=FakeClock().now())
    with (tmp_path / "lock").open("w") as lock:
        async with asyncio.timeout(PATIENCE_S), open_worker_process([], nothing, lock=lock.fileno()) as worker:
            os.kill(worker.pid, signal.SIGSTOP)
            worker.channel.tell(version)
        assert await worker.wait() == -signal.SIGKILL
