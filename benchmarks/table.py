"""A result of run.py as a Markdown table: `.venv/bin/python benchmarks/table.py benchmarks/results/latest.json`."""

import argparse
import json
from pathlib import Path
from typing import Any

NAMES = {"aim": "reaches the aim", "holds": "holds", "MISSED": "**missed**", "": ""}


BEGIN, END = "<!-- figures: written by benchmarks -->", "<!-- end of figures -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path)
    print(render(json.loads(parser.parse_args().result.read_text())))


def render(document: dict[str, Any]) -> str:
    """The machine, what was switched on, and the figures."""
    contestants = [f"| `{name}` | {what} |" for name, what in document["switched_on"].items()]
    figures = [_row(figure) for figure in document["figures"]]
    return "\n".join((
        _machine(document["machine"]),
        "\n| who | what was switched on |\n| --- | --- |",
        *contestants,
        "\n| figure | value | bar | aim | | how |\n| --- | --- | --- | --- | --- | --- |",
        *figures,
    ))  # fmt: skip


def write_page(document: dict[str, Any], page: Path) -> None:
    """Put the table between the page's markers. Raises ValueError where they are not there."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"{page} has no lines {BEGIN!r} and {END!r}")
    page.write_text(f"{before}{BEGIN}\n\n{render(document)}\n\n{END}{after}")


def _machine(facts: dict[str, Any]) -> str:
    return (
        f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, Python {facts['python']} "
        f"({'optimized' if facts['python_is_optimized'] else 'not optimized'} build), {facts['nginx']}, "
        f"commit {facts['commit']}{' with changes' if facts['uncommitted'] else ''}, {facts['date'][:10]}"
    )


def _row(figure: dict[str, Any]) -> str:
    limits = [f"{figure[name]:g}" if figure[name] is not None else "" for name in ("bar", "aim")]
    value = f"{figure['value']:,.0f}" if figure["value"] >= 1000 else f"{figure['value']:.3g}"
    cells = [f"`{figure['name']}`", f"{value} {figure['unit']}", *limits, NAMES[figure["verdict"]], figure["note"]]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
