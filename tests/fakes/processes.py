"""A gateway and a provider as processes of their own, for tests that kill, signal and load them."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.clients import connect, get

READY_S = 20.0
TESTS = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Process:
    """A started process that listens on 127.0.0.1. `log` is where its output goes."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return await self.process.wait()

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@asynccontextmanager
async def open_gateway(pack: Path, state: Path, port: int, *flags: str) -> AsyncIterator[Process]:
    """`kt gateway run` on a port, ready to serve. Ended with the block, if it was not before."""
    command = ["-m", "keeptrusts", "gateway", "run", "--listen", f"127.0.0.1:{port}"]
    options = ["--policy-config", str(pack), "--state-dir", str(state)]
    async with _open([*command, *options, *flags], port, state.with_suffix(".log"), "/readyz") as process:
        yield process


@asynccontextmanager
async def open_upstream_process(folder: Path, *options: str) -> AsyncIterator[Process]:
    """fakes/upstream.py with these options."""
    port = free_port()
    command = [str(TESTS / "fakes" / "upstream.py"), "--port", str(port), *options]
    async with _open(command, port, folder / "upstream.log", "/_calls") as process:
        yield process


@asynccontextmanager
async def _open(arguments: list[str], port: int, log: Path, ready_path: str) -> AsyncIterator[Process]:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(),
        )
    started = Process(process, port, log)
    try:
        await _wait_ready(started, ready_path)
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _wait_ready(started: Process, path: str) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            assert started.process.returncode is None, started.tail()
            try:
                connection = await connect(started.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            answer = await connection.ask(get(path))
            connection.close()
            if answer.status == 200:
                return
            await asyncio.sleep(0.01)


def _environment() -> dict[str, str]:
    """Ours without proxies and product settings, so that a developer's shell changes no test."""
    kept = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - a test's own process, not the product
        if not name.startswith("KEEPTRUSTS_") and not name.lower().endswith("_proxy")
    }
    return kept | {"TEST_PROVIDER_KEY": "sk-test", "PYTHONPATH": str(TESTS)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
