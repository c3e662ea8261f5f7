"""Processes pinned to a core, and what the kernel says of them: CPU time in nanoseconds, resident memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[1]
TESTED_CORE = 0
LOAD_CORE = 1
"""What is measured has one core to itself; clients and upstreams share the other."""


class NotReady(RuntimeError):
    """A process ended, or did not answer in time. The message carries the end of what it printed."""


class Tested(Protocol):
    """What load is applied to. `headers` are lines that calls to it need."""

    @property
    def port(self) -> int: ...

    @property
    def headers(self) -> tuple[str, ...]: ...

    def cpu_ns(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Running:
    """A started process. `log` is where its output goes, `headers` are lines that calls to it need."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    started: float
    headers: tuple[str, ...] = ()

    def cpu_ns(self) -> int:
        """Time on a core so far, all threads, exact to the scheduler's nanosecond."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def memory_bytes(self, field: str = "VmRSS") -> int:
        """`VmRSS` is resident now, `VmHWM` the most there ever was."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
        raise NotReady(f"no {field} for process {self.process.pid}: has it ended?\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


def pinned(core: int, command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command]


def child_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Ours without proxies and product settings, so that a developer's shell changes no figure.

    A PYTHONPATH is kept: with it another checkout's `src` is measured instead of the installed package.
    """
    kept = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - a script of its own, not the product
        if not name.startswith("KEEPTRUSTS_") and not name.lower().endswith("_proxy")
    }
    path = [str(ROOT / "tests"), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path)} | (extra or {})


@contextmanager
def running(
    command: Sequence[str],
    *,
    core: int,
    port: int,
    log: Path,
    environment: dict[str, str] | None = None,
    headers: tuple[str, ...] = (),
) -> Iterator[Running]:
    """Start a process and end it with the block: SIGTERM, after five seconds SIGKILL."""
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            pinned(core, command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment(environment),
        )
    try:
        yield Running(process, port, log, started, headers)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(process: Running, path: str, *, timeout_s: float = 15.0, every_s: float = 0.002) -> float:
    """Ask `path` until it answers 200; seconds since the process was started. Raises NotReady."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.process.poll() is not None:
            raise NotReady(f"exit {process.process.returncode} before being ready:\n{process.tail()}")
        if _answers(process.port, path):
            return time.monotonic() - process.started
        time.sleep(every_s)
    raise NotReady(f"port {process.port} did not answer 200 on {path} within {timeout_s} s:\n{process.tail()}")


def ask(port: int, request: bytes, timeout_s: float = 5.0) -> bytes:
    """One small raw call on a connection of its own; all that came back in one read."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def _answers(port: int, path: str) -> bool:
    try:
        return ask(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
