"""The reference of all commands as a page, made from the commands themselves: `make docs` writes it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

HEAD = """\
<!-- Made by `make docs` from the commands themselves: change those. -->
# Commands

Exit codes: 0 it worked, 1 it failed, 2 the input was wrong. A flag wins over the environment.
"""


def list_commands(
    command: TyperCommand | TyperGroup, path: tuple[str, ...]
) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """A command and all below it, each with the words that call it."""
    yield " ".join(path), command
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            assert isinstance(inner, TyperCommand | TyperGroup)
            yield from list_commands(inner, (*path, name))


def render_reference(app: typer.Typer) -> str:
    """The page, in Markdown."""
    root = get_command(app)
    assert isinstance(root, TyperCommand | TyperGroup)
    commands = [one for one in list_commands(root, ("kt",)) if not isinstance(one[1], TyperGroup)]
    return HEAD + "".join(_section(path, command) for path, command in commands)


def _section(path: str, command: TyperCommand | TyperGroup) -> str:
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    options = [param for param in command.params if isinstance(param, TyperOption)]
    usage = " ".join([path, *(_argument(argument) for argument in arguments), *(["[options]"] if options else [])])
    table = ["| option | does |", "| --- | --- |", *map(_row, options)] if options else []
    help_text = (command.help or "").strip()
    return "\n".join([f"\n## {path}\n", f"{help_text}\n", f"```\n{usage}\n```", *(["", *table] if table else []), ""])


def _argument(argument: TyperArgument) -> str:
    name = (argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _row(option: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    facts = [(option.help or "").rstrip(".") + "."]
    if isinstance(option.default, str | int | float | Path) and not isinstance(option.default, bool):
        facts.append(f"Default: `{option.default}`.")
    facts += [f"Environment: `{name}`." for name in variables]
    return f"| {names} | {' '.join(facts)} |".replace("\n", " ")


if __name__ == "__main__":
    from keeptrusts.cli.main import app

    Path(sys.argv[1]).write_text(render_reference(app), encoding="utf-8")
