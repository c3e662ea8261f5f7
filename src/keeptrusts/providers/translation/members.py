"""What becomes of the members of a call in another dialect: the words that the tables of members are written in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keeptrusts.providers.translation.fate import Fate, shown


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `note` says where it goes or why it does not; `takes` which values are not refused."""

    fate: Fate
    note: str
    takes: Callable[[Any], bool]


def find_refused(tree: dict[str, Any], members: Mapping[str, Member]) -> str | None:
    """The first member of a call that is not in the table, or has a value that cannot be carried. Null says nothing."""
    for key, value in tree.items():
        member = members.get(key)
        if value is not None and (member is None or not member.takes(value)):
            return shown(key)
    return None


def _always(_value: Any) -> bool:
    return True


def carried(note: str, takes: Callable[[Any], bool] = _always) -> Member:
    return Member(Fate.CARRIED, note, takes)


def left_out(why: str) -> Member:
    return Member(Fate.LEFT_OUT, why, _always)


def refused(why: str, *harmless: Any) -> Member:
    return Member(Fate.REFUSED, why, lambda value: value in harmless)
