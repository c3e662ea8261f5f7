"""An instance of one process: what its pages ask of it."""

from types import SimpleNamespace

import pytest

from fakes.clock import FakeClock
from fakes.gateways import NoSource
from fakes.packs import make_active
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.health import Gauges, InstanceHealth, WorkerHealth
from keeptrusts.gateway.instance import SingleInstance
from keeptrusts.gateway.metrics.counts import MetricsSnapshot

pytestmark = pytest.mark.anyio

BAD = InvalidPack([Problem(code="E001", path="policies.chain[0]", line=1, column=2, message="no", excerpt="")])
OUTBOX = SimpleNamespace(is_degraded=False, pending=0, dropped=0)


def single(active, source):
    worker = WorkerHealth(active, OUTBOX, Gauges(), index=0, pid=7)
    metrics = SimpleNamespace(snapshot=MetricsSnapshot)
    return SingleInstance(InstanceHealth(active, FakeClock(), workers=1), worker, metrics, source, active)


async def test_the_metrics_of_the_only_worker_are_those_of_the_instance():
    assert await single(make_active(), NoSource()).metrics() == [MetricsSnapshot()]


async def test_the_only_worker_is_the_instance():
    report = await single(make_active(), NoSource()).report()
    assert report.health["workers"] == {
        "expected": 1, "serving": [{"index": 0, "pid": 7, "requests": 0, "in_flight": 0}],
    }  # fmt: skip


async def test_a_reload_tells_what_is_served_and_what_was_refused():
    active, source = make_active(), NoSource()
    reloaded = await single(active, source).reload()
    assert (reloaded.label, reloaded.digest, reloaded.problems) == ("blue@1.0.0", active.current().digest, None)
    source.answer = BAD
    assert (await single(active, source).reload()).problems == list(BAD.problems)
