"""What a worker says without its supervisor, and what it makes of its orders. Its process: tests/system."""

import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from fakes.clock import FakeClock
from fakes.packs import make_active, make_pack
from keeptrusts import __version__
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway import messages
from keeptrusts.gateway.channel import open_channel
from keeptrusts.gateway.health import Gauges, InstanceHealth, WorkerHealth, WorkerStatus
from keeptrusts.gateway.http.server import bind
from keeptrusts.gateway.messages import Applied, CannotStart, Drain, PackVersion, Ready, Refused, Start
from keeptrusts.gateway.metrics.counts import MetricsSnapshot
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import read_settings
from keeptrusts.gateway.snapshot import digest_of
from keeptrusts.gateway.worker import SupervisedInstance, Worker

pytestmark = pytest.mark.anyio

OUTBOX = SimpleNamespace(is_degraded=False, pending=0, dropped=0)
WITHIN_S = 5.0
SNAPSHOT = MetricsSnapshot()


@asynccontextmanager
async def open_pair(answer, other_answer):
    one, other = socket.socketpair()
    codec = {"encode": messages.encode, "decode": messages.decode}
    async with (
        open_channel(one, **codec, answer=answer) as near,
        open_channel(other, **codec, answer=other_answer) as far,
    ):
        yield near, far


async def nothing(_):
    return messages.Done()


def version_of(content):
    return PackVersion(content=content, digest=digest_of(content), source="file", applied_at=FakeClock().now())


def orders(folder, *, version=__version__, pack=None, **flags):
    settings = read_settings({}, {"policy_config": "pack.yaml", "listen": "127.0.0.1:0", "grace": 1} | flags)
    place = Place(directory=folder, instance_id="ins_1", boot_id="ab" * 16, index=1, workers=2)
    return Start(version=version, settings=settings, place=place, pack=version_of(pack or make_pack()))


@asynccontextmanager
async def running(start):
    """A worker in this process, and what its supervisor would hold. Ends with the block."""
    listening = bind("127.0.0.1", 0)
    worker = Worker([listening])
    async with open_pair(worker.answer, nothing) as (near, far), asyncio.TaskGroup() as group:
        ending = group.create_task(worker.run(near))
        answer = await far.call(start, object, within_s=WITHIN_S)
        yield SimpleNamespace(answer=answer, channel=far, ending=ending)
        far.close()
    listening.close()


async def test_a_worker_serves_what_it_is_told_and_ends_when_told(tmp_path):
    async with running(orders(tmp_path)) as worker:
        assert worker.answer == Ready()
        status = await worker.channel.call(messages.AskStatus(), WorkerStatus, within_s=WITHIN_S)
        assert (status.index, status.is_draining) == (1, False)
        assert (tmp_path / "spool" / "1").is_dir()
        pack = version_of(make_pack(version="2.0.0"))
        assert await worker.channel.call(pack, object, within_s=WITHIN_S) == Applied(pack.digest)
        worker.channel.tell(Drain())
        assert await worker.ending == 0


async def test_a_worker_without_its_supervisor_finishes_and_ends(tmp_path, caplog):
    async with running(orders(tmp_path)) as worker:
        worker.channel.close()
        assert await worker.ending == 0
    assert "the supervisor is gone" in caplog.text


async def test_a_pack_that_cannot_be_served_is_refused_with_its_problems(tmp_path):
    async with running(orders(tmp_path)) as worker:
        answer = await worker.channel.call(version_of(make_pack(chain=["nope"])), Refused, within_s=WITHIN_S)
        assert answer.problems[0].code == "E001"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "0.0.0"}, "the program was replaced"),
        ({"tls_cert": "no", "tls_key": "no"}, "cannot be used"),
        ({"pack": b"pack: []"}, "E00"),
    ],
    ids=["another version of the program", "settings that do not work", "a bad pack"],
)
async def test_a_worker_that_cannot_serve_says_why(tmp_path, changes, reason):
    async with running(orders(tmp_path, **changes)) as worker:
        assert isinstance(worker.answer, CannotStart)
        assert reason in worker.answer.reason
        worker.channel.close()
        assert await worker.ending == 1


async def test_a_worker_that_never_gets_orders_ends():
    worker = Worker([])
    async with open_pair(worker.answer, nothing) as (near, far):
        far.close()
        assert await worker.run(near) == 1


async def test_a_worker_whose_supervisor_goes_while_it_starts_ends_as_usual(tmp_path):
    listening = bind("127.0.0.1", 0)
    worker = Worker([listening])
    async with open_pair(worker.answer, nothing) as (near, far):
        far.tell(orders(tmp_path))
        await worker.start
        far.close()
        await near.wait_closed()
        assert await worker.run(near) == 0
    listening.close()


@asynccontextmanager
async def instance_without_answer(answer=None):
    async def fail(_):
        raise RuntimeError

    active = make_active()
    async with open_pair(nothing, answer or fail) as (near, far):
        alone = InstanceHealth(active, FakeClock(), workers=2)
        worker = WorkerHealth(active, OUTBOX, Gauges(), index=0, pid=7)
        metrics = SimpleNamespace(snapshot=lambda: SNAPSHOT)
        yield SupervisedInstance(near, alone, worker, metrics), far


async def test_without_an_answer_a_worker_tells_what_it_knows_itself_as_degraded():
    async with instance_without_answer() as (instance, far):
        for _ in range(2):
            report = await instance.report()
            assert report.health["status"] == "degraded"
            assert [worker["pid"] for worker in report.health["workers"]["serving"]] == [7]
            assert await instance.metrics() == [SNAPSHOT]
            far.close()


async def test_a_reload_that_nobody_answers_can_be_tried_again():
    async with instance_without_answer() as (instance, _):
        with pytest.raises(Fault) as raised:
            await instance.reload()
        assert raised.value.code is Code.OVERLOADED
