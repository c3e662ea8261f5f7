"""`kt spend`: how the budgets of a gateway on this machine stand, and whether its ledger agrees with its events."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from keeptrusts.gateway.spend.ledger_reader import BudgetRow, LedgerReader

app = typer.Typer(help="Show what a gateway on this machine spent, and verify it.", no_args_is_help=True)

StateDir = Annotated[
    Path | None,
    typer.Option(envvar="KEEPTRUSTS_STATE_DIR", help="Where gateways keep their state.", show_default=False),
]
Listen = Annotated[str | None, typer.Option(help="The gateway that listens there: PORT or HOST:PORT.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(
    day: Annotated[
        str | None, typer.Option(help="Only this day, such as 2026-11-23; `all` for all that are kept.")
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
    listen: Listen = None,
) -> None:
    """Show each budget: cap, spent, held, leased, left, and when it resets. Without --day, those not yet reset."""
    import json

    from keeptrusts.runtime.clock import SystemClock

    rows = _open(state_dir, listen).budgets()
    if day is None:
        now_ns = SystemClock().unix_ns()
        rows = [row for row in rows if row.resets_ns is None or row.resets_ns > now_ns]
    elif day != "all":
        rows = [row for row in rows if row.day == day]
    if as_json:
        print(json.dumps({"budgets": [_as_json(row) for row in rows]}, indent=2))
        return
    print(_line("BUDGET", "DAY", "CAP", "SPENT", "HELD", "LEASED", "LEFT", "RESETS AT"))
    for row in rows:
        print(_table_row(row))


@app.command()
def verify(as_json: AsJson = False, state_dir: StateDir = None, listen: Listen = None) -> None:
    """Hold the ledger against the sum of the decision events. Exit 1 where they differ."""
    import json

    from keeptrusts.gateway.spend.refusals import usd

    checks = _open(state_dir, listen).verify()
    wrong = [check for check in checks if check.difference_micros]
    if as_json:
        keys = ("bucket", "day", "ledger_micros", "events_micros", "difference_micros", "later_micros")
        print(json.dumps({"checks": [{key: getattr(check, key) for key in keys} for check in checks]}, indent=2))
    else:
        for check in checks:
            said = f"{check.bucket} {check.day}: ledger {usd(check.ledger_micros)}"
            if check.events_micros is None:
                print(f"{said}, and part of its events is gone: it cannot be verified")
            elif check.difference_micros:
                print(f"{said}, events {usd(check.events_micros)}: they differ by {usd(check.difference_micros)}")
            elif check.later_micros:
                later = usd(check.later_micros)
                print(f"{said}, as the events say that workers have reported; {later} of later events is yet to come")
            else:
                print(f"{said}, as the events say")
    if wrong:
        raise typer.Exit(1)


def _open(state_dir: Path | None, listen: str | None) -> "LedgerReader":
    from keeptrusts.cli.event_log import NoEventLog, find_spools
    from keeptrusts.gateway.settings import default_state_root
    from keeptrusts.gateway.spend.ledger_reader import open_reader
    from keeptrusts.gateway.spend.slices import LedgerUnavailable

    try:
        spools = find_spools(state_dir or default_state_root(), listen)
        return open_reader(spools[0].parent.parent)
    except NoEventLog as reason:
        _fail(str(reason), 2)
    except LedgerUnavailable as reason:
        _fail(str(reason), 1)


def _as_json(row: "BudgetRow") -> dict[str, object]:
    from keeptrusts.gateway.spend.refusals import when

    return {
        "bucket": row.bucket,
        "day": row.day,
        "cap_micros": row.cap_micros,
        "spent_micros": row.spent_micros,
        "held_micros": row.held_micros,
        "leased_micros": row.leased_micros,
        "left_micros": row.left_micros,
        "resets_at": None if row.resets_ns is None else when(row.resets_ns),
    }


def _table_row(row: "BudgetRow") -> str:
    from keeptrusts.gateway.spend.refusals import usd, when

    amounts = (row.cap_micros, row.spent_micros, row.held_micros, row.leased_micros, row.left_micros)
    cells = ["-" if micros is None else usd(micros) for micros in amounts]
    return _line(row.bucket, row.day, *cells, "-" if row.resets_ns is None else when(row.resets_ns))


def _line(bucket: str, day: str, *cells: str) -> str:
    *amounts, end = cells
    return "  ".join([bucket.ljust(18), day.ljust(10), *(cell.rjust(14) for cell in amounts), end])


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"kt spend: {message}", err=True)
    raise typer.Exit(code)
