"""Compare two results of run.py: `.venv/bin/python benchmarks/compare.py before.json after.json`.

A change counts when it is larger than what the samples of either run spread by themselves.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

CAREFUL = ("cpu", "cores", "kernel", "python", "python_is_optimized", "nginx")
"""Facts without which absolute figures cannot be compared; ratios to nginx still can."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    given = parser.parse_args()
    before, after = (json.loads(path.read_text()) for path in (given.before, given.after))
    for fact in CAREFUL:
        if before["machine"][fact] != after["machine"][fact]:
            print(f"other {fact}: {before['machine'][fact]} and {after['machine'][fact]}; trust the ratios only")
    older = {figure["name"]: figure for figure in before["figures"]}
    worse = [_print_change(older[one["name"]], one) for one in after["figures"] if one["name"] in older]
    for name in sorted(set(older) ^ {figure["name"] for figure in after["figures"]}):
        print(f"{name:36} only in one of them")
    return 1 if any(worse) else 0


def _print_change(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Print one line; whether it got worse by more than it spreads."""
    change = after["value"] / before["value"] - 1 if before["value"] else 0.0
    noise = max(before["spread"], after["spread"]) / 2
    is_better = (change > 0) == (after["better"] == "higher")
    word = "same" if abs(change) <= noise else "better" if is_better else "WORSE"
    print(
        f"{after['name']:36} {before['value']:12,.3f} -> {after['value']:12,.3f} {after['unit']:12} "
        f"{change:+7.1%} (noise {noise:.1%}) {word}"
    )
    return word == "WORSE"


if __name__ == "__main__":
    sys.exit(main())
