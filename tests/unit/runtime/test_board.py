"""Memory that the processes of an instance share."""

import subprocess
import sys

import pytest

from keeptrusts.runtime.board import make_board, open_board

WORDS = 64


def test_a_process_alone_has_a_region_of_its_own():
    board = make_board(WORDS)
    board.mine[63] = 2**64 - 1
    assert (len(board.mine), board.mine[0], board.mine[63], board.others) == (WORDS, 0, 2**64 - 1, ())


def test_each_region_is_written_by_one_and_read_by_all(tmp_path):
    path = tmp_path / "board"
    with (
        open_board(path, index=0, processes=3, words=WORDS) as one,
        open_board(path, index=2, processes=3, words=WORDS) as two,
    ):
        one.mine[5], two.mine[5] = 11, 22
        assert [region[5] for region in one.others] == [0, 22]
        assert [region[5] for region in two.others] == [11, 0]


def test_nobody_else_may_read_the_file(tmp_path):
    with open_board(tmp_path / "board", index=0, processes=2, words=WORDS):
        assert (tmp_path / "board").stat().st_mode & 0o777 == 0o600


def test_after_the_block_the_memory_is_gone(tmp_path):
    with open_board(tmp_path / "board", index=0, processes=2, words=WORDS) as board:
        pass
    with pytest.raises(ValueError, match="released"):
        board.mine[0]


PROGRAM = """
import sys
from pathlib import Path
from keeptrusts.runtime.board import open_board
from keeptrusts.runtime.counters import Gauge, WindowCounter
index, processes, rounds = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
with open_board(Path(sys.argv[1]), index=index, processes=processes, words=1024) as board:
    gauge, counter = Gauge(board), WindowCounter(board, at=16, sets=4)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(rounds):
        gauge.add(1)
        counter.add(7, 1, 1, number)
        assert gauge.total() >= number + 1
"""


def test_processes_that_count_at_once_lose_nothing(tmp_path):
    path, processes, rounds = tmp_path / "board", 3, 5000
    arguments = [(str(path), str(index), str(processes), str(rounds)) for index in range(processes)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *one], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for one in arguments
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.communicate("go\n", timeout=30)
    assert [process.returncode for process in running] == [0] * processes
    with open_board(path, index=0, processes=processes, words=1024) as board:
        assert sum(region[0] for region in (board.mine, *board.others)) == processes * rounds
