from typing import Annotated

import typer

from keeptrusts.cli.reference import render_reference

app = typer.Typer(rich_markup_mode=None)


@app.command()
def walk(
    where: Annotated[str, typer.Argument(help="Where to.")],
    pace: Annotated[float, typer.Option(help="Kilometres in an hour", envvar="PACE")] = 4.5,
    back: Annotated[bool, typer.Option("--back", "-b", help="Come back too.")] = False,
) -> None:
    """Go for a walk."""


@app.command()
def sleep() -> None:
    """Sleep."""


def test_a_command_is_told_with_its_arguments_and_options():
    page = render_reference(app)
    assert "## kt walk\n\nGo for a walk.\n\n```\nkt walk WHERE [options]\n```\n" in page
    assert "| `--pace` | Kilometres in an hour. Default: `4.5`. Environment: `PACE`. |" in page
    assert "| `--back`, `-b` | Come back too. |" in page


def test_a_command_without_options_has_no_table():
    assert render_reference(app).endswith("## kt sleep\n\nSleep.\n\n```\nkt sleep\n```\n")
