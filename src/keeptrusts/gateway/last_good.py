"""The last pack that was served, on disk: what the gateway starts from when the file at hand is broken.

A pack names secrets and holds none, so it lies there as it was written; the directory is the process's own (0700).
"""

import contextlib
import os
from pathlib import Path

from keeptrusts.gateway.snapshot import digest_of


class LastGood:
    """One file, named by the digest of its content: a torn or changed one is never loaded."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, content: bytes) -> None:
        """Write, flush, rename; then remove what was kept before. Raises OSError."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._directory / _file_name(content)
        if path.exists():
            return
        draft = path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        for other in self._directory.glob("*.yaml"):
            if other != path:
                other.unlink(missing_ok=True)

    def find(self) -> bytes | None:
        """The pack that was kept, if it is whole."""
        with contextlib.suppress(OSError):
            for path in sorted(self._directory.glob("*.yaml")):
                content = path.read_bytes()
                if path.name == _file_name(content):
                    return content
        return None


def _file_name(content: bytes) -> str:
    return digest_of(content).removeprefix("sha256:") + ".yaml"
