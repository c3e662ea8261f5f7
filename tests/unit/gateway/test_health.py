"""How the instance is: facts folded into one state."""

import json
from types import SimpleNamespace

import pytest

from fakes.clock import FakeClock
from fakes.packs import make_active, make_pack, make_snapshot, make_target
from keeptrusts import __version__
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.health import Gauges, InstanceHealth, State, WorkerHealth, brief, fold_targets

BAD = InvalidPack([Problem(code="E001", path="policies.chain[0]", line=1, column=2, message="no", excerpt="")])
KEYLESS = make_target(id="keyless", secret_key_ref={"env": "NOT_SET"}, model="other")


def make_worker(active, index=0, **outbox):
    facts = SimpleNamespace(**{"is_degraded": False, "pending": 0, "dropped": 0} | outbox)
    return WorkerHealth(active, facts, Gauges(), index=index, pid=100 + index)


class OneWorker:
    """An instance of one worker."""

    def __init__(self, active=None, *, clock=None, **outbox):
        active = active or make_active()
        self.worker = make_worker(active, **outbox)
        self._instance = InstanceHealth(active, clock or FakeClock(), workers=1)

    def full(self):
        return self._instance.report([self.worker.status()]).health

    def state(self):
        return self.full()["status"]

    def is_ready(self):
        return self.worker.is_ready()


make_health = OneWorker


def test_a_whole_gateway_is_healthy():
    health = make_health()
    assert (health.state(), health.is_ready()) == (State.HEALTHY, True)


def rejected():
    active = make_active()
    active.rejection = BAD
    return make_health(active)


def one_target_out_of_reach():
    active = make_active()
    active.current().targets[0].counters.is_reachable = False
    return make_health(active)


def a_breaker_is_open():
    active = make_active(providers={"circuit_breaker": {"failure_threshold": 2}})
    active.current().targets[0].counters.breaker.failures = 2
    return make_health(active)


DEGRADED = {
    "a circuit breaker is open": a_breaker_is_open,
    "a pack was refused": rejected,
    "a provider is out of reach": one_target_out_of_reach,
    "a target has no credential": lambda: make_health(make_active(make_target(), KEYLESS)),
    "the last good pack is served": lambda: make_health(ActiveConfig(make_snapshot(source="last_good"))),
    "events cannot be kept": lambda: make_health(is_degraded=True),
}


@pytest.mark.parametrize("reason", DEGRADED)
def test_what_is_less_than_whole_is_degraded_and_still_served(reason):
    health = DEGRADED[reason]()
    assert (health.state(), health.is_ready()) == (State.DEGRADED, True)


def test_health_names_the_target_whose_breaker_is_open_or_that_nobody_reached():
    assert a_breaker_is_open().full()["providers"] == {"main": "open"}
    assert one_target_out_of_reach().full()["providers"] == {"main": "unavailable"}
    assert make_health().full()["providers"] == {"main": "reachable"}


def test_a_gateway_without_any_credential_serves_nothing():
    health = make_health(make_active(KEYLESS))
    assert (health.state(), health.is_ready()) == (State.UNHEALTHY, False)


def test_a_gateway_that_drains_wants_no_more_calls():
    health = make_health()
    health.worker._gauges.is_draining = True
    assert (health.state(), health.is_ready()) == (State.UNHEALTHY, False)


def test_strangers_learn_status_and_version_only():
    assert brief(make_health().full()) == {"status": "healthy", "version": __version__}


def test_those_who_may_see_the_facts_do():
    clock = FakeClock()
    content = make_pack(make_target(), KEYLESS, chain=["pii-detector"], name="blue", version="3")
    active = ActiveConfig(make_snapshot(content))
    active.rejection = BAD
    health = make_health(active, clock=clock, pending=3, dropped=1)
    health.worker._gauges.requests = 7
    clock.advance(90.9)
    full = health.full()
    assert full == {
        "status": "degraded", "version": __version__, "uptime_seconds": 90, "policies_loaded": 1,
        "requests_processed": 7,
        "config": {
            "name": "blue", "pack_version": "3", "version": None, "digest": active.current().digest, "source": "file",
            "age_seconds": 90, "rejected": ["1:2: E001 policies.chain[0]: no"],
        },
        "api": {"connected": False, "since": None},
        "providers": {"main": "reachable", "keyless": "unavailable"},
        "events": {"pending": 3, "dropped": 1},
        "workers": {"expected": 1, "serving": [{"index": 0, "pid": 100, "requests": 7, "in_flight": 0}]},
    }  # fmt: skip
    assert "sk-canary" not in json.dumps(full)


def two_workers(active=None, **outbox):
    active = active or make_active()
    workers = [make_worker(active, 0), make_worker(active, 1, **outbox)]
    return InstanceHealth(active, FakeClock(), workers=2), workers


def test_an_instance_adds_up_what_its_workers_did():
    instance, workers = two_workers(pending=2, dropped=3)
    workers[0]._gauges.requests, workers[1]._gauges.requests = 5, 7
    health = instance.report([worker.status() for worker in workers]).health
    assert (health["status"], health["requests_processed"]) == ("healthy", 12)
    assert health["events"] == {"pending": 2, "dropped": 3}
    assert [worker["pid"] for worker in health["workers"]["serving"]] == [100, 101]


def test_an_instance_that_misses_a_worker_is_degraded_and_without_any_unhealthy():
    instance, workers = two_workers()
    assert instance.report([workers[0].status()]).health["status"] == "degraded"
    assert instance.report([]).health["status"] == "unhealthy"


def test_a_worker_that_drains_does_not_count_as_one_that_serves():
    instance, workers = two_workers()
    workers[0]._gauges.is_draining = True
    assert instance.report([worker.status() for worker in workers]).health["status"] == "degraded"


def test_of_what_workers_say_of_a_target_the_worst_counts():
    one, other = make_active(), make_active()
    first, second = one.current().targets[0].counters, other.current().targets[0].counters
    first.requests, first.failures, first.last_status, first.upstream_ms = 3, 1, 502, 1.5
    second.requests, second.is_reachable, second.upstream_ms = 4, False, 2.0
    folded = fold_targets(make_worker(active).status().targets for active in (one, other))["main"]
    assert (folded.state, folded.requests, folded.failures) == ("unavailable", 7, 1)
    assert (folded.last_status, folded.upstream_ms) == (502, 3.5)
