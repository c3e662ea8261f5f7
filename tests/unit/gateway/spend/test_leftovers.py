"""An instance with fewer workers than before leaves nothing of the others behind."""

import msgspec
import pytest

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_facts, make_outcome
from fakes.spend import TODAY
from keeptrusts.contract.events import DecisionEvent
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME
from keeptrusts.gateway.spend.ledger_reader import open_reader
from keeptrusts.gateway.spend.leftovers import settle_leftovers
from keeptrusts.gateway.spend.slices import Claim, Report, SliceRequest
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool
from keeptrusts.runtime.spool_reader import SpoolReader

pytestmark = pytest.mark.anyio


async def test_what_a_worker_left_is_recorded_and_settled(tmp_path):
    request = SliceRequest(
        bucket="pack", day=TODAY, resets_ns=1, cap_micros=1000, need_micros=900, wait_micros=900, held_micros=900
    )
    async with open_ledger(tmp_path, FakeClock()) as ledger:
        await ledger.claim(Claim(owner="dead", spool="2", seq=0))
        await ledger.lease(Report(owner="dead", spool="2", seq=0, requests=(request,)))
    spool = Spool(tmp_path / "spool" / "2", boot_id="dead", clock=FakeClock(), limits=SpoolLimits())
    outbox, source = Outbox(spool, boot_id="dead"), compile_source(ORIGIN, is_audited=False)
    counted = {"spend_bucket": "pack", "spend_day": TODAY}
    outbox.open(new_hex(START_NS), START_NS, source, members_of(make_facts(**counted, cost_micros=20)))
    outbox.close(new_hex(START_NS), START_NS, source, members_of(make_outcome(**counted, cost_micros=50)))
    spool.close()  # and no more: it was killed

    async with open_ledger(tmp_path, FakeClock()) as ledger:
        for boot in ("boot", "next"):
            await settle_leftovers(tmp_path / "spool", ledger, workers=2, boot_id=boot, clock=FakeClock())
    [row] = open_reader(tmp_path).budgets()
    assert (row.spent_micros, row.held_micros, row.leased_micros) == (70, 0, 0)
    records = [record.payload for record in SpoolReader(tmp_path / "spool" / "2").read() if record.seq]
    codes = [msgspec.json.decode(payload, type=DecisionEvent).error_code for payload in records]
    assert codes == [None, "interrupted"]


async def test_spools_in_use_are_left_alone(tmp_path):
    (tmp_path / "spool" / "0").mkdir(parents=True)
    (tmp_path / "spool" / "1").mkdir()
    async with open_ledger(tmp_path, FakeClock()) as ledger:
        await settle_leftovers(tmp_path / "spool", ledger, workers=2, boot_id="boot", clock=FakeClock())
    assert not (tmp_path / LEDGER_NAME).exists()
    assert list((tmp_path / "spool").rglob("*.log")) == []
