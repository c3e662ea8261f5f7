"""`/metrics`: every metric by name, as Prometheus reads it. docs/observability.md says what each is good for."""

import platform
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from keeptrusts import __version__
from keeptrusts.gateway.health import InstanceReport, TargetStatus
from keeptrusts.gateway.metrics.counts import (
    DURATION_BOUNDS_S,
    OVERHEAD_BOUNDS_S,
    CallSeries,
    Counters,
    Levels,
    MetricsSnapshot,
    merge,
    total_of,
)
from keeptrusts.gateway.metrics.exposition import Family, HistogramFamily, render

PREFIX = "keeptrusts_gateway_"

K = TypeVar("K")

Families: TypeAlias = Iterator[Family | HistogramFamily]


def render_page(report: InstanceReport, snapshots: Iterable[MetricsSnapshot], *, with_names: bool) -> Iterator[bytes]:
    """The text, in parts. `snapshots` are those of all workers; `with_names`: the caller may learn names of packs."""
    total = merge(snapshots)
    return render(
        family
        for part in (
            _call_families(total.counters, report.targets),
            _refusal_families(total.counters),
            _target_families(total, report.targets),
            _event_families(total),
            _config_families(report, with_names=with_names),
            _instance_families(total.levels, report.health["uptime_seconds"]),
            _process_families(total),
        )
        for family in part
    )


def _config_families(report: InstanceReport, *, with_names: bool) -> Families:
    config = report.health["config"]
    rejected = "1 while the newest pack is not served because it is invalid."
    yield _gauge("config_rejected", rejected, int(report.rejection is not None))
    yield _gauge("config_age_seconds", "Since the pack that is served was applied.", config["age_seconds"])
    if with_names:
        info = _family("pack_info", "The pack that is served; the digest is cut short.")
        digest = config["digest"].removeprefix("sha256:")[:12]
        info.add(1, name=config["name"], version=config["pack_version"], digest=digest, source=config["source"])
        yield info


def _instance_families(levels: Levels, uptime_s: float) -> Families:
    info = _family("build_info", "What runs.")
    info.add(1, version=__version__, python=platform.python_version())
    yield info
    yield _gauge("uptime_seconds", "Since the instance started.", uptime_s)
    yield _gauge("workers", "Worker processes that answered this scrape.", levels.workers)
    yield _gauge("connections", "Open connections of clients, idle ones too.", levels.connections)


def _call_families(counters: Counters, targets: Iterable[str]) -> Families:
    calls = list(counters.calls.values())
    requests = _counter("requests_total", "Calls on model routes that have ended, by class of status.")
    durations = _durations("request_duration_seconds", "From the head of a call to the end of its answer.")
    for one in calls:
        labels = {"route": one.route, "target": one.target, "status": one.status}
        requests.add(one.requests, **labels)
        durations.add(one.duration, **labels)
    overheads = _durations("overhead_seconds", "What the gateway itself added to a call.", OVERHEAD_BOUNDS_S)
    first_bytes = _durations("first_byte_seconds", "From the head of a call to the first byte of its answer.")
    for (route, target), own in _grouped(calls, lambda one: (one.route, one.target)):
        overheads.add(total_of([one.overhead for one in own]), route=route, target=target)
        first_bytes.add(total_of([one.first_byte for one in own]), route=route, target=target)
    yield from (requests, durations, overheads, first_bytes)
    yield _by_label("errors_total", "Calls that ended with an error, by its code.", "code", counters.errors)
    evaluations = _counter("policy_evaluations_total", "What policies said of calls and answers, by verdict.")
    for kind, verdicts in counters.evaluations.items():
        for verdict, count in verdicts.items():
            evaluations.add(count, kind=kind, verdict=verdict)
    yield evaluations
    yield from _usage_families(calls, targets)


def _usage_families(calls: Sequence[CallSeries], targets: Iterable[str]) -> Families:
    """Targets of the pack that were not called yet stand at 0, so that a first call shows as a rise."""
    tokens = _counter("tokens_total", "Tokens, as providers counted them, else as estimated.")
    cached = _counter("cached_input_tokens_total", "Those of the input tokens that came from the provider's cache.")
    costs = _counter("cost_micros_total", "Cost in millionths of a US dollar, where a price is known.")
    idle = [CallSeries(route="", target=target, status="") for target in targets]
    for target, own in _grouped([*idle, *calls], lambda one: one.target):
        tokens.add(sum(one.input_tokens for one in own), direction="input", target=target)
        tokens.add(sum(one.output_tokens for one in own), direction="output", target=target)
        cached.add(sum(one.cached_input_tokens for one in own), target=target)
        costs.add(sum(one.cost_micros for one in own), target=target)
    yield from (tokens, cached, costs)


