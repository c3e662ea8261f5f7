"""Scenarios with server-sent events: CPU per relayed chunk, and memory under many open streams."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contestants import GATEWAY, GATEWAY_PII, NGINX, Contestant, open_contestant, open_streaming_upstream
from figures import Budget, Figure, ratios
from processes import LOAD_CORE, Running, ask, child_environment, pinned, python
from throughput import FailedCalls

CONNECTIONS = 200
EVERY_S = 0.02
CHUNKS = 250
OPEN_STREAMS = 2000
SETTLING_S = 1.5
CALLS = b"GET /_calls HTTP/1.1\r\nHost: localhost\r\n\r\n"
RELEASE = b"POST /_release HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


def measure_chunk_cost(budget: Budget, folder: Path) -> list[Figure]:
    """200 streams with a chunk of 6 to 13 characters every 20 ms: 10,000 chunks/s, each in a read of its own."""
    found: dict[str, list[tuple[float, float]]] = {one.name: [] for one in (NGINX, GATEWAY, GATEWAY_PII)}
    with open_streaming_upstream(folder, chunks=CHUNKS, every_s=EVERY_S) as upstream:
        for _ in range(max(1, budget.rounds - 3)):
            for contestant in (NGINX, GATEWAY, GATEWAY_PII):
                with open_contestant(contestant, upstream, folder, buffering=False) as tested:
                    found[contestant.name].append(_chunk_cost(tested, upstream, budget.round_s + 1))
    limits = {GATEWAY.name: (20, 12), GATEWAY_PII.name: (30, 20)}
    figures = []
    for name, rounds in found.items():
        bar, aim = limits.get(name, (None, None))
        note = f"at {sum(rate for _, rate in rounds) / len(rounds):.0f} chunks/s"
        samples = tuple(cost for cost, _ in rounds)
        figures.append(Figure(name=f"chunk.{name}", unit="us CPU", samples=samples, bar=bar, aim=aim, note=note))
    nginx = [cost for cost, _ in found[NGINX.name]]
    for name in limits:
        samples = ratios([cost for cost, _ in found[name]], nginx)
        figures.append(Figure(name=f"chunk.{name}.vs_nginx", unit="ratio", samples=samples))
    return figures


def _chunk_cost(tested: Running, upstream: int, window_s: float) -> tuple[float, float]:
    """CPU microseconds per chunk that the upstream sent, and chunks per second, in a window of steady streaming."""
    with _stream_load(tested.port, CONNECTIONS, seconds=SETTLING_S + window_s) as load:
        time.sleep(SETTLING_S)
        cpu, chunks, began = tested.cpu_ns(), _count(upstream)["chunks"], time.monotonic()
        time.sleep(window_s)
        cpu = tested.cpu_ns() - cpu
        chunks = _count(upstream)["chunks"] - chunks
        elapsed = time.monotonic() - began
        _check(load)
    return cpu / 1000 / chunks, chunks / elapsed


def measure_open_streams(budget: Budget, folder: Path) -> list[Figure]:
    """2,000 streams on one worker: first silent, then each with 20 chunks, 0.2 s apart."""
    del budget
    figures = []
    with open_streaming_upstream(folder, chunks=20, every_s=0.2, held=True) as upstream:
        for contestant in (NGINX, GATEWAY, GATEWAY_PII):
            with open_contestant(contestant, upstream, folder, buffering=False) as tested:
                figures += _memory(contestant, tested, upstream)
    return figures


def _memory(contestant: Contestant, tested: Running, upstream: int) -> list[Figure]:
    idle = tested.memory_bytes()
    with _stream_load(tested.port, OPEN_STREAMS, seconds=0) as load:
        _wait_held(upstream, OPEN_STREAMS)
        silent = tested.memory_bytes()
        ask(upstream, RELEASE)
        _check(load)
    peak = tested.memory_bytes("VmHWM")
    bar, aim = (None, None) if contestant.pack is None else (150, 100)
    note = f"idle {idle / 1e6:.0f} MB, all silent {silent / 1e6:.0f} MB"
    name = f"open_streams.{contestant.name}.memory"
    return [Figure(name=name, unit="MB", samples=(peak / 1e6,), bar=bar, aim=aim, note=note)]


@contextmanager
def _stream_load(port: int, connections: int, *, seconds: float) -> Iterator[subprocess.Popen[str]]:
    script = str(Path(__file__).with_name("stream_load.py"))
    command = python(script, "--port", str(port), "--connections", str(connections), "--seconds", str(seconds))
    with subprocess.Popen(
        pinned(LOAD_CORE, command), stdout=subprocess.PIPE, text=True, env=child_environment()
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _check(load: subprocess.Popen[str]) -> None:
    """Wait for the end of all streams. Raises FailedCalls unless every one ended as it should."""
    output, _ = load.communicate(timeout=60)
    seen = json.loads(output.rpartition("RESULT ")[2])
    if seen["broken"] or not seen["streams"]:
        raise FailedCalls(f"{seen['broken']} of {seen['streams']} streams broke")


def _wait_held(upstream: int, wanted: int) -> None:
    deadline = time.monotonic() + 20
    while (held := _count(upstream)["held"]) < wanted:
        if time.monotonic() > deadline:
            raise FailedCalls(f"only {held} of {wanted} streams were open after 20 s")
        time.sleep(0.1)


def _count(upstream: int) -> dict[str, int]:
    found: dict[str, int] = json.loads(ask(upstream, CALLS).partition(b"\r\n\r\n")[2])
    return found
