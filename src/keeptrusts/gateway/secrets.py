"""Where the gateway finds credentials: environment variables, their `_FILE` twins, and files of one directory.

Files are read again whenever a pack is compiled; `stamp` tells whether one has changed since.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import UNSET, UnsetType

from keeptrusts.config.targets import SecretRef
from keeptrusts.contract.secret import Secret

MAX_SECRET_BYTES = 64 * 1024


class Secrets:
    """Resolves references to secrets. Values are never cached, logged or shown."""

    def __init__(self, environment: Mapping[str, str], secrets_dir: Path | None) -> None:
        self._environment = environment
        self._secrets_dir = secrets_dir
        self._files: set[Path] = set()

    def find(self, reference: SecretRef) -> Secret | None:
        """The secret that a pack names, or None where it is not there (or not usable as a header's value)."""
        if isinstance(reference.env, str):
            return self.find_variable(reference.env)
        if isinstance(reference.file, str) and self._secrets_dir is not None:
            return self._find_file(self._secrets_dir, reference.file)
        return None

    def find_variable(self, name: str) -> Secret | None:
        """`NAME`, or the content of the file that `NAME_FILE` names."""
        value = self._environment.get(name)
        if value is not None:
            return _usable(value)
        path = self._environment.get(f"{name}_FILE")
        return _usable(self._read(Path(path))) if path else None

    def stamp(self) -> bytes:
        """Changes whenever a file that was asked for has another content."""
        digest = hashlib.sha256()
        for path in sorted(self._files):
            digest.update(hashlib.sha256(_content(path)).digest())
        return digest.digest()

    def _find_file(self, directory: Path, name: str) -> Secret | None:
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            return None
        return _usable(self._read(path))  # watched by its own name: where its links lead may change

    def _read(self, path: Path) -> str:
        self._files.add(path)
        return _content(path).decode("utf-8", "replace")


def describe_reference(reference: SecretRef | UnsetType) -> str:
    """What is looked for, by the names that a pack gives; never where it was found."""
    if reference is UNSET:
        return "nothing"
    if isinstance(reference.env, str):
        return f"the variable {reference.env}"
    if isinstance(reference.file, str):
        return f"the file {reference.file} below KEEPTRUSTS_SECRETS_DIR"
    return f"{reference.store} in a store"


def _content(path: Path) -> bytes:
    """What the file holds; nothing where it cannot be read, which is how a missing secret shows."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES)
    except OSError:
        return b""


def _usable(value: str) -> Secret | None:
    """A secret must be able to stand in a header: visible ASCII, nothing that could frame a request."""
    text = value.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        return None
    return Secret(text)
