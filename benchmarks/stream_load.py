"""Opens many streams at once and keeps them open: a process of its own, so that its cost is not the gateway's.

Prints one JSON line with what came of them. Run by the stream scenarios.
"""

import argparse
import asyncio
import json
import time
from collections import Counter

import uvloop

from fakes.clients import Answer, chat, connect

OPEN_AT_ONCE = 50


async def stream_until(deadline: float, port: int, gate: asyncio.Semaphore, seen: Counter[str]) -> None:
    """One connection: a stream after the other until the deadline, at least one."""
    async with gate:
        connection = await connect(port)
    try:
        while True:
            count(await connection.ask(chat("Tell me a story.", stream=True)), seen)
            if time.monotonic() > deadline:
                return
    finally:
        connection.close()


async def leave_until(deadline: float, port: int, after_s: float, seen: Counter[str]) -> None:
    """A new connection and a new stream each time, left without a word after a while."""
    while time.monotonic() < deadline:
        connection = await connect(port)
        asyncio.get_running_loop().call_later(after_s, connection.close)
        answer = await connection.ask(chat("Tell me a story.", stream=True))
        seen["left" if answer.status == 200 and not answer.is_complete else "broken"] += 1


def count(answer: Answer, seen: Counter[str]) -> None:
    seen["streams"] += 1
    seen["reads"] += len(answer.chunks)
    seen["events"] += answer.body.count(b"data: ")
    if answer.status != 200 or not answer.ended_cleanly:
        seen["broken"] += 1


async def load(port: int, connections: int, seconds: float, leave_after_s: float | None) -> Counter[str]:
    seen: Counter[str] = Counter(streams=0, broken=0, left=0)
    gate = asyncio.Semaphore(OPEN_AT_ONCE)
    deadline = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            if leave_after_s is None:
                group.create_task(stream_until(deadline, port, gate, seen))
            else:
                group.create_task(leave_until(deadline, port, leave_after_s, seen))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--leave-after", type=float, help="leave each stream after so many seconds")
    given = parser.parse_args()
    print("RESULT " + json.dumps(uvloop.run(load(given.port, given.connections, given.seconds, given.leave_after))))


if __name__ == "__main__":
    main()
