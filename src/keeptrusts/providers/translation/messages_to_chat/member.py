"""One member of a messages call: its fate, and which of its values have another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from keeptrusts.providers.translation.fate import Fate

Check: TypeAlias = Callable[[Any], str | None]
"""Where, inside a value, something stands that cannot be carried: `[2].source`, "" for all of it. None for nowhere."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `note` says where it goes or why it does not; `check` finds values that are refused all the same."""

    fate: Fate
    note: str
    check: Check | None = None

    def find_obstacle(self, value: Any) -> str | None:
        if self.fate is Fate.REFUSED:
            return "" if value else None  # null, false, an empty list: nothing is asked for
        return self.check(value) if self.check is not None and value is not None else None
