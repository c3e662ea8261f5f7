"""What one worker has counted, as plain values: to be sent over a channel, added up, kept after the worker's end.

Buckets hold how many values fell into each, not how many were smaller; the page adds them up.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

DURATION_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
"""Upper bounds for whole calls and first bytes: models take seconds, and minutes where they think."""

OVERHEAD_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds for what the gateway itself adds."""


class Histogram(msgspec.Struct):
    """How often a value fell into each bucket, the last one being for what is above all bounds; and their sum."""

    buckets: list[int]
    sum_us: float = 0.0


def _durations() -> Histogram:
    return Histogram([0] * (len(DURATION_BOUNDS_S) + 1))


def _overheads() -> Histogram:
    return Histogram([0] * (len(OVERHEAD_BOUNDS_S) + 1))


class CallSeries(msgspec.Struct, kw_only=True):
    """The calls of one route and target that ended with one class of status."""

    route: str
    target: str
    status: str
    duration: Histogram = msgspec.field(default_factory=_durations)
    overhead: Histogram = msgspec.field(default_factory=_overheads)
    first_byte: Histogram = msgspec.field(default_factory=_durations)
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0

    @property
    def requests(self) -> int:
        return sum(self.duration.buckets)


class Counters(msgspec.Struct, kw_only=True):
    """What only grows.

    `calls` are by the names of their series; `evaluations` by kind of policy and verdict; `errors` and `refusals` by
    code; `targets` by target and fact.
    """

    calls: dict[str, CallSeries] = {}
    evaluations: dict[str, dict[str, int]] = {}
    errors: dict[str, int] = {}
    refusals: dict[str, int] = {}
    targets: dict[str, dict[str, int]] = {}
    events_lost: int = 0
    spans_dropped: int = 0
    worker_restarts: int = 0
    cpu_us: int = 0


class Levels(msgspec.Struct, kw_only=True):
    """What goes up and down, and ends with its worker."""

    workers: int = 0
    in_flight: int = 0
    connections: int = 0
    upstream_connections: int = 0
    upstream_idle: int = 0
    events_pending: int = 0
    spool_bytes: int = 0
    memory_bytes: int = 0
    open_files: int = 0


class MetricsSnapshot(msgspec.Struct, kw_only=True):
    """One worker's metrics at one moment, or the sum of several."""

    counters: Counters = msgspec.field(default_factory=Counters)
    levels: Levels = msgspec.field(default_factory=Levels)


def merge(snapshots: Iterable[MetricsSnapshot]) -> MetricsSnapshot:
    """The sum of them all, in values of its own."""
    total = MetricsSnapshot()
    for snapshot in snapshots:
        total = _add(total, snapshot)
    return total


def retire(snapshot: MetricsSnapshot) -> MetricsSnapshot:
    """What stays of a worker that has ended: its counters, without what it held."""
    return MetricsSnapshot(counters=snapshot.counters)


def total_of(histograms: Sequence[Histogram]) -> Histogram:
    """The sum of at least one, all with the same bounds."""
    buckets = [sum(column) for column in zip(*(one.buckets for one in histograms), strict=True)]
    return Histogram(buckets, sum(one.sum_us for one in histograms))


def _add(one: Any, other: Any) -> Any:
    """Two values of these types, or parts of them: numbers are added wherever they stand, names are the first one's."""
    if isinstance(one, msgspec.Struct):
        return type(one)(**{name: _add(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__})
    if isinstance(one, dict):
        shared = {key: _add(value, other[key]) for key, value in one.items() if key in other}
        return one | other | shared
    if isinstance(one, list):
        return [mine + theirs for mine, theirs in zip(one, other, strict=True)]
    return one if isinstance(one, str) else one + other
