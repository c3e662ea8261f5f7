"""A result of run.py as a Markdown table: `.venv/bin/python benchmarks/table.py benchmarks/results/latest.json`."""

import argparse
import json
from pathlib import Path
from typing import Any

NAMES = {"aim": "reaches the aim", "holds": "holds", "MISSED": "**missed**", "": ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path)
    document = json.loads(parser.parse_args().result.read_text())
    print(_machine(document["machine"]), end="\n\n")
    print("| figure | value | bar | aim | | how |\n| --- | --- | --- | --- | --- | --- |")
    for figure in document["figures"]:
        print(_row(figure))


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
