"""What a supervisor does about its workers: decided here by workers that are told how to behave."""

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import msgspec
import pytest

from fakes.clock import FakeClock
from fakes.gateways import NoSource
from fakes.packs import make_active, make_pack, make_snapshot
from fakes.worlds import until
from keeptrusts.config.problems import Problem
from keeptrusts.gateway import supervisor as supervisor_module
from keeptrusts.gateway.channel import CallFailed, ChannelClosed
from keeptrusts.gateway.health import Gauges, WorkerHealth
from keeptrusts.gateway.http.server import CannotListen, bind
from keeptrusts.gateway.instance import Reloaded
from keeptrusts.gateway.messages import (
    Applied,
    AskMetrics,
    AskReload,
    AskReport,
    AskStatus,
    CannotStart,
    Counted,
    Cut,
    Drain,
    PackVersion,
    Ready,
    Refused,
    Start,
)
from keeptrusts.gateway.metrics.counts import Counters, Levels, MetricsSnapshot, merge
from keeptrusts.gateway.restarts import Restarts
from keeptrusts.gateway.seat import WorkerFailed
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import read_settings
from keeptrusts.gateway.spend.slices import Claim, Claimed, Grants, Recall, Report
from keeptrusts.gateway.supervisor import Supervisor, open_group, open_supervisor

pytestmark = pytest.mark.anyio

PROBLEM = Problem(code="E001", path="a", line=1, column=2, message="no", excerpt="")
OUTBOX = SimpleNamespace(is_degraded=False, pending=0, dropped=0)
KILLED, ENDED = -9, 0


class NoLedger:
    """Grants nothing; remembers who listens."""

    def __init__(self):
        self.listeners = {}

    def listen(self, owner, on_recall):
        self.listeners[owner] = on_recall

    async def claim(self, claim):
        pass

    async def lease(self, report):
        return Grants()


LEDGER = NoLedger()


class Life:
    """A worker that does as told. `script` says what it answers to a kind of message, where that is not the usual."""

    def __init__(self, pid, script):
        self.pid = pid
        self.script = script
        self.asked = []
        self.told = []
        self.lost = 1
        self.channel = self
        self.code = asyncio.get_running_loop().create_future()

    async def call(self, message, answer_type, *, within_s):
        self.asked.append(message)
        answer = self.script.get(type(message), self.usual)(message)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, answer_type)
        return answer

    def usual(self, message):
        match message:
            case Start():
                self.index = message.place.index
                return Ready()
            case PackVersion():
                return Applied(message.digest)
            case AskMetrics():
                return Counted([MetricsSnapshot(counters=Counters(events_lost=self.lost), levels=Levels(workers=1))])
        return WorkerHealth(make_active(), OUTBOX, Gauges(), index=self.index, pid=self.pid).status()

    def tell(self, message):
        self.told.append(message)
        if self.code.done():
            raise ChannelClosed
        self.end(ENDED)

    def end(self, code):
        if not self.code.done():
            self.code.set_result(code)

    def kill(self):
        self.end(KILLED)

    async def wait(self):
        return await asyncio.shield(self.code)


