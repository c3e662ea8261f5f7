"""`kt gateway`: run a gateway and ask it how it is."""

import json
from pathlib import Path
from typing import IO, Annotated, Any

import typer

app = typer.Typer(help="Run a gateway and ask it how it is.", no_args_is_help=True)

HEALTH_S = 5.0


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
    trust_identity_headers: Annotated[
        bool | None,
        typer.Option(
            "--trust-identity-headers", help="Let holders of the gateway's token name user and role in headers."
        ),
    ] = None,
    fail_mode: Annotated[str, typer.Option(help="What an error inside a policy does: block or allow.")] = "block",
    workers: Annotated[
        str | None, typer.Option(help="Processes that serve: a number, or auto for one a core (default 1).")
    ] = None,
    grace: Annotated[float, typer.Option(help="Seconds that running requests get at the end.")] = 30.0,
    events_stdout: Annotated[bool, typer.Option(help="Print each decision event as a JSON line.")] = False,
    max_buffered_bytes: Annotated[
        int | None, typer.Option(help="Bytes of request bodies held at once (default 536870912).")
    ] = None,
    max_connections: Annotated[int | None, typer.Option(help="Open connections (default 20000).")] = None,
    max_connections_per_address: Annotated[
        int | None, typer.Option(help="Open connections from one address (default 10000).")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, to serve over TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate.")] = None,
) -> None:
    """Serve model traffic through a policy pack."""
    flags = dict(locals())

    from keeptrusts.cli.failures import fail_over_pack, told_plainly
    from keeptrusts.config.problems import InvalidPack
    from keeptrusts.gateway.main import run_gateway
    from keeptrusts.gateway.settings import read_environment, read_settings

    with told_plainly():
        settings = read_settings(read_environment(), flags)
        try:
            run_gateway(settings)
        except InvalidPack as bad:
            fail_over_pack(bad, settings.policy_config)


@app.command()
def health(
    url: Annotated[str, typer.Option(help="Where the gateway listens.")] = "http://127.0.0.1:41002",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer.")] = False,
) -> None:
    """Ask a running gateway how it is, through no proxy; exit 1 when it is unhealthy or not there."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, build_opener

    from keeptrusts.cli.failures import fail

    if not url.startswith(("http://", "https://")):
        fail(f"--url {url}: expected http:// or https://", 2)
    try:
        with build_opener(ProxyHandler({})).open(f"{url.rstrip('/')}/health", timeout=HEALTH_S) as answer:
            facts = json.load(answer)
    except HTTPError as bad:
        facts = _facts_of(bad)
    except (URLError, HTTPException, OSError) as bad:
        reason = getattr(bad, "reason", bad)
        fail(f"no gateway answers at {url}: {getattr(reason, 'strerror', None) or reason}", 1)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "status" not in facts:
        fail(f"what answers at {url} is no gateway: --url names its address, such as http://127.0.0.1:41002", 1)
    print(json.dumps(facts, indent=2) if as_json else "\n".join([f"{url}: {facts['status']}", *_list_troubles(facts)]))
    raise typer.Exit(1 if facts["status"] == "unhealthy" else 0)


def _list_troubles(facts: dict[str, Any]) -> list[str]:
    """Why a gateway is not healthy, as far as it says: it tells callers on its own machine."""
    config, events = facts.get("config", {}), facts.get("events", {})
    troubles = [f"target {name}: {state}" for name, state in facts.get("providers", {}).items() if state != "reachable"]
    troubles += [f"the pack's newest version is not served: {problem}" for problem in config.get("rejected", [])]
    if config.get("source") == "last_good":
        troubles.append("the last good pack is served")
    if events.get("dropped"):
        troubles.append(f"events lost since start: {events['dropped']}")
    return [f"  {trouble}" for trouble in troubles]


def _facts_of(answer: IO[bytes]) -> Any:
    """An unhealthy gateway says so with 503, in the same form; None where this is something else."""
    try:
        return json.load(answer)
    except ValueError:
        return None
