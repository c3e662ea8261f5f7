"""The page that Prometheus reads: every metric, under names that only a configuration gives."""

import json
from types import SimpleNamespace

import pytest

from fakes.clock import FakeClock
from fakes.exchanges import MemoryResponse
from fakes.expositions import read_exposition
from fakes.gateways import open_memory_gateway
from fakes.packs import make_active, make_pack, make_target
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.health import Gauges, InstanceHealth, WorkerHealth
from keeptrusts.gateway.metrics.counts import CallSeries, Counters, Levels, MetricsSnapshot
from keeptrusts.gateway.metrics.page import render_page

P = "keeptrusts_gateway_"
CONTRACT = {
    "requests_total", "request_duration_seconds", "overhead_seconds", "first_byte_seconds", "policy_evaluations_total",
    "tokens_total", "cost_micros_total", "events_pending", "upstream_open",
}  # fmt: skip


async def scrape(gateway, **options):
    line = await gateway.ask("GET", "/metrics", **options)
    assert line.status == 200
    return read_exposition(line.body)


def size(metrics):
    return sum(len(metric.samples) for metric in metrics.values())


def rendered(*snapshots, active=None, with_names=True):
    active = active or make_active()
    outbox = SimpleNamespace(is_degraded=False, pending=0, dropped=0)
    worker = WorkerHealth(active, outbox, Gauges(), index=0, pid=100)
    report = InstanceHealth(active, FakeClock(), workers=1).report([worker.status() for _ in snapshots])
    return read_exposition(b"".join(render_page(report, snapshots, with_names=with_names)))


def test_every_metric_that_is_promised_is_there_from_the_start():
    metrics = rendered(MetricsSnapshot())
    assert {P + name for name in CONTRACT} <= set(metrics)
    assert metrics[P + "tokens_total"].value(direction="input", target="main") == 0
    assert metrics[P + "cost_micros_total"].value(target="main") == 0
    assert metrics[P + "pack_info"].value(name="blue", version="1.0.0", source="file") == 1


def test_workers_are_added_up():
    series = CallSeries(route="messages", target="main", status="2xx", input_tokens=7, cost_micros=35)
    series.duration.buckets[3] = 2
    counters = Counters(
        calls={"a": series}, targets={"main": {"attempts": 3, "failures": 1, "fallbacks": 1, "waited_us": 250_000}},
        evaluations={"pii-detector": {"redact": 4}}, errors={"upstream_timeout": 1}, events_lost=2,
        worker_restarts=1,
    )  # fmt: skip
    one = MetricsSnapshot(counters=counters, levels=Levels(workers=1, in_flight=1, events_pending=5))
    active = make_active()
    active.current().targets[0].counters.open = 1
    metrics = rendered(one, one, active=active)
    assert metrics[P + "requests_total"].value(route="messages", target="main", status="2xx") == 4
    assert metrics[P + "request_duration_seconds"].value("_count", route="messages") == 4
    assert metrics[P + "tokens_total"].value(direction="input") == 14
    assert metrics[P + "cost_micros_total"].value() == 70
    assert metrics[P + "policy_evaluations_total"].value(kind="pii-detector", verdict="redact") == 8
    assert metrics[P + "errors_total"].value(code="upstream_timeout") == 2
    assert metrics[P + "attempts_total"].value(target="main") == 6
    assert metrics[P + "fallbacks_total"].value(target="main") == 2
    assert metrics[P + "upstream_wait_seconds_total"].value(target="main") == 0.5
    assert metrics[P + "upstream_open"].value(target="main") == 2
    assert metrics[P + "target_up"].value(target="main") == 1
    assert metrics[P + "events_pending"].value() == 10
    assert metrics[P + "events_lost_total"].value() == 4
    assert metrics[P + "workers"].value() == 2
    assert metrics[P + "worker_restarts_total"].value() == 2


def test_a_target_that_is_left_alone_shows():
    active = make_active(providers={"circuit_breaker": {"failure_threshold": 2}})
    assert rendered(MetricsSnapshot(), active=active)[P + "breaker_open"].value(target="main") == 0
    active.current().targets[0].counters.breaker.failures = 2
    metrics = rendered(MetricsSnapshot(), active=active)
    assert (metrics[P + "breaker_open"].value(target="main"), metrics[P + "target_up"].value(target="main")) == (1, 0)


def test_a_rejected_pack_shows():
    active = make_active()
    assert rendered(MetricsSnapshot(), active=active)[P + "config_rejected"].value() == 0
    problem = Problem(code="E001", path="policies", line=1, column=2, message="no", excerpt="")
    active.rejection = InvalidPack([problem])
    assert rendered(MetricsSnapshot(), active=active)[P + "config_rejected"].value() == 1


def test_without_leave_there_is_no_name_of_a_pack_on_the_page():
    active = make_active(name="secret-team-pack")
    page = rendered(MetricsSnapshot(), active=active, with_names=False)
    assert P + "pack_info" not in page
    assert "secret-team-pack" not in repr(page)


@pytest.mark.anyio
async def test_names_that_clients_send_make_no_series(tmp_path):
    """Ten thousand random models and paths leave the page as long as one of each does."""
    async with open_memory_gateway(tmp_path, content=make_pack(make_target())) as gateway:
        front = gateway.front()

        async def visit(number):
            body = {"model": f"model-{number}", "messages": []}
            await gateway.ask(tree=body, front=front)
            await gateway.ask("GET", f"/path-{number}", front=front)

        await visit("first")
        before = size(await scrape(gateway))
        for number in range(5000):
            await visit(number)
        after = await scrape(gateway)
        assert size(after) == before
        assert after[P + "requests_total"].value(target="other", status="4xx") == 5001
        assert after[P + "refusals_total"].value(code="route_not_found") == 5001
        assert "model-17" not in repr(after)


@pytest.mark.anyio
async def test_a_call_shows_on_the_page(tmp_path):
    reply = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    async with open_memory_gateway(tmp_path, MemoryResponse(json.dumps(reply).encode())) as gateway:
        answer = await gateway.ask(tree={"model": "gpt-4o-mini", "messages": []})
        assert answer.status == 200
        metrics = await scrape(gateway)
    assert metrics[P + "requests_total"].value(route="chat/completions", target="main", status="2xx") == 1
    assert metrics[P + "tokens_total"].value(direction="output", target="main") == 2
    assert metrics[P + "attempts_total"].value(target="main") == 1
    assert metrics[P + "requests_in_flight"].value() == 0
