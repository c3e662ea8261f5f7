"""Counts by key on a board: how many now, and how many in a window of time. Of fixed size, whatever keys there are.

Keys are 64-bit hashes and never 0. A table is cut into sets of eight entries; a key's set follows from the key, so that
every process finds it without being told where it is.
"""

from hashlib import blake2b

from keeptrusts.runtime.board import Board

WAYS = 8
GAUGE_WORDS = 2  # key, count
WINDOW_WORDS = 4  # key, window, count, time of last use


def hash_key(*parts: str) -> int:
    """A key for these words, the same in every process."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "little") or 1


class Gauge:
    """How many there are now. Only what this process adds can be taken away by it."""

    __slots__ = ("_at", "_count", "_mine", "_others")

    def __init__(self, board: Board, *, at: int = 0) -> None:
        self._mine = board.mine
        self._others = board.others
        self._at = at
        self._count = board.mine[at]

    def add(self, change: int) -> int:
        """Count so many more or less. Gives the total."""
        count = self._count = self._count + change
        if not self._others:
            return count
        self._mine[self._at] = count
        return count + self._of_others()

    def total(self) -> int:
        """Of all processes together."""
        return self._count + self._of_others() if self._others else self._count

    def _of_others(self) -> int:
        at = self._at
        return sum([region[at] for region in self._others])


class KeyedGauge:
    """How many there are of each key now. What this process counts is exact; from others comes what had room."""

    def __init__(self, board: Board, *, at: int, sets: int) -> None:
        self._mine = board.mine
        self._others = board.others
        self._at = at
        self._sets = sets
        self._counts: dict[int, int] = {}

    @staticmethod
    def words(sets: int) -> int:
        return sets * WAYS * GAUGE_WORDS

    def add(self, key: int, change: int) -> int:
        """Count one more or less of a key. Gives the total."""
        count = self._counts.get(key, 0) + change
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]
        if not self._others:
            return count
        self._publish(key, count)
        return count + self._of_others(key)

    def total(self, key: int) -> int:
        """Of all processes together."""
        count = self._counts.get(key, 0)
        return count + self._of_others(key) if self._others else count

    def _of_others(self, key: int) -> int:
        total = 0
        for region in self._others:
            for at in self._places(key):
                if region[at] == key:
                    total += region[at + 1]
                    break
        return total

    def _publish(self, key: int, count: int) -> None:
        mine, free = self._mine, None
        for at in self._places(key):
            if mine[at] == key:
                mine[at + 1] = count
                return
            if free is None and not mine[at + 1]:
                free = at
        if free is not None:
            mine[free] = key
            mine[free + 1] = count

    def _places(self, key: int) -> range:
        start = self._at + key % self._sets * WAYS * GAUGE_WORDS
        return range(start, start + WAYS * GAUGE_WORDS, GAUGE_WORDS)


class WindowCounter:
    """How many of each key in one window of time. Where a set is full, the entry that was used least lately goes."""

    def __init__(self, board: Board, *, at: int, sets: int) -> None:
        self._mine = board.mine
        self._regions = (board.mine, *board.others)
        self._at = at
        self._sets = sets

    @staticmethod
    def words(sets: int) -> int:
        return sets * WAYS * WINDOW_WORDS

    def total(self, key: int, window: int) -> int:
        """In this window, of all processes together."""
        total = 0
        for region in self._regions:
            for at in self._places(key):
                if region[at] == key:
                    if region[at + 1] == window:
                        total += region[at + 2]
                    break
        return total

    def add(self, key: int, window: int, count: int, now_ns: int) -> None:
        """Count so many more in this window; an older window of the key is forgotten."""
        mine = self._mine
        oldest = -1
        for at in self._places(key):
            if mine[at] == key:
                break
            if oldest < 0 or mine[at + 3] < mine[oldest + 3]:
                oldest = at
        else:
            at = oldest
            mine[at + 2] = 0  # first: nobody must read the old count under the new key
            mine[at] = key
        if mine[at + 1] != window:
            mine[at + 2] = 0
            mine[at + 1] = window
        mine[at + 2] += count
        mine[at + 3] = now_ns

    def correct(self, key: int, window: int, change: int) -> None:
        """Change what this process counted in a window, unless it is over and forgotten. Never below 0."""
        mine = self._mine
        for at in self._places(key):
            if mine[at] == key:
                if mine[at + 1] == window:
                    mine[at + 2] = max(0, mine[at + 2] + change)
                return

    def _places(self, key: int) -> range:
        start = self._at + key % self._sets * WAYS * WINDOW_WORDS
        return range(start, start + WAYS * WINDOW_WORDS, WINDOW_WORDS)
