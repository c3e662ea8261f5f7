"""`kt gateway`: run a gateway and ask it how it is."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run a gateway and ask it how it is.", no_args_is_help=True)


@app.command()
def run(  # noqa: PLR0913, PLR0917 - each is a flag
    policy_config: Annotated[Path | None, typer.Option(help="The policy pack to enforce.")] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT to serve on (default 0.0.0.0:41002).")] = None,
    admin_listen: Annotated[str | None, typer.Option(help="HOST:PORT for admin calls and the full /health.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Where events and the last good pack are kept.")] = None,
    name: Annotated[str | None, typer.Option(help="The gateway's name (default: the pack's).")] = None,
    allow_anonymous: Annotated[
        bool, typer.Option(help="Serve callers without a key, beyond this machine too.")
    ] = False,
    fail_mode: Annotated[str, typer.Option(help="What an error inside a policy does: block or allow.")] = "block",
    grace: Annotated[float, typer.Option(help="Seconds that running requests get at the end.")] = 30.0,
    events_stdout: Annotated[bool, typer.Option(help="Print each decision event as a JSON line.")] = False,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, to serve over TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate.")] = None,
) -> None:
    """Serve model traffic through a policy pack."""
    from keeptrusts.config.problems import InvalidPack
    from keeptrusts.gateway.main import run_gateway
    from keeptrusts.gateway.settings import InvalidSettings, read_environment, read_settings

    flags = dict(locals())
    try:
        run_gateway(read_settings(read_environment(), flags))
    except InvalidSettings as bad:
        _fail(str(bad), 2)
    except InvalidPack as bad:
        for problem in bad.problems:
            print(f"{policy_config}:{problem}", file=sys.stderr)
        _fail("the pack is not valid, and no earlier one is at hand: nothing was started", 2)
    except OSError as bad:
        _fail(str(bad.strerror or bad), 1)


@app.command()
def health(
    url: Annotated[str, typer.Option(help="Where the gateway listens.")] = "http://127.0.0.1:41002",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer.")] = False,
) -> None:
    """Ask a running gateway how it is; exit 1 when it is unhealthy or not there."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    if not url.startswith(("http://", "https://")):
        _fail(f"--url {url}: expected http:// or https://", 2)
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310 - the scheme is checked above
            facts = json.load(answer)
    except HTTPError as bad:
        facts = json.load(bad)
    except (URLError, TimeoutError, ValueError) as bad:
        _fail(f"no gateway answers at {url}: {getattr(bad, 'reason', bad)}", 1)
    print(json.dumps(facts, indent=2) if as_json else f"{url}: {facts['status']}")
    raise typer.Exit(1 if facts["status"] == "unhealthy" else 0)


def _fail(message: str, code: int) -> None:
    print(f"kt: {message}", file=sys.stderr)
    raise typer.Exit(code)
