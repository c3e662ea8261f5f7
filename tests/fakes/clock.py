"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta

START_NS = 1_795_442_400_123_456_789  # 2026-11-23T14:00:00.123456Z


class FakeClock:
    """Satisfies runtime.clock.Clock."""

    def __init__(self, unix_ns: int = START_NS) -> None:
        self._unix_ns = unix_ns
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._unix_ns // 1000)

    def unix_ns(self) -> int:
        return self._unix_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._unix_ns += int(seconds * 1_000_000_000)
        self._monotonic += seconds
