"""The ledger over a channel: a worker's end, which leases, and the end of whoever has the ledger, which answers."""

from collections.abc import Callable

import msgspec

from keeptrusts.gateway.channel import Channel, ChannelError
from keeptrusts.gateway.spend.slices import (
    Claim,
    Claimed,
    Grants,
    LedgerUnavailable,
    Recall,
    Report,
    SliceSource,
    Unavailable,
)

ANSWER_S = 1.5
"""Less than a call waits for its hold: it then hears that the ledger does not answer, not that the budget is busy."""


class RemoteLedger:
    """A SliceSource at the other end of a channel. Whoever reads the channel hands recalls to `take`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._on_recall: Callable[[Recall], None] | None = None

    def listen(self, _: str, on_recall: Callable[[Recall], None] | None) -> None:
        """A worker's channel has one owner."""
        self._on_recall = on_recall

    def take(self, recall: Recall) -> None:
        if self._on_recall is not None:
            self._on_recall(recall)

    async def claim(self, claim: Claim) -> None:
        """Raises LedgerUnavailable."""
        await self._ask(claim)

    async def lease(self, report: Report) -> Grants:
        """Raises LedgerUnavailable."""
        answer = await self._ask(report)
        assert isinstance(answer, Grants)
        return answer

    async def _ask(self, message: Claim | Report) -> msgspec.Struct:
        try:
            answer = await self._channel.call(message, msgspec.Struct, within_s=ANSWER_S)
        except ChannelError as error:
            raise LedgerUnavailable(str(error) or type(error).__name__) from error
        if isinstance(answer, Unavailable):
            raise LedgerUnavailable(answer.reason)
        return answer


async def answer_worker(
    ledger: SliceSource, message: Claim | Report, tell: Callable[[Recall], None]
) -> Claimed | Grants | Unavailable:
    """What to answer to a worker; `tell` sends it a notice."""
    try:
        if isinstance(message, Report):
            return await ledger.lease(message)
        ledger.listen(message.owner, tell)
        await ledger.claim(message)
    except LedgerUnavailable as unavailable:
        return Unavailable(str(unavailable))
    return Claimed()
