"""When a worker that ended is started again: at once, and ever later while it keeps ending. Knows no process."""

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 10.0
FORGIVEN_AFTER_S = 30.0


class Restarts:
    """The history of one worker's place. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._started_at = 0.0
        self._failures = 0  # lives in a row that were short

    def note_start(self, now: float) -> None:
        self._started_at = now

    def plan(self, now: float) -> float:
        """After its end: seconds until it is to be started again."""
        self._failures = self._failures + 1 if now - self._started_at < FORGIVEN_AFTER_S else 1
        if self._failures == 1:
            return 0.0
        return float(min(FIRST_DELAY_S * 2 ** min(self._failures - 2, 16), MAX_DELAY_S))
