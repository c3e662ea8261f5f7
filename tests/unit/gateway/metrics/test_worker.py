"""What one worker says of itself."""

from types import SimpleNamespace

from fakes.packs import make_active, make_target
from keeptrusts.gateway.health import Gauges
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.gateway.metrics.worker import WorkerMetrics


def make_worker(active=None, servers=()):
    outbox = SimpleNamespace(dropped=3, pending=4, size=500, interrupted=2)
    client = SimpleNamespace(connections=7, idle_connections=5)
    meter = Meter()
    meter.refuse("missing_key")
    gauges = Gauges(in_flight=2)
    return WorkerMetrics(meter, active or make_active(), gauges, outbox=outbox, client=client, servers=servers)


def test_a_worker_says_what_it_holds_and_what_its_parts_counted():
    servers = [SimpleNamespace(connections=10, refused={"missing_key": 1}), SimpleNamespace(connections=1, refused={})]
    snapshot = make_worker(servers=servers).snapshot()
    counters, levels = snapshot.counters, snapshot.levels
    assert (counters.events_lost, counters.refusals) == (3, {"missing_key": 2})
    assert (levels.workers, levels.in_flight, levels.connections) == (1, 2, 11)
    assert (levels.upstream_connections, levels.upstream_idle) == (7, 5)
    assert (levels.events_pending, levels.spool_bytes) == (4, 500)
    assert counters.cpu_us > 0
    assert counters.errors == {"interrupted": 2}


def test_each_target_of_the_pack_is_there_with_what_happened_to_it():
    active = make_active(make_target(), make_target(id="keyless", secret_key_ref={"env": "NOT_SET"}))
    counters = active.current().targets[0].counters
    counters.requests, counters.failures, counters.upstream_ms = 5, 2, 1500.0
    snapshot = make_worker(active).snapshot()
    assert snapshot.counters.targets["main"] == {"attempts": 5, "failures": 2, "fallbacks": 0, "waited_us": 1_500_000}
    assert snapshot.counters.targets["keyless"] == {"attempts": 0, "failures": 0, "fallbacks": 0, "waited_us": 0}
