import os
import subprocess
import sys
import time

import pytest

from keeptrusts.runtime.line_writer import MAX_WAITING_LINES, LineWriter


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for end in ends:
        if end is not None:
            os.close(end)


def read_lines(descriptor, count):
    text = b""
    while text.count(b"\n") < count:
        text += os.read(descriptor, 65536)
    return text.splitlines()


def test_lines_arrive_whole_and_in_order(pipe):
    writer = LineWriter(pipe[1])
    for n in range(1000):
        writer.put(b"line %d" % n)
    assert read_lines(pipe[0], 1000) == [b"line %d" % n for n in range(1000)]
    writer.close()
    assert writer.dropped == 0


def test_closing_writes_what_is_waiting(pipe):
    writer = LineWriter(pipe[1])
    writer.put(b"last words")
    writer.close()
    assert os.read(pipe[0], 100) == b"last words\n"


def test_a_reader_that_stands_still_costs_lines_and_no_time(pipe):
    writer = LineWriter(pipe[1])
    began = time.perf_counter()
    for _ in range(MAX_WAITING_LINES + 2000):
        writer.put(b"x" * 1000)
    assert time.perf_counter() - began < 5
    assert writer.dropped > 0
    assert os.read(pipe[0], 100) == b"x" * 100


def test_a_reader_that_left_costs_lines_and_nothing_else(pipe):
    os.close(pipe[0])
    pipe[0] = None
    writer = LineWriter(pipe[1])
    for _ in range(10):
        writer.put(b"nobody reads this")
    writer.close()
    writer.put(b"nor this")
    assert writer.dropped == 11


def test_a_line_is_taken_after_a_pause(pipe):
    writer = LineWriter(pipe[1])
    for text in (b"one", b"two"):
        writer.put(text)
        assert read_lines(pipe[0], 1) == [text]
    writer.close()


def test_processes_with_one_reader_write_in_turn(pipe, tmp_path):
    turns = os.open(tmp_path / "turns", os.O_RDWR | os.O_CREAT)
    long = 100_000
    child = f"""
import os
from keeptrusts.runtime.line_writer import LineWriter
writer = LineWriter({pipe[1]}, os.open({str(tmp_path / "turns")!r}, os.O_RDWR))
for _ in range(20):
    writer.put(b"c" * {long})
writer.close()
"""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, "-c", child], env=paths, pass_fds=[pipe[1]])
    writer = LineWriter(pipe[1], turns)
    for _ in range(20):
        writer.put(b"p" * long)
    lines = read_lines(pipe[0], 40)
    writer.close()
    process.wait(timeout=10)
    os.close(turns)
    assert sorted(lines) == [b"c" * long] * 20 + [b"p" * long] * 20
