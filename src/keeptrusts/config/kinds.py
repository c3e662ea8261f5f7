"""What the language needs to know of a kind of policy. Which kinds there are is told by the policies' catalog."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """A kind of policy.

    `compile` makes a running policy of settings, or raises ValueError, perhaps with `path` (within the settings) and
    `message`. None: the kind belongs to the language, but this version cannot enforce it.
    `needs_prices`: it counts money, so that each target must have a price.
    """

    name: str
    spec: type[msgspec.Struct]
    compile: Callable[[Any], object] | None
    phases: tuple[str, ...]
    summary: str
    needs_prices: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Settings that have no default."""
        return tuple(field.encode_name for field in msgspec.structs.fields(self.spec) if field.required)


Kinds: TypeAlias = Mapping[str, PolicyKind]
