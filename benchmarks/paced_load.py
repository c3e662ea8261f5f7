"""Calls at a fixed rate, whatever becomes of those before: what a client waits for that shares the gateway with others.

A call's time runs from the moment at which it was due. A process of its own; prints one JSON line.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

import uvloop

from fakes.clients import Connection, connect, post

CONNECTIONS = 32


class Paced:
    """A few open connections, and what came of the calls so far."""

    def __init__(self, idle: list[Connection], request: bytes) -> None:
        self.idle = idle
        self.request = request
        self.waits_ms: list[float] = []
        self.failed = 0

    async def call(self, due: float) -> None:
        """One call, on a connection that is free; when none is, it counts as failed."""
        if not self.idle:
            self.failed += 1
            return
        connection = self.idle.pop()
        answer = await connection.ask(self.request)
        self.waits_ms.append((time.monotonic() - due) * 1000)
        if answer.status != 200 or not answer.is_complete:
            self.failed += 1
        if not connection.is_lost:
            self.idle.append(connection)


async def load(port: int, request: bytes, rate: float, seconds: float) -> Paced:
    paced = Paced([await connect(port) for _ in range(CONNECTIONS)], request)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(paced.call(due))
    return paced


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--token")
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    request = post("/v1/chat/completions", given.body.read_bytes(), token=given.token)
    paced = uvloop.run(load(given.port, request, given.rate, given.seconds))
    print("RESULT " + json.dumps({"waits_ms": sorted(paced.waits_ms), "failed": paced.failed}))


if __name__ == "__main__":
    main()
