"""A process's own directory: private, and used by one process at a time. Where its root lies, settings say."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from keeptrusts.runtime.clock import Clock

LOCK_NAME = "lock"
_DIRECTORY_NAME = re.compile(r"[a-z0-9-]{1,64}")


class StateDirError(Exception):
    """The directory cannot be used. The message says why, and what to do."""


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Who uses a state directory."""

    pid: int
    host: str
    since: datetime


class StateDir(NamedTuple):
    """A directory, and the descriptor that holds its lock: a child that inherits that holds the lock as well."""

    path: Path
    lock: int


@contextmanager
def open_state_dir(root: Path, name: str, clock: Clock) -> Iterator[StateDir]:
    """Make the directory `name` below `root`, and hold its lock for the life of the block.

    Nobody else can read it (mode 0700). The lock is the kernel's: it ends with the process, however that ends, and
    with those children that were given its descriptor. Raises StateDirError.
    """
    if not _DIRECTORY_NAME.fullmatch(name):
        raise ValueError(f"not the name of a state directory: {name!r}")
    directory = root / name
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateDirError(
            f"cannot use {directory} for state ({error.strerror}): name a directory that this user may write, "
            "with --state-dir or KEEPTRUSTS_STATE_DIR"
        ) from error
    try:
        _take(lock, directory, clock)
        yield StateDir(directory, lock)
    finally:
        os.close(lock)


def find_holder(directory: Path) -> LockHolder | None:
    """Who holds the lock, or held it last; None where nobody ever did, or the file cannot be read."""
    try:
        return msgspec.json.decode((directory / LOCK_NAME).read_bytes(), type=LockHolder)
    except (OSError, msgspec.MsgspecError):
        return None


def _take(lock: int, directory: Path, clock: Clock) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StateDirError(_describe_holder(directory)) from None
    except OSError as error:
        raise StateDirError(f"cannot lock {directory} ({error.strerror}): choose a local disk for state") from error
    holder = LockHolder(pid=os.getpid(), host=os.uname().nodename, since=clock.now())
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, msgspec.json.encode(holder), 0)
    except OSError as error:
        raise StateDirError(f"cannot write to {directory} ({error.strerror}): make room on its disk") from error


def _describe_holder(directory: Path) -> str:
    holder = find_holder(directory)
    who = (
        f"process {holder.pid} on {holder.host}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC" if holder else "a process"
    )
    return f"{directory} is in use by {who}: stop it, or choose another --listen port or --state-dir"
