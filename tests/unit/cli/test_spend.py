"""`kt spend`: read beside a gateway that runs, and after it has stopped."""

import json

import pytest
from typer.testing import CliRunner

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_outcome
from fakes.spend import TODAY
from keeptrusts.cli import spend
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile
from keeptrusts.gateway.spend.slices import Claim, Report, SliceRequest
from keeptrusts.gateway.spend.spooled import SpooledEvents
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool

RESETS_NS = 1_795_478_400_000_000_000


class Books:
    """A gateway's ledger and spool, as a running gateway has them."""

    def __init__(self, root):
        directory = root / "gateway-41002"
        self.spool = Spool(directory / "spool" / "0", boot_id="b", clock=FakeClock(), limits=SpoolLimits())
        self.outbox = Outbox(self.spool, boot_id="b")
        self.file = LedgerFile(directory / LEDGER_NAME, SpooledEvents(directory / "spool"), FakeClock())
        self.file.claim(Claim(owner="b", spool="0", seq=0))
        self.spent = 0

    def spend(self, micros):
        outcome = make_outcome(spend_bucket="pack", spend_day=TODAY, cost_micros=micros)
        self.outbox.close(new_hex(START_NS), START_NS, compile_source(ORIGIN, is_audited=False), members_of(outcome))
        self.spent += micros

    def report(self, **totals):
        request = SliceRequest(
            bucket="pack", day=TODAY, resets_ns=RESETS_NS, cap_micros=500_000_000, spent_micros=self.spent, **totals
        )
        self.file.lease(Report(owner="b", spool="0", seq=self.spool.next_seq - 1, requests=(request,)))

    def stop(self):
        self.file.close()
        self.outbox.shut_down()


@pytest.fixture
def books(tmp_path):
    books = Books(tmp_path)
    books.report(need_micros=100_000, wait_micros=100_000)
    books.spend(30_000)
    books.report(held_micros=20_000)
    yield books
    books.stop()


def run(tmp_path, *arguments, code=0):
    result = CliRunner().invoke(spend.app, [*arguments, "--state-dir", str(tmp_path)])
    assert result.exit_code == code, result.output
    return result


def test_people_get_a_table_of_how_each_budget_stands(books, tmp_path):
    head, row = run(tmp_path, "show", "--day", "all").stdout.splitlines()
    assert head.split() == ["BUDGET", "DAY", "CAP", "SPENT", "HELD", "LEASED", "LEFT", "RESETS", "AT"]
    assert row.split() == ["pack", TODAY, "$500.00", "$0.03", "$0.02", "$0.05", "$499.95", "2026-11-24T00:00:00Z"]


def test_programs_get_micro_dollars(books, tmp_path):
    [row] = json.loads(run(tmp_path, "show", "--day", TODAY, "--json").stdout)["budgets"]
    assert row == {
        "bucket": "pack", "day": TODAY, "cap_micros": 500_000_000, "spent_micros": 30_000, "held_micros": 20_000,
        "leased_micros": 50_000, "left_micros": 499_950_000, "resets_at": "2026-11-24T00:00:00Z",
    }  # fmt: skip


def test_other_days_are_not_shown(books, tmp_path):
    assert len(run(tmp_path, "show", "--day", "2026-01-01").stdout.splitlines()) == 1


def test_a_ledger_that_agrees_with_its_events_is_verified_whether_the_gateway_runs_or_not(books, tmp_path):
    assert run(tmp_path, "verify").stdout == f"pack {TODAY}: ledger $0.03, as the events say\n"
    books.file.close()
    assert run(tmp_path, "verify").stdout == f"pack {TODAY}: ledger $0.03, as the events say\n"


def test_what_no_worker_has_reported_yet_is_no_difference_and_is_told(books, tmp_path):
    books.spend(5)
    said = run(tmp_path, "verify").stdout
    assert said.startswith(f"pack {TODAY}: ledger $0.03, as the events say that workers have reported; $0.0")
    assert "yet to come" in said
    [check] = json.loads(run(tmp_path, "verify", "--json").stdout)["checks"]
    assert (check["difference_micros"], check["later_micros"]) == (0, 5)


def test_a_difference_is_told_and_fails(books, tmp_path):
    books.spent += 7
    books.report()
    said = run(tmp_path, "verify", code=1).stdout
    assert said == f"pack {TODAY}: ledger $0.030007, events $0.03: they differ by $0.000007\n"
    [check] = json.loads(run(tmp_path, "verify", "--json", code=1).stdout)["checks"]
    assert (check["ledger_micros"], check["events_micros"], check["difference_micros"]) == (30_007, 30_000, 7)


def test_without_a_ledger_it_says_so(books, tmp_path):
    books.file.close()
    (tmp_path / "gateway-41002" / LEDGER_NAME).unlink()
    assert "has counted no money yet" in run(tmp_path, "show", code=1).stderr


def test_without_a_gateway_it_says_so(tmp_path):
    assert "kt spend: no events" in run(tmp_path, "show", code=2).stderr