class Lives:
    """Launches lives, one script after the other; those without one behave."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.started = []

    @asynccontextmanager
    async def launch(self, sockets, answer):
        script = self.scripts.pop(0) if self.scripts else {}
        if isinstance(script, Exception):
            raise script
        life = Life(100 + len(self.started), script)
        self.started.append(life)
        yield life


@asynccontextmanager
async def supervising(lives, *, workers=2):
    settings = read_settings(
        {"SECRET": "canary"},
        {"policy_config": "pack.yaml", "listen": "127.0.0.1:0", "workers": str(workers), "grace": 0},
    )
    with TemporaryDirectory() as folder, open_group(settings) as group:
        directory = Path(folder)
        active = make_active()
        packs = SimpleNamespace(source=NoSource(), active=active)
        place = Place(directory=directory, instance_id="ins_1", boot_id="ab", workers=workers)
        supervisor = Supervisor(settings, place, packs, LEDGER, group, FakeClock())
        async with open_supervisor(supervisor, lives.launch):
            yield supervisor


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setattr(supervisor_module, "LOOK_EVERY_S", 0.001)


async def test_each_worker_is_told_who_it_is_and_no_secret():
    lives = Lives()
    async with supervising(lives) as supervisor:
        orders = [life.asked[0] for life in lives.started]
        assert [start.place.index for start in orders] == [0, 1]
        assert {start.pack.digest for start in orders} == {make_snapshot().digest}
        assert b"canary" not in msgspec.msgpack.encode(orders[0].settings, enc_hook=str)
        assert supervisor.port > 0


async def test_a_worker_that_ends_is_replaced_at_once(caplog):
    lives = Lives()
    with caplog.at_level(logging.INFO):
        async with supervising(lives) as supervisor:
            lives.started[0].end(KILLED)
            await until(lambda: len(lives.started) == 3)
            total = merge(await supervisor._ask_metrics())
            assert total.counters.worker_restarts == 1
            assert lives.started[2].asked[0].place.index == 0
    assert "a worker ended and is replaced" in caplog.text


async def test_a_worker_that_does_not_answer_is_killed_and_replaced(caplog):
    hung = {AskMetrics: lambda _: CallFailed("no answer")}
    lives = Lives(hung)
    async with supervising(lives):
        await until(lambda: len(lives.started) == 3)
        assert lives.started[0].code.result() == KILLED
        assert not lives.started[1].code.done()
    assert "a worker does not answer and is killed" in caplog.text


async def test_a_process_that_the_system_refuses_is_tried_again_after_the_start():
    lives = Lives()
    async with supervising(lives):
        lives.scripts.append(OSError(11, "Resource temporarily unavailable"))
        lives.started[0].end(KILLED)
        await until(lambda: len(lives.started) == 3)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({Start: lambda _: CannotStart("no such certificate")}, "no such certificate"),
        (OSError(11, "Resource temporarily unavailable"), "the system starts no process"),
    ],
    ids=["the worker says why", "the system refuses"],
)
async def test_a_worker_that_cannot_serve_at_the_start_is_a_start_that_failed(script, reason):
    with pytest.raises(WorkerFailed, match=reason):
        async with supervising(Lives({}, script)):
            pytest.fail("it started")


async def test_a_worker_that_ends_before_it_serves_is_a_start_that_failed():
    lives = Lives({Start: lambda _: ChannelClosed()})

    async def end_it():
        await until(lambda: lives.started)
        lives.started[0].end(1)

    async with asyncio.TaskGroup() as group:
        group.create_task(end_it())
        with pytest.raises(WorkerFailed, match="its log says why"):
            async with supervising(lives):
                pytest.fail("it started")


async def test_a_version_is_applied_when_every_worker_applied_it():
    lives = Lives()
    snapshot = make_snapshot(make_pack(version="2.0.0"))
    async with supervising(lives) as supervisor:
        await supervisor.apply(snapshot)
        for life in lives.started:
            (version,) = [message for message in life.asked if isinstance(message, PackVersion)]
            assert (version.content, version.digest) == (snapshot.content, snapshot.digest)


async def test_a_worker_that_refuses_what_was_judged_good_is_reported(caplog):
    lives = Lives({PackVersion: lambda _: Refused([PROBLEM])})
    async with supervising(lives) as supervisor:
        await supervisor.apply(make_snapshot(make_pack(version="2.0.0")))
        report = await supervisor.answer(supervisor._seats[0], AskReport())
        assert (report.health["status"], report.rejection) == ("degraded", [PROBLEM])
    assert "a worker refused a pack" in caplog.text


async def test_a_worker_that_takes_no_pack_is_killed_and_its_successor_has_it():
    lives = Lives({PackVersion: lambda _: CallFailed("no answer")}, {PackVersion: lambda _: ChannelClosed()})
    async with supervising(lives) as supervisor:
        await supervisor.apply(make_snapshot(make_pack(version="2.0.0")))
        await until(lambda: len(lives.started) == 3)
        assert (lives.started[0].code.result(), lives.started[1].code.done()) == (KILLED, False)


async def test_the_instance_is_told_by_all_its_workers_and_degraded_without_one():
    lives = Lives()
    async with supervising(lives) as supervisor:
        report = await supervisor.answer(supervisor._seats[0], AskReport())
        assert report.health["status"] == "healthy"
        assert [worker["pid"] for worker in report.health["workers"]["serving"]] == [100, 101]
        lives.started[1].script[AskStatus] = lambda _: ChannelClosed()
        report = await supervisor.answer(supervisor._seats[0], AskReport())
        assert report.health["status"] == "degraded"


async def test_what_a_worker_counted_stays_when_it_ends():
    lives = Lives()
    async with supervising(lives) as supervisor:
        for life in lives.started:
            life.lost = 5
        shown = merge((await supervisor.answer(supervisor._seats[0], AskMetrics())).snapshots)
        assert (shown.counters.events_lost, shown.levels.workers) == (10, 2)
        lives.started[0].end(KILLED)
        await until(lambda: len(lives.started) == 3 and supervisor._seats[0].is_serving)
        shown = merge((await supervisor.answer(supervisor._seats[0], AskMetrics())).snapshots)
        assert (shown.counters.events_lost, shown.levels.workers) == (11, 2)


async def test_many_who_ask_at_once_cost_one_question_to_each_worker():
    lives = Lives()
    async with supervising(lives) as supervisor:
        asked_before = len(lives.started[0].asked)
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(supervisor.report())
        assert len(lives.started[0].asked) - asked_before < 10


async def test_a_reload_is_asked_of_the_source():
    async with supervising(Lives()) as supervisor:
        reloaded = await supervisor.answer(supervisor._seats[0], AskReload())
        assert (reloaded.label, reloaded.problems) == ("blue@1.0.0", None)
        assert isinstance(reloaded, Reloaded)


async def test_money_is_asked_of_the_ledger_and_recalled_through_the_channel():
    lives = Lives()
    async with supervising(lives) as supervisor:
        seat = supervisor._seats[1]
        owner = seat.place.boot_id
        assert await supervisor.answer(seat, Claim(owner=owner, spool="1", seq=0)) == Claimed()
        assert await supervisor.answer(seat, Report(owner=owner, spool="1", seq=0)) == Grants()
        LEDGER.listeners[owner](Recall(bucket="b", day="d"))
        assert lives.started[1].told == [Recall(bucket="b", day="d")]
        await until(lambda: len(lives.started) == 3)
        assert LEDGER.listeners[owner] is None
        assert seat.place.boot_id != owner, "what it held would never be recovered"


async def test_a_drain_tells_every_worker_and_replaces_none():
    lives = Lives()
    async with supervising(lives) as supervisor:
        await supervisor.drain()
        supervisor.hurry()
        assert [life.told for life in lives.started] == [[Drain()], [Drain()]]
    assert len(lives.started) == 2


async def test_a_second_signal_reaches_workers_that_still_run():
    lives = Lives()
    async with supervising(lives) as supervisor:
        supervisor.hurry()
        assert [life.told for life in lives.started] == [[Cut()], [Cut()]]


async def test_callers_do_not_wait_for_a_worker_that_keeps_ending(monkeypatch):
    monkeypatch.setattr(Restarts, "plan", lambda *_: 60.0)
    lives = Lives()
    async with supervising(lives) as supervisor:
        lives.started[0].end(KILLED)
        sockets = supervisor._seats[0].sockets
        await until(lambda: not sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        assert supervisor._seats[1].sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_an_address_in_use_is_told_and_nothing_is_kept_open():
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        settings = read_settings(
            {}, {"policy_config": "p", "listen": "127.0.0.1:0", "admin_listen": f"127.0.0.1:{port}", "workers": "2"}
        )
        with pytest.raises(CannotListen, match="another process listens there"), open_group(settings):
            pytest.fail("it was bound")
