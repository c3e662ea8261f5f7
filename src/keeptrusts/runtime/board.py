"""Memory that the processes of an instance share: a region for each, which it alone writes and all read.

So sums over the regions need no lock and no message; a sum may miss what another process is writing at that instant.
Words are unsigned 64-bit integers, aligned, each written in one store. Does not know what the words mean.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

WORD = 8


@dataclass(frozen=True, slots=True)
class Board:
    """The memory as one process sees it: its own region and those of the others, none where it is alone."""

    mine: memoryview
    others: tuple[memoryview, ...] = ()


def make_board(words: int) -> Board:
    """A board for one process: plain memory, which takes no space before it is written."""
    return Board(memoryview(mmap(-1, words * WORD)).cast("Q"))


@contextmanager
def open_board(path: Path, *, index: int, processes: int, words: int) -> Iterator[Board]:
    """The board as process `index` sees it, for the length of the block. Raises OSError.

    Whoever comes first makes the file. What an earlier run left in it stands until somebody overwrites it.
    """
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        file.truncate(processes * words * WORD)
        memory = mmap(file.fileno(), processes * words * WORD)
    view = memoryview(memory).cast("Q")
    regions = [view[start : start + words] for start in range(0, processes * words, words)]
    mine = regions[index]
    try:
        yield Board(mine, tuple(region for region in regions if region is not mine))
    finally:
        for region in regions:
            region.release()
        view.release()
        memory.close()
