"""A value that must never be shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential. Prints as `***`; only `reveal()` gives the text."""

    text: str

    def reveal(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"
