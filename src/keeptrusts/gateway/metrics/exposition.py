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
        ends = [f'le="{edge}"}} ' for edge in (*map(_number, self.bounds), "+Inf")]
        for labels, histogram in self.samples:
            inside = _inside(labels)  # most of a page is buckets: their labels are put together once
            start = f"{self.name}_bucket{{{inside}," if inside else f"{self.name}_bucket{{"
            counts = list(accumulate(histogram.buckets))
            yield "\n".join([f"{start}{end}{count}" for end, count in zip(ends, counts, strict=True)])
            yield _sample(f"{self.name}_sum", labels, histogram.sum_us / 1_000_000)
            yield _sample(f"{self.name}_count", labels, counts[-1])


def render(families: Iterable[Family | HistogramFamily]) -> Iterator[bytes]:
    """The page, family by family: a long one need not be put together in one go."""
    for family in families:
        yield "\n".join([*family.lines(), ""]).encode()


def _header(name: str, kind: str, text: str) -> tuple[str, str]:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {escaped}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, value: float) -> str:
    return f"{name}{{{_inside(labels)}}} {_number(value)}" if labels else f"{name} {_number(value)}"


def _inside(labels: Labels) -> str:
    return ",".join([f'{label}="{content.translate(_ESCAPES)}"' for label, content in labels.items()])


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
