"""Scenarios over the life of a process: start to ready, idle memory, and memory over many calls."""

import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from contestants import (
    GATEWAY,
    GATEWAY_PII,
    gateway_command,
    open_contestant,
    open_instant_upstream,
    open_streaming_upstream,
    write_pack,
)
from figures import Budget, Figure
from load import Load, Shape, apply_load, chat_body
from processes import LOAD_CORE, TESTED_CORE, Running, child_environment, free_port, pinned, python, running, wait_ready
from throughput import FINDING, FailedCalls

SOAK_WARM_UP_S = 8
SOAK_S = 40


def measure_start(budget: Budget, folder: Path) -> list[Figure]:
    """From the spawn of `python -m keeptrusts gateway run` to the first 200 of /readyz; then its memory, idle."""
    seconds, idle = [], []
    pack = write_pack("pii", 9, folder)
    for turn in range(budget.rounds + 2):
        port, state = free_port(), folder / "start"
        state.mkdir(exist_ok=True)
        command = gateway_command(port, pack, state)
        log = folder / f"start-{turn}.log"
        environment = {"BENCH_PROVIDER_KEY": "sk-benchmark"}
        with running(command, core=TESTED_CORE, port=port, log=log, environment=environment) as process:
            seconds.append(wait_ready(process, "/readyz"))
            time.sleep(0.5)
            idle.append(process.memory_bytes() / 1e6)
    return [
        Figure(name="start.ready", unit="s", samples=tuple(seconds), bar=1.0, aim=0.7),
        Figure(name="start.idle_memory", unit="MB", samples=tuple(idle), bar=90, aim=65),
    ]


@dataclass(slots=True)
class Growth:
    """Memory against calls answered, sampled while the load runs."""

    calls: list[float]
    bytes: list[float]

    def slope(self) -> float:
        """Bytes per call, by least squares."""
        return linear_regression(self.calls, self.bytes).slope


def measure_soak(budget: Budget, folder: Path) -> list[Figure]:
    """Memory per call under mixed calls (clean, redacted, unreadable, unknown path), then per stream left halfway."""
    seconds = 8 if budget.quick else SOAK_S
    with open_instant_upstream(folder) as upstream, open_contestant(GATEWAY_PII, upstream, folder) as tested:
        growth, calls = _soak_calls(tested, folder, seconds)
    note = f"{calls} calls, {growth.bytes[0] / 1e6:.1f} to {growth.bytes[-1] / 1e6:.1f} MB"
    figures = [Figure(name="soak.calls.growth", unit="bytes/call", samples=(growth.slope(),), bar=4, aim=1, note=note)]
    with (
        open_streaming_upstream(folder, chunks=1000, every_s=0.02) as upstream,
        open_contestant(GATEWAY, upstream, folder) as tested,
    ):
        before, after, left = _soak_leavers(tested, seconds / 4)
    note = f"{left} streams left halfway, {before / 1e6:.0f} to {after / 1e6:.0f} MB"
    growth_bytes = (after - before) / left
    figures.append(Figure(name="soak.leavers.growth", unit="bytes/stream", samples=(growth_bytes,), bar=400, note=note))
    return figures


def _soak_calls(tested: Running, folder: Path, seconds: int) -> tuple[Growth, int]:
    clean, finding = folder / "soak-clean.json", folder / "soak-finding.json"
    clean.write_bytes(chat_body())
    finding.write_bytes(chat_body(FINDING))
    variables = {"MIXED": "1", "FINDING_FILE": str(finding)}
    apply_load(tested, Shape(body=clean, seconds=SOAK_WARM_UP_S, variables=variables))
    loads: list[Load] = []
    shape = Shape(body=clean, seconds=seconds, variables=variables)
    worker = threading.Thread(target=lambda: loads.append(apply_load(tested, shape)))
    worker.start()
    samples: list[tuple[float, float]] = []
    began = time.monotonic()
    while worker.is_alive():
        samples.append((time.monotonic() - began, tested.memory_bytes()))
        worker.join(0.5)
    if not loads or loads[0].socket_errors:
        raise FailedCalls(f"connections broke during the soak: {loads}")
    rate = loads[0].rate
    return Growth([at * rate for at, _ in samples], [size for _, size in samples]), loads[0].requests


def _soak_leavers(tested: Running, seconds: float) -> tuple[int, int, int]:
    """Memory before and after, and how many streams were left in between; as many again went before."""
    _leave_streams(tested.port, seconds)
    before = tested.memory_bytes()
    left = _leave_streams(tested.port, seconds)
    time.sleep(0.5)
    return before, tested.memory_bytes(), left


def _leave_streams(port: int, seconds: float) -> int:
    script = str(Path(__file__).with_name("stream_load.py"))
    command = python(
        script, "--port", str(port), "--connections", "100", "--seconds", str(seconds), "--leave-after", "0.2"
    )
    done = subprocess.run(
        pinned(LOAD_CORE, command), capture_output=True, text=True, check=True, env=child_environment(), timeout=60
    )
    return int(done.stdout.rpartition('"left": ')[2].split("}")[0].split(",")[0])
