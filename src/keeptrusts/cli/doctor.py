"""`kt doctor`: looks for what would keep a gateway from working here, before it is started."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    policy_config: Annotated[
        Path | None, typer.Option(help="The pack that the gateway will run.", show_default=False)
    ] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT that it will listen on.", show_default=False)] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Where it will keep its state.", show_default=False)] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Connect to nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check this machine, the pack, its secrets and its providers. Exit 1 if something must be repaired first."""
    import json
    from dataclasses import asdict

    from keeptrusts.cli.checkup import Checkup, format_finding
    from keeptrusts.gateway.settings import InvalidSettings, read_environment
    from keeptrusts.runtime.clock import SystemClock

    try:
        checkup = Checkup.plan(read_environment(), SystemClock(), policy_config, listen, state_dir, offline=offline)
    except InvalidSettings as bad:
        print(f"kt: {bad}", file=sys.stderr)
        raise typer.Exit(2) from bad
    findings = []
    for finding in checkup.findings():
        findings.append(finding)
        if not as_json:
            print(format_finding(finding), flush=True)
    if as_json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    raise typer.Exit(1 if any(finding.level == "bad" for finding in findings) else 0)
