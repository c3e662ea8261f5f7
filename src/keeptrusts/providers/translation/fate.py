"""What becomes of a member of a call on its way into another dialect, and how its name is shown."""

import re
from enum import StrEnum

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Fate(StrEnum):
    """Carried; left out, since no answer depends on it; or refused, since without it the answer would be another."""

    CARRIED = "carried"
    LEFT_OUT = "left out"
    REFUSED = "refused"


def shown(name: str) -> str:
    """A name of the protocol; any other key may be somebody's text."""
    return name if _WORD.fullmatch(name) else "a member that is not known"
