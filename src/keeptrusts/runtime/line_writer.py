"""Lines to a pipe or terminal, from their own thread: a slow or closed reader costs lines, never time."""

import fcntl
import os
from collections import deque
from threading import Event, Thread

MAX_WAITING_LINES = 10_000
_BATCH_LINES = 256
_CLOSE_WAIT_S = 2.0


class LineWriter:
    """Writes to one descriptor, which stays the caller's. `dropped` counts lines that found no room or no reader.

    `turns` is a file, open for writing, that processes with the same reader lock in turn: a pipe tears long lines.
    """

    def __init__(self, descriptor: int, turns: int | None = None) -> None:
        self.dropped = 0
        self._turns = turns
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._has_work = Event()
        self._is_closing = False
        self._is_broken = False
        # A daemon: a reader that stopped reading must not keep the process from ending.
        self._thread = Thread(target=self._run, name="line-writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Hand over one line, without its end. Never waits."""
        if self._is_broken or len(self._waiting) >= MAX_WAITING_LINES:
            self.dropped += 1
            return
        self._waiting.append(line)
        if not self._has_work.is_set():
            self._has_work.set()

    def close(self) -> None:
        """Wait a moment for what is still queued, then leave it."""
        self._is_closing = True
        self._has_work.set()
        self._thread.join(_CLOSE_WAIT_S)

    def _run(self) -> None:
        while not (self._is_closing and not self._waiting):
            self._has_work.wait()
            self._has_work.clear()
            while self._waiting and not self._is_broken:
                self._write_batch()
            if self._is_broken:
                return

    def _write_batch(self) -> None:
        lines = [self._waiting.popleft() for _ in range(min(_BATCH_LINES, len(self._waiting)))]
        rest = memoryview(b"\n".join(lines) + b"\n")
        try:
            if self._turns is None:
                self._write(rest)
                return
            fcntl.lockf(self._turns, fcntl.LOCK_EX)
            try:
                self._write(rest)
            finally:
                fcntl.lockf(self._turns, fcntl.LOCK_UN)
        except OSError:
            self._is_broken = True
            self.dropped += len(lines) + len(self._waiting)
            self._waiting.clear()

    def _write(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
