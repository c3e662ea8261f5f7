"""The last pack that was served, on disk: what the gateway starts from when the file at hand is broken.

A pack names secrets and holds none, so it lies there as it was written; the directory is the process's own (0700).
It stands in for the file that it came from and for no other: two packs may take turns on one port.
"""

import contextlib
import hashlib
import os
from pathlib import Path

from keeptrusts.gateway.snapshot import digest_of


class LastGood:
    """One file, named by where it came from and by the digest of its content: a torn or changed one is never loaded.

    `origin` is the pack's path. It counts as it is given, made absolute: what a link leads to may change at any time.
    """

    def __init__(self, directory: Path, origin: Path) -> None:
        self._directory = directory
        self._origin = hashlib.sha256(os.fsencode(origin.absolute())).hexdigest()[:16]

    def keep(self, content: bytes) -> None:
        """Write, flush, rename; then remove what was kept before. Raises OSError."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._directory / self._file_name(content)
        if _read(path) != content:
            draft = path.with_suffix(".new")
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
            _flush_directory(self._directory)
        for other in (*self._directory.glob("*.yaml"), *self._directory.glob("*.new")):
            if other != path:
                other.unlink(missing_ok=True)

    def find(self) -> bytes | None:
        """The pack of this origin, if it is whole; of two, which only a crash leaves, the newer one."""
        whole = [path for path in self._directory.glob("*.yaml") if path.name == self._file_name(_read(path) or b"")]
        newest = max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)
        return None if newest is None else _read(newest)

    def _file_name(self, content: bytes) -> str:
        return f"{self._origin}-{digest_of(content).removeprefix('sha256:')}.yaml"


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return None


def _flush_directory(directory: Path) -> None:
    """Make the new name last through a power loss."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
