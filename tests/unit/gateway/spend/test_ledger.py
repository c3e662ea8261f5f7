"""The ledger as the event loop sees it: on real files, in a thread."""

import asyncio

import pytest

from fakes.clock import FakeClock
from fakes.spend import TODAY
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME
from keeptrusts.gateway.spend.slices import Claim, LedgerUnavailable, Report, SliceRequest
from keeptrusts.runtime.tasks import spawn

pytestmark = pytest.mark.anyio


def report(spool, need=0, **totals):
    request = SliceRequest(
        bucket="pack", day=TODAY, resets_ns=1, cap_micros=100, need_micros=need, wait_micros=need, **totals
    )
    return Report(owner=f"boot-{spool}", spool=spool, seq=0, requests=(request,))


async def test_workers_lease_from_it_and_hear_when_another_needs_room(tmp_path):
    async with open_ledger(tmp_path, FakeClock()) as ledger:
        heard = []
        for spool in "01":
            await ledger.claim(Claim(owner=f"boot-{spool}", spool=spool, seq=0))
            ledger.listen(f"boot-{spool}", heard.append)
        [grant] = (await ledger.lease(report("0", 80))).grants
        assert grant.granted_micros == 80
        [grant] = (await ledger.lease(report("1", 30))).grants
        assert (grant.granted_micros, [one.bucket for one in heard]) == (0, ["pack"])
        ledger.listen("boot-0", None)
        await ledger.lease(report("0", returned_micros=0))
        await ledger.lease(report("1", 30))
        assert len(heard) == 1


async def test_others_hear_that_somebody_needs_room_even_if_it_is_gone_before_its_answer(tmp_path):
    async with open_ledger(tmp_path, FakeClock()) as ledger:
        heard = asyncio.Event()
        for spool in "01":
            await ledger.claim(Claim(owner=f"boot-{spool}", spool=spool, seq=0))
        ledger.listen("boot-0", lambda _: heard.set())
        await ledger.lease(report("0", 80))
        asking = spawn(asyncio.get_running_loop(), ledger.lease(report("1", 30)))
        await asyncio.sleep(0)
        asking.cancel()
        async with asyncio.timeout(5):
            await heard.wait()


async def test_nothing_is_on_disk_before_somebody_claims(tmp_path):
    async with open_ledger(tmp_path, FakeClock()):
        assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / LEDGER_NAME).mkdir()
    async with open_ledger(tmp_path, FakeClock()) as ledger:
        with pytest.raises(LedgerUnavailable):
            await ledger.claim(Claim(owner="boot", spool="0", seq=0))
