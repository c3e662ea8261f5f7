"""The bytes of request bodies that may be held at once: by one server, or by all that share the same gauge."""

from dataclasses import dataclass

from keeptrusts.runtime.counters import Gauge


@dataclass(frozen=True, slots=True)
class EdgeGauges:
    """What servers count together that share their limits."""

    held_bytes: Gauge
    connections: Gauge


class Budget:
    """Bytes are taken before they are read, and given back once, when the request is over.

    One holder gets at most half, so that whoever sends large bodies slowly does not shut everybody else out.
    """

    __slots__ = ("_gauge", "_shares", "limit")

    def __init__(self, limit: int, gauge: Gauge) -> None:
        self.limit = limit
        self._gauge = gauge
        self._shares: dict[str, int] = {}

    @property
    def held(self) -> int:
        """By all that share the budget."""
        return self._gauge.total()

    def take(self, size: int, holder: str | None = None) -> bool:
        """Whether so many bytes more may be held, in this name; then they are."""
        if size > self.limit - self._gauge.total():
            return False
        if holder is not None:
            share = self._shares.get(holder, 0) + size
            if share > self.limit // 2:
                return False
            self._shares[holder] = share
        self._gauge.add(size)
        return True

    def give_back(self, size: int, holder: str | None = None) -> None:
        """What was taken in this name, or a part of it."""
        self._gauge.add(-size)
        if holder is not None and size:
            self._shares[holder] -= size
            if not self._shares[holder]:
                del self._shares[holder]
