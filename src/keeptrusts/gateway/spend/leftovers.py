"""The spools of workers that an instance no longer has: their calls are closed, and what they leased is settled."""

from contextlib import suppress
from pathlib import Path

from keeptrusts.gateway.outbox import open_outbox
from keeptrusts.gateway.spend.slices import Claim, LedgerUnavailable, SliceSource
from keeptrusts.runtime.clock import Clock


async def settle_leftovers(spools: Path, ledger: SliceSource, *, workers: int, boot_id: str, clock: Clock) -> None:
    """Before the workers start, of which there are fewer than before. Raises OSError."""
    for path in _list_leftovers(spools, workers):
        async with open_outbox(path, boot_id=boot_id, clock=clock) as outbox:
            claim = Claim(owner=boot_id, spool=path.name, seq=outbox.last_seq)
            with suppress(LedgerUnavailable):  # then it is told when somebody wants to spend
                await ledger.claim(claim)


def _list_leftovers(spools: Path, workers: int) -> list[Path]:
    return sorted(path for path in spools.glob("[0-9]*") if path.name.isdigit() and int(path.name) >= workers)
