"""What a scenario finds: figures with their samples, and the bars that they are held to."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from peers import Peer

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of one run: the median of `samples`. `bar` must be held, `aim` is where we want to be."""

    name: str
    unit: str
    samples: tuple[float, ...]
    better: Better = "lower"
    bar: float | None = None
    aim: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """How far apart the samples are, as a share of their median."""
        return (max(self.samples) - min(self.samples)) / self.value if self.value else 0.0

    @property
    def verdict(self) -> str:
        if self.bar is None:
            return ""
        if self._holds(self.aim):
            return "aim"
        return "holds" if self._holds(self.bar) else "MISSED"

    def _holds(self, limit: float | None) -> bool:
        if limit is None:
            return False
        return self.value >= limit if self.better == "higher" else self.value <= limit

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"value": self.value, "spread": self.spread, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how often to measure, and beside whom. `quick` shows that everything runs; its figures are rough."""

    rounds: int = 5
    round_s: int = 3
    quick: bool = False
    peers: tuple[Peer, ...] = ()


def ratios(samples: Sequence[float], reference: Sequence[float]) -> tuple[float, ...]:
    """Pairs of the same round, so that a machine that slows down slows down both."""
    return tuple(one / other for one, other in zip(samples, reference, strict=True))