def _refusal_families(counters: Counters) -> Families:
    refused = "Requests that were refused before they became calls, by code: no valid key, no such route, malformed."
    yield _by_label("refusals_total", refused, "code", counters.refusals)


def _target_families(total: MetricsSnapshot, targets: Mapping[str, TargetStatus]) -> Families:
    attempts = _counter("attempts_total", "Requests sent to a target; one call may make several.")
    failures = _counter("attempt_failures_total", "Those of them that brought an error, or no answer.")
    left = _counter("fallbacks_total", "Calls that left a target for another one, before the client had seen anything.")
    waited = _counter("upstream_wait_seconds_total", "Time spent waiting for the heads of a target's answers.")
    for target, counted in total.counters.targets.items():
        attempts.add(counted["attempts"], target=target)
        failures.add(counted["failures"], target=target)
        left.add(counted["fallbacks"], target=target)
        waited.add(counted["waited_us"] / 1_000_000, target=target)
    running = _family("upstream_open", "Calls that are under way at a target.")
    up = _family("target_up", "0 where a target's secret is missing, it was not reached last, or its breaker is open.")
    breaker = _family("breaker_open", "1 while a target is left alone but for probes.")
    for target, status in targets.items():
        breaker.add(int(status.state == "open"), target=target)
        running.add(status.open, target=target)
        up.add(int(status.state == "reachable"), target=target)
    connections = _family("upstream_connections", "Open connections to providers and proxies.")
    connections.add(total.levels.upstream_connections - total.levels.upstream_idle, state="busy")
    connections.add(total.levels.upstream_idle, state="idle")
    yield from (attempts, failures, left, waited, running, up, breaker, connections)


def _event_families(total: MetricsSnapshot) -> Families:
    levels = total.levels
    yield _gauge("requests_in_flight", "Calls that are being served.", levels.in_flight)
    yield _gauge("events_pending", "Decision events that wait for their upload.", levels.events_pending)
    lost = _counter("events_lost_total", "Decision events that could not be kept.")
    lost.add(total.counters.events_lost)
    yield lost
    dropped = _counter("spans_dropped_total", "Spans of traces that no collector took.")
    dropped.add(total.counters.spans_dropped)
    yield dropped
    yield _gauge("spool_bytes", "What decision events take on the disk.", levels.spool_bytes)


def _process_families(total: MetricsSnapshot) -> Families:
    """Over all workers; what Prometheus' own libraries tell too has the names that they give it."""
    cpu = Family("process_cpu_seconds_total", "counter", "Processor time used by all workers.")
    cpu.add(total.counters.cpu_us / 1_000_000)
    memory = Family("process_resident_memory_bytes", "gauge", "Resident memory of all workers.")
    memory.add(total.levels.memory_bytes)
    files = Family("process_open_fds", "gauge", "Open descriptors of all workers.")
    files.add(total.levels.open_files)
    restarts = _counter("worker_restarts_total", "Workers that ended and were replaced.")
    restarts.add(total.counters.worker_restarts)
    yield from (cpu, memory, files, restarts)


def _grouped(calls: Iterable[CallSeries], key: Callable[[CallSeries], K]) -> ItemsView[K, list[CallSeries]]:
    """The series that have the same key."""
    groups: dict[K, list[CallSeries]] = {}
    for one in calls:
        groups.setdefault(key(one), []).append(one)
    return groups.items()


def _by_label(name: str, text: str, label: str, counts: dict[str, int]) -> Family:
    family = _counter(name, text)
    for value, count in sorted(counts.items()):
        family.add(count, **{label: value})
    return family


def _counter(name: str, text: str) -> Family:
    return Family(PREFIX + name, "counter", text)


def _family(name: str, text: str) -> Family:
    return Family(PREFIX + name, "gauge", text)


def _gauge(name: str, text: str, value: float) -> Family:
    family = _family(name, text)
    family.add(value)
    return family


def _durations(name: str, text: str, bounds: Sequence[float] = DURATION_BOUNDS_S) -> HistogramFamily:
    return HistogramFamily(PREFIX + name, text, bounds)
