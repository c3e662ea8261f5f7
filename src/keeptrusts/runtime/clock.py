"""The time, as a dependency: nothing else reads a clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for durations."""

    def now(self) -> datetime:
        """Aware UTC."""

    def unix_ns(self) -> int:
        """Nanoseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), tz=UTC)  # noqa: TID251 - here is where it is read

    # As they are, without a function around them: each call reads them several times.
    unix_ns = staticmethod(time.time_ns)  # noqa: TID251 - here is where it is read
    monotonic = staticmethod(time.monotonic)
