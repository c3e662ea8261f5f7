"""One worker process as its supervisor holds it: started with sockets and one end of a channel, never outliving it."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from keeptrusts.gateway import messages
from keeptrusts.gateway.channel import Answering, Channel, open_channel


class WorkerProcess:
    """A process that was started. `channel` closes when it ends, or is about to."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self._process = process
        self.channel = channel

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Until it ended; its exit code, or minus the signal."""
        return await self._process.wait()

    def kill(self) -> None:
        """SIGKILL."""
        _kill(self._process)


@asynccontextmanager
async def open_worker_process(
    sockets: Sequence[socket.socket], answer: Answering, *, lock: int
) -> AsyncIterator[WorkerProcess]:
    """A new process with these listening sockets, for the life of the block. `answer` serves what it asks.

    It inherits `lock` as well, so that its state directory is nobody else's while it lives. Raises OSError.
    """
    ours, theirs = socket.socketpair()
    try:
        process = await _start(theirs, sockets, lock)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    try:
        async with open_channel(ours, encode=messages.encode, decode=messages.decode, answer=answer) as channel:
            try:
                yield WorkerProcess(process, channel)
            finally:
                _kill(process)  # first: a channel closes once all is read, and a process that hangs reads nothing
    finally:
        _kill(process)
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _start(channel: socket.socket, sockets: Sequence[socket.socket], lock: int) -> asyncio.subprocess.Process:
    descriptors = [channel.fileno(), *(sock.fileno() for sock in sockets)]
    # -P: where the supervisor was started must not decide which modules are imported.
    command = [sys.executable, "-P", "-m", "keeptrusts.gateway.worker", *map(str, descriptors)]
    return await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=[*descriptors, lock]
    )
