"""What an instance counts, and where on the board of its workers each count stands. Knows no limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keeptrusts.runtime.board import Board, make_board, open_board
from keeptrusts.runtime.counters import Gauge, KeyedGauge, WindowCounter

_GAUGES = 16  # words, most of them to spare
_KEY_SETS = 256
_COMMON_SETS = 128
_USER_SETS = 16_384  # 131,072 users

_KEYS_AT = _GAUGES
_COMMON_AT = _KEYS_AT + KeyedGauge.words(_KEY_SETS)
_USERS_AT = _COMMON_AT + WindowCounter.words(_COMMON_SETS)
WORDS = _USERS_AT + WindowCounter.words(_USER_SETS)
FILE = "board"


class Counts:
    """Counts of one worker, and their sums over all. What a worker that died had in flight counts no more."""

    def __init__(self, board: Board) -> None:
        forget_in_flight(board.mine)  # of the worker before this one
        self.in_flight = Gauge(board, at=0)
        self.held_bytes = Gauge(board, at=1)
        self.connections = Gauge(board, at=2)
        self.admin_connections = Gauge(board, at=3)  # apart: a flood of calls must not keep operators out
        self.per_key = KeyedGauge(board, at=_KEYS_AT, sets=_KEY_SETS)
        self.common = WindowCounter(board, at=_COMMON_AT, sets=_COMMON_SETS)
        self.per_user = WindowCounter(board, at=_USERS_AT, sets=_USER_SETS)


@contextmanager
def open_counts(directory: Path, *, index: int, workers: int) -> Iterator[Counts]:
    """The counts of one of the workers of an instance. Raises OSError."""
    if workers == 1:
        yield Counts(make_board(WORDS))
        return
    with open_board(directory / FILE, index=index, processes=workers, words=WORDS) as board:
        yield Counts(board)


def clear_worker(directory: Path, *, index: int, workers: int) -> None:
    """A worker has died: what it had in flight is gone; what it counted in windows stays counted. Raises OSError."""
    with open_board(directory / FILE, index=index, processes=workers, words=WORDS) as board:
        forget_in_flight(board.mine)


def forget_in_flight(region: memoryview) -> None:
    """Empty the gauges of a region, those per key too."""
    region[:_COMMON_AT] = memoryview(bytes(_COMMON_AT * region.itemsize)).cast("Q")
