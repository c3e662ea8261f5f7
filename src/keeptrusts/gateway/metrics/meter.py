"""Counts calls as they end: some additions each, and nothing written or locked. Knows no format and no page.

Series are named by routes, by targets of a configuration and by classes of status, never by what a client sent.
"""

from bisect import bisect_left
from collections import defaultdict

from keeptrusts.contract.call import Route
from keeptrusts.gateway.metrics.counts import DURATION_BOUNDS_S, OVERHEAD_BOUNDS_S, CallSeries, Counters
from keeptrusts.gateway.record import CallRecord

OTHER = "other"
"""The target of calls that no target took, and of targets beyond the number that are counted apart."""

MAX_TARGETS = 500
"""Targets that are counted apart, over all the packs that a process serves in its life."""


class Meter:
    """The counters of one worker. Owned by the event loop."""

    def __init__(self) -> None:
        self._series: dict[tuple[Route, str | None, int], CallSeries] = {}
        self._by_name: dict[str, CallSeries] = {}
        self._targets: set[str] = set()
        self._evaluations: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._errors: defaultdict[str, int] = defaultdict(int)
        self._refusals: defaultdict[str, int] = defaultdict(int)

    def note(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        target = record.target
        key = (record.route, None if target is None else target.id, (record.status or 0) // 100)
        series = self._series.get(key) or self._begin(key)
        latency_s, overhead_s, usage = record.latency_s, record.overhead_s or 0.0, record.usage
        duration, overhead = series.duration, series.overhead
        duration.buckets[bisect_left(DURATION_BOUNDS_S, latency_s)] += 1
        duration.sum_us += latency_s * 1_000_000
        overhead.buckets[bisect_left(OVERHEAD_BOUNDS_S, overhead_s)] += 1
        overhead.sum_us += overhead_s * 1_000_000
        if record.first_byte is not None:
            first_byte, waited_s = series.first_byte, record.first_byte - record.started
            first_byte.buckets[bisect_left(DURATION_BOUNDS_S, waited_s)] += 1
            first_byte.sum_us += waited_s * 1_000_000
        if usage is not None:
            series.input_tokens += usage.input_tokens
            series.cached_input_tokens += usage.cached_input_tokens
            series.output_tokens += usage.output_tokens
        if record.cost is not None:
            series.cost_micros += record.cost
        if record.error_code is not None:
            self._errors[record.error_code] += 1
        for ruling in record.rulings:
            self._evaluations[ruling.kind][ruling.verdict] += 1
        for tally in record.tallies:
            self._evaluations[tally.policy.kind][tally.verdict] += 1

    def refuse(self, code: str) -> None:
        """Count a request that was refused before it became a call."""
        self._refusals[code] += 1

    def counters(self) -> Counters:
        """What was counted so far, in the meter's own values: copy or encode them before the next call ends."""
        return Counters(
            calls=dict(self._by_name),
            evaluations={kind: dict(verdicts) for kind, verdicts in self._evaluations.items()},
            errors=dict(self._errors),
            refusals=dict(self._refusals),
        )

    def _begin(self, key: tuple[Route, str | None, int]) -> CallSeries:
        route, target, status = key
        label = OTHER if target is None else self._label(target)
        status_class = f"{status}xx" if status else "none"
        name = f"{route.value} {label} {status_class}"
        series = self._by_name.get(name)
        if series is None:
            series = self._by_name[name] = CallSeries(route=route.value, target=label, status=status_class)
        self._series[key] = series
        return series

    def _label(self, target: str) -> str:
        if len(self._targets) < MAX_TARGETS:
            self._targets.add(target)
        return target if target in self._targets else OTHER
