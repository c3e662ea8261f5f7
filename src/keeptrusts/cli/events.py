"""`kt events`: reads the decision events of a gateway on this machine, while it runs or afterwards."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from keeptrusts.cli.event_log import EventLog, Filter, Line

app = typer.Typer(help="Read the decision events of a gateway on this machine.", no_args_is_help=True)

POLL_S = 0.2


class Verdict(StrEnum):
    """What `--decision` takes."""

    ALLOW = "allow"
    REDACT = "redact"
    BLOCK = "block"


class Format(StrEnum):
    """What `--format` takes."""

    JSONL = "jsonl"
    CSV = "csv"


StateDir = Annotated[
    Path | None,
    typer.Option(envvar="KEEPTRUSTS_STATE_DIR", help="Where gateways keep their state.", show_default=False),
]
Listen = Annotated[str | None, typer.Option(help="The gateway that listens there: PORT or HOST:PORT.")]


@app.command()
def tail(  # noqa: PLR0913, PLR0917 - each is a flag
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing events as they come.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    state_dir: StateDir = None,
    listen: Listen = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many events to begin with.")] = 20,
    decision: Annotated[Verdict | None, typer.Option(help="Only events with this decision.")] = None,
    model: Annotated[str | None, typer.Option(help="Only events of this model.")] = None,
    key: Annotated[str | None, typer.Option(help="Only events of this key id.")] = None,
) -> None:
    """Show the latest decision events, oldest first."""
    from keeptrusts.cli.event_formats import table_header
    from keeptrusts.cli.event_log import Filter

    log = _open_log(state_dir, listen, Filter(decision=decision, model=model, key=key))
    lines = log.read_last(limit)
    if not as_json:
        print(table_header())
    for line in lines:
        _show(line, as_json=as_json)
    if follow:
        _follow(log, as_json=as_json)
    _warn_of_unreadable(log)


@app.command()
def export(  # noqa: PLR0917 - each is a flag
    file_format: Annotated[Format, typer.Option("--format", help="JSON lines, or CSV.")] = Format.JSONL,
    since: Annotated[str | None, typer.Option(help="From here on: 2026-11-23T14:00:00Z, or 90m, 24h, 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to here, exclusive; written like --since.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write (default: standard output).")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Then let the gateway delete what was exported, once it needs the room.")
    ] = False,
    state_dir: StateDir = None,
    listen: Listen = None,
) -> None:
    """Write the decision events of a period, oldest first, declared losses among them."""
    from keeptrusts.cli.event_log import Filter

    if release and (output is None or since or until):
        _fail("--release goes with --output and without --since and --until: only what is kept whole may be deleted", 2)
    log = _open_log(state_dir, listen, Filter(since=_moment("--since", since), until=_moment("--until", until)))
    if output is None:
        import sys

        _export(log, file_format, sys.stdout)
    else:
        _export_to(log, file_format, output)
    _warn_of_unreadable(log)
    if release:
        _release(log)


def _open_log(state_dir: Path | None, listen: str | None, wanted: "Filter") -> "EventLog":
    from keeptrusts.cli.event_log import EventLog, NoEventLog, find_spools
    from keeptrusts.gateway.settings import default_state_root

    try:
        return EventLog(find_spools(state_dir or default_state_root(), listen), wanted)
    except NoEventLog as reason:
        _fail(str(reason), 2)


def _show(line: "Line", *, as_json: bool) -> None:
    from keeptrusts.cli.event_formats import table_line

    print(line.json.decode() if as_json else table_line(line.event), flush=True)


def _follow(log: "EventLog", *, as_json: bool) -> None:
    import time

    try:
        while True:
            for line in log.read_new():
                _show(line, as_json=as_json)
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return


def _export(log: "EventLog", file_format: Format, file: TextIO) -> None:
    import csv

    from keeptrusts.cli.event_formats import CSV_HEADER, csv_row

    if file_format is Format.JSONL:
        file.writelines(line.json.decode() + "\n" for line in log.read_all())
    else:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(CSV_HEADER)
        rows.writerows(csv_row(line.event) for line in log.read_all())


def _export_to(log: "EventLog", file_format: Format, output: Path) -> None:
    import os

    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(output, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            _export(log, file_format, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _fail(f"cannot write {output}: {error.strerror}", 1)


def _release(log: "EventLog") -> None:
    from keeptrusts.cli.event_log import NoEventLog

    if log.unreadable:
        _fail("nothing was released: some events could not be exported", 1)
    try:
        log.release()
    except NoEventLog as reason:
        _fail(f"nothing was released: {reason}", 1)


def _moment(option: str, text: str | None) -> datetime | None:
    from keeptrusts.cli.moments import parse_moment
    from keeptrusts.runtime.clock import SystemClock

    if text is None:
        return None
    try:
        return parse_moment(text, SystemClock().now())
    except ValueError as bad:
        _fail(f"{option} {bad}", 2)


def _warn_of_unreadable(log: "EventLog") -> None:
    if log.unreadable:
        typer.echo(f"{log.unreadable} events have a shape that this version of kt does not know: not shown", err=True)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"kt events: {message}", err=True)
    raise typer.Exit(code)
