"""The instance's ledger, off the event loop: one thread of its own works on the file."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, Answer, LedgerFile
from keeptrusts.gateway.spend.slices import Claim, Grants, Recall, Report
from keeptrusts.gateway.spend.spooled import SpooledEvents
from keeptrusts.runtime.clock import Clock


class Ledger:
    """A SliceSource for every worker of the instance. Owned by the event loop."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "spend-ledger")
        self._listeners: dict[str, Callable[[Recall], None]] = {}

    def listen(self, owner: str, on_recall: Callable[[Recall], None] | None) -> None:
        """Tell this owner, from now on, when somebody needs what it does not use; None: no longer."""
        if on_recall is None:
            self._listeners.pop(owner, None)
        else:
            self._listeners[owner] = on_recall

    async def claim(self, claim: Claim) -> None:
        """Settle what earlier owners of the spool left. Raises LedgerUnavailable."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.claim, claim)

    async def lease(self, report: Report) -> Grants:
        """Note a report, and grant what there is room for. Raises LedgerUnavailable."""
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._file.lease, report)
        work.add_done_callback(self._tell_recalls)  # whoever asked may have died: the file asks others once only
        return (await asyncio.shield(work)).grants

    def _tell_recalls(self, work: "asyncio.Future[Answer]") -> None:
        if work.cancelled() or work.exception() is not None:
            return
        for owner, recall in work.result().recalls:
            listener = self._listeners.get(owner)
            if listener is not None:
                listener(recall)

    def close(self) -> None:
        """Finish what was begun, and let go of the file."""
        self._thread.submit(self._file.close)
        self._thread.shutdown()


@asynccontextmanager
async def open_ledger(directory: Path, clock: Clock) -> AsyncIterator[Ledger]:
    """The ledger in an instance's state directory, beside its spools, for the life of the block.

    The file is opened when somebody claims; a ledger that cannot be used stops nobody who spends nothing.
    """
    ledger = Ledger(LedgerFile(directory / LEDGER_NAME, SpooledEvents(directory / "spool"), clock))
    try:
        yield ledger
    finally:
        ledger.close()
