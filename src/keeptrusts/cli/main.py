"""`kt`: the one list of its command groups."""

import typer

from keeptrusts.cli import doctor, events, gateway, init, policy, spend, up

app = typer.Typer(
    name="kt",
    help="Keeptrusts: an AI gateway that enforces your policy pack.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.add_typer(gateway.app, name="gateway")
app.add_typer(policy.app, name="policy")
app.add_typer(events.app, name="events")
app.add_typer(spend.app, name="spend")
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Entry point of the `kt` command."""
    app()
