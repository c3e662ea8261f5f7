"""`kt up`: a gateway with a demo pack in one command, in front of a fake provider where no provider key is set."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from keeptrusts.gateway.settings import Settings

GRACE_S = 3.0
PACE_S = 0.02  # between the pieces of a faked stream: slow enough to watch


def up(
    listen: Annotated[str, typer.Option(help="HOST:PORT to serve on.")] = "127.0.0.1:41002",
    state_dir: Annotated[
        Path | None, typer.Option(help="Where the demo pack and events are kept.", show_default=False)
    ] = None,
) -> None:
    """Run a gateway with a demo pack: offline, with a fake provider, where no provider key is set."""
    import uvloop

    from keeptrusts.cli.failures import fail_over_pack, told_plainly
    from keeptrusts.config.problems import InvalidPack
    from keeptrusts.gateway.settings import parse_address, read_environment, read_settings
    from keeptrusts.runtime.logs import configure_logs

    configure_logs("WARNING")
    with told_plainly():
        pack = Path(f"up-{parse_address(listen).port}", "policy-config.yaml")
        flags = {"listen": listen, "state_dir": state_dir, "grace": GRACE_S, "policy_config": pack}
        settings = read_settings(read_environment(), flags)
        try:
            uvloop.run(serve(settings))
        except InvalidPack as bad:
            fail_over_pack(bad, settings.state_root / pack)


async def serve(settings: "Settings") -> None:
    """Serve until SIGINT or SIGTERM. `settings.policy_config` is where the pack is written, below the state root."""
    import asyncio
    import signal
    from contextlib import AsyncExitStack
    from dataclasses import replace

    from keeptrusts.cli.demo import has_provider_key, make_pack
    from keeptrusts.cli.fake_provider.server import FakeProvider
    from keeptrusts.gateway.http.server import open_server
    from keeptrusts.gateway.main import open_gateway
    from keeptrusts.runtime.clock import SystemClock
    from keeptrusts.runtime.state_dir import StateDirError

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        fake_url = None
        if not has_provider_key(settings.environment):
            provider = FakeProvider(SystemClock(), pace_s=PACE_S)
            fake = await stack.enter_async_context(open_server(provider))
            fake_url = f"http://127.0.0.1:{fake.port}"
        settings = replace(settings, policy_config=settings.state_root / settings.policy_config)
        try:
            write_pack(settings.policy_config, make_pack(settings.environment, fake_url))
        except OSError as refused:
            reason = f"cannot write the demo pack ({refused.strerror}): name another directory with --state-dir"
            raise StateDirError(reason) from refused
        gateway = await stack.enter_async_context(open_gateway(settings))
        announce(settings, gateway.port)
        await stop.wait()
        await gateway.drain()
    print("\nStopped.")


def write_pack(path: Path, text: str) -> None:
    """Make the file, and a private directory for it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def announce(settings: "Settings", port: int) -> None:
    """Say where it listens and what to try, in commands that work as they stand."""
    from keeptrusts.cli.demo import introduce
    from keeptrusts.gateway.settings import Address, default_state_root

    url = f"http://{Address(settings.listen.host, port)}"
    state = "" if settings.state_root == default_state_root() else f" --state-dir {settings.state_root}"
    events = f"{_command()} events tail --listen {settings.listen.port}{state}"
    token = settings.token_name if settings.token_name in settings.environment else None
    print(introduce(url, settings.environment, str(settings.policy_config), events, token), flush=True)


def _command() -> str:
    """How this program was called: `kt`, or its path where the shell does not find it."""
    import os
    import shutil

    called = Path(sys.argv[0])
    if called.name != "kt":
        return "python -m keeptrusts"
    found = shutil.which("kt")
    return "kt" if found and Path(found).samefile(called) else os.path.relpath(called)
