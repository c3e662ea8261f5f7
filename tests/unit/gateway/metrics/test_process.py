"""What the operating system knows of this process."""

import sys

import pytest

from keeptrusts.gateway.metrics import process


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_process_takes_memory_files_and_time():
    assert process.memory_bytes() > 1_000_000
    assert process.open_files() >= 3
    assert process.cpu_us() > 0


def test_where_the_system_does_not_tell_figures_are_zero(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "_STATM", tmp_path / "none")
    monkeypatch.setattr(process, "_FILES", tmp_path / "none")
    assert (process.memory_bytes(), process.open_files()) == (0, 0)
