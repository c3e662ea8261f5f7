"""What becomes of a member of a call on its way into another dialect, and how its name is shown."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Fate(StrEnum):
    """Carried; left out, since no answer depends on it; or refused, since without it the answer would be another."""

    CARRIED = "carried"
    LEFT_OUT = "left out"
    REFUSED = "refused"


def shown(name: str) -> str:
    """A name of the protocol; any other key may be somebody's text."""
    return name if _WORD.fullmatch(name) else "a member that is not known"


class Noted(Protocol):
    """A row of a table of members."""

    @property
    def fate(self) -> Fate: ...
    @property
    def note(self) -> str: ...


def explain_obstacle(obstacle: str, members: Mapping[str, Noted]) -> str:
    """What the table says of a member that is an obstacle, `messages[2].content` by its first step; else empty.

    Of a member that is mostly carried, only what its note says of refusals.
    """
    member = members.get(obstacle.partition(".")[0].partition("[")[0])
    if member is None:
        return ""
    if member.fate is Fate.REFUSED:
        return member.note
    _, said, why = member.note.partition("refused")
    return said + why
