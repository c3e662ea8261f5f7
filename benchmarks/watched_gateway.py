"""The gateway, with a note of how long its event loop was held: CPU time of the process between two ticks of a timer.

CPU time and not the clock's, so that it says the same where other processes want the core too. Takes the arguments of
`kt`. Appends a line to the file that HOLDS_FILE names for each hold over HOLD_MS: its milliseconds.
"""

import asyncio
import os
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from keeptrusts.cli.main import main
from keeptrusts.gateway import main as gateway

TICK_S = 0.001
HOLD_MS = 2.0


async def watch(file: Path) -> None:
    with file.open("a", buffering=1) as holds:
        while True:
            before = time.process_time()
            await asyncio.sleep(TICK_S)
            held_ms = (time.process_time() - before) * 1000
            if held_ms > HOLD_MS:
                holds.write(f"{held_ms:.3f}\n")


def watched(run: Any) -> Any:
    async def run_watched(opening: AbstractAsyncContextManager[Any], settings: Any) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(Path(os.environ["HOLDS_FILE"])))  # noqa: TID251 - no product code
            await run(opening, settings)
            watching.cancel()

    return run_watched


if __name__ == "__main__":
    gateway._run = watched(gateway._run)  # noqa: SLF001 - the one place around all that the loop does
    main()
