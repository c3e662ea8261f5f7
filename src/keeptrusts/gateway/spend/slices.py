"""What a worker and its ledger say to each other about money, wherever the ledger is. Knows neither.

All sums of a slice are totals since its owner began, never differences: a message that is lost or sent twice changes
nothing. `granted - returned` is the owner's to hold and spend; the ledger counts all of it as used, or what the owner
spent where that is more, until the owner returns it or is recovered.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec


class Claim(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker begins. `owner` is its boot id, `spool` where it writes its events, `seq` the last number there.

    What earlier owners of the spool left open is settled first, by the events that stand in it up to `seq`.
    """

    owner: str
    spool: str
    seq: int


class SliceRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One bucket and day of a report.

    `need_micros` is the least more that helps, `wait_micros` what all calls that wait lack together; both are 0 where
    none waits. `want_micros` beyond that would be welcome, so that the next calls need not wait.
    `spent_micros`, `returned_micros` are totals; `held_micros` is what calls under way hold now.
    `is_last`: the owner forgets this slice; should it come back to it, its totals begin at 0 again.
    """

    bucket: str
    day: str
    resets_ns: int
    cap_micros: int
    need_micros: int = 0
    wait_micros: int = 0
    want_micros: int = 0
    spent_micros: int = 0
    returned_micros: int = 0
    held_micros: int = 0
    is_last: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Everything that changed at one owner, and the number of the last event that its totals include."""

    owner: str
    spool: str
    seq: int
    requests: tuple[SliceRequest, ...] = ()


class Grant(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to one request. `granted_micros` is the owner's total.

    `others_spent_micros` is what everybody else spent, `others_leased_micros` what they have and did not spend;
    `others_held_micros` is the part of the latter that calls under way hold.
    """

    bucket: str
    day: str
    granted_micros: int
    others_spent_micros: int
    others_leased_micros: int
    others_held_micros: int = 0


class Grants(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answers to a report, in its order."""

    grants: tuple[Grant, ...] = ()


class Recall(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody else needs room: hand back what no call holds."""

    bucket: str
    day: str


class Claimed(msgspec.Struct, frozen=True, tag=True):
    """The answer to a claim."""


class Unavailable(msgspec.Struct, frozen=True, tag=True):
    """The answer where the ledger cannot be asked or cannot write: nothing was noted, nothing granted."""

    reason: str


class LedgerUnavailable(Exception):
    """The ledger cannot be asked, or cannot write. Nothing was granted."""


class SliceSource(Protocol):
    """Grants slices: the ledger itself, or a channel to it."""

    def listen(self, owner: str, on_recall: Callable[[Recall], None] | None) -> None:
        """Tell this owner, from now on, when somebody needs what it does not use; None: no longer."""

    async def claim(self, claim: Claim) -> None:
        """Settle what earlier owners of the spool left, and make `owner` its owner. Raises LedgerUnavailable."""

    async def lease(self, report: Report) -> Grants:
        """Note the report, all of it or nothing, and grant what there is room for. Raises LedgerUnavailable."""
