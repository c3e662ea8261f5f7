"""A bound for log lines that anybody can cause: so many a second, and a count of the others with the next one."""

from keeptrusts.runtime.clock import Clock


class LogRate:
    """Counts one kind of line, in windows of a second. Owned by the event loop."""

    def __init__(self, clock: Clock, per_second: int = 10) -> None:
        self._clock = clock
        self._per_second = per_second
        self._began = clock.monotonic()
        self._written = 0
        self._suppressed = 0

    def admit(self) -> int | None:
        """How many lines were left out since the last one, if this one may be written; else None, and it is counted."""
        now = self._clock.monotonic()
        if now - self._began >= 1:
            self._began, self._written = now, 0
        if self._written >= self._per_second:
            self._suppressed += 1
            return None
        self._written += 1
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
