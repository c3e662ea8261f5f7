"""Prometheus' text format, version 0.0.4. Knows no metric of ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, TypeAlias

from keeptrusts.gateway.metrics.counts import Histogram

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(slots=True)
class Family:
    """One metric with all its samples, each by its labels. A name that ends with `_total` is a counter's."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        self.samples.append((labels, value))

    def lines(self) -> Iterator[str]:
        yield from _header(self.name, self.kind, self.help)
        for labels, value in self.samples:
            yield _sample(self.name, labels, value)


@dataclass(slots=True)
class HistogramFamily:
    """One distribution of durations in seconds, for each set of labels. `bounds` are the buckets' upper ones."""

    name: str
    help: str
    bounds: Sequence[float]
    samples: list[tuple[Labels, Histogram]] = field(default_factory=list)

    def add(self, histogram: Histogram, **labels: str) -> None:
        self.samples.append((labels, histogram))

    def lines(self) -> Iterator[str]:
        yield from _header(self.name, "histogram", self.help)
        edges = [*(_number(bound) for bound in self.bounds), "+Inf"]
        for labels, histogram in self.samples:
            count = 0
            for edge, count in zip(edges, accumulate(histogram.buckets), strict=True):
                yield _sample(f"{self.name}_bucket", {**labels, "le": edge}, count)
            yield _sample(f"{self.name}_sum", labels, histogram.sum_us / 1_000_000)
            yield _sample(f"{self.name}_count", labels, count)


def render(families: Iterable[Family | HistogramFamily]) -> bytes:
    """The page."""
    return "".join(f"{line}\n" for family in families for line in family.lines()).encode()


def _header(name: str, kind: str, text: str) -> tuple[str, str]:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {escaped}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, value: float) -> str:
    if not labels:
        return f"{name} {_number(value)}"
    inside = ",".join(f'{label}="{content.translate(_ESCAPES)}"' for label, content in labels.items())
    return f"{name}{{{inside}}} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
