"""`kt`: the one list of its command groups."""

import typer

from keeptrusts.cli import gateway

app = typer.Typer(
    name="kt",
    help="Keeptrusts: an AI gateway that enforces your policy pack.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(gateway.app, name="gateway")


def main() -> None:
    """Entry point of the `kt` command."""
    app()
