"""How the instance is: facts folded into one state."""

import json
from types import SimpleNamespace

import pytest

from fakes.clock import FakeClock
from fakes.packs import make_active, make_pack, make_snapshot, make_target
from keeptrusts import __version__
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.health import Gauges, Health, State

BAD = InvalidPack([Problem(code="E001", path="policies.chain[0]", line=1, column=2, message="no", excerpt="")])
KEYLESS = make_target(id="keyless", secret_key_ref={"env": "NOT_SET"}, model="other")


def make_health(active=None, *, clock=None, **outbox):
    facts = SimpleNamespace(**{"is_degraded": False, "pending": 0, "dropped": 0} | outbox)
    return Health(active or make_active(), facts, Gauges(), clock or FakeClock())


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


DEGRADED = {
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


def test_a_gateway_without_any_credential_serves_nothing():
    health = make_health(make_active(KEYLESS))
    assert (health.state(), health.is_ready()) == (State.UNHEALTHY, False)


def test_a_gateway_that_drains_wants_no_more_calls():
    health = make_health()
    health._gauges.is_draining = True
    assert (health.state(), health.is_ready()) == (State.UNHEALTHY, False)


def test_strangers_learn_status_and_version_only():
    assert make_health().brief() == {"status": "healthy", "version": __version__}


def test_those_who_may_see_the_facts_do():
    clock = FakeClock()
    content = make_pack(make_target(), KEYLESS, chain=["pii-detector"], name="blue", version="3")
    active = ActiveConfig(make_snapshot(content))
    active.rejection = BAD
    health = make_health(active, clock=clock, pending=3, dropped=1)
    health._gauges.requests = 7
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
    }  # fmt: skip
    assert "sk-canary" not in json.dumps(full)
