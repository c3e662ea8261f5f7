"""Measure the gateway on this machine: `make bench`, or `make bench ARGS="throughput --quick"`.

Prints each figure beside its bar and writes all of them, with facts of the machine, as JSON. Needs nginx, wrk, taskset.
LiteLLM's proxy and Portkey's gateway run beside ours where they are installed (`--litellm`, `--portkey`).
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contestants import GATEWAY, GATEWAY_FULL, GATEWAY_PII, NGINX
from figures import Budget, Figure
from lifetime import measure_soak, measure_start
from machine import busy_share, cpu_times, describe_machine
from neighbours import measure_flood, measure_neighbour
from peers import find_peers
from policy_scan import measure_scan
from streams import measure_chunk_cost, measure_open_streams
from table import write_page
from throughput import measure_latency, measure_peers, measure_tail, measure_throughput

SCENARIOS: dict[str, Callable[[Budget, Path], list[Figure]]] = {
    "throughput": measure_throughput,
    "latency": measure_latency,
    "peers": measure_peers,
    "tail": measure_tail,
    "chunk": measure_chunk_cost,
    "open-streams": measure_open_streams,
    "start": measure_start,
    "scan": measure_scan,
    "soak": measure_soak,
    "neighbour": measure_neighbour,
    "flood": measure_flood,
}
TOOLS = ("nginx", "wrk", "taskset")
DEFAULT_RESULT = Path(__file__).parent / "results" / "latest.json"


def main() -> int:
    given = _arguments()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}. On Debian: apt-get install nginx wrk util-linux", file=sys.stderr)
        return 2
    _raise_file_limit()
    peers = tuple(find_peers(given.litellm, given.portkey, given.peer))
    budget = Budget(peers=peers, rounds=given.rounds)
    if given.quick:
        budget = Budget(peers=peers, rounds=2, round_s=1, quick=True)
    switched_on = {one.name: one.switched_on for one in (NGINX, GATEWAY, GATEWAY_PII, GATEWAY_FULL, *peers)}
    print("\n".join(f"{name}: {what}" for name, what in switched_on.items()))
    document: dict[str, Any] = {"machine": describe_machine(), "quick": given.quick, "switched_on": switched_on}
    document |= {"scenarios": {}, "figures": []}
    failed = False
    for name in given.scenarios or SCENARIOS:
        failed |= not _run(name, budget, document)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(document, indent=1) + "\n")
    print(f"\nwritten to {given.out}")
    if given.page:
        write_page(document, given.page)
        print(f"and, as a table, to {given.page}")
    return 1 if failed else 0


def _run(name: str, budget: Budget, document: dict[str, Any]) -> bool:
    """Run one scenario in a folder of its own. A scenario that fails says why and does not stop the others."""
    began, cpu = time.monotonic(), cpu_times()
    print(f"\n{name}")
    with tempfile.TemporaryDirectory(prefix="kt-bench-") as folder:
        try:
            figures = SCENARIOS[name](budget, Path(folder))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs in the result
            reason = [type(error).__name__, *str(error).splitlines()]
            print(f"  FAILED {': '.join(dict.fromkeys((*reason[:2], reason[-1])))}")
            document["scenarios"][name] = {"failed": reason}
            return False
    for figure in figures:
        print("  " + _line(figure))
        document["figures"].append(figure.document())
    facts = {"seconds": round(time.monotonic() - began, 1), "machine_busy": round(busy_share(cpu), 2)}
    document["scenarios"][name] = facts
    print(f"  ({facts['seconds']} s)")
    return True


def _line(figure: Figure) -> str:
    limits = (
        "" if figure.bar is None else f"bar {figure.bar:g}, aim {figure.aim:g}" if figure.aim else f"bar {figure.bar:g}"
    )
    spread = f"+-{figure.spread / 2:.0%}"
    value = f"{figure.value:12,.3f} {figure.unit:12} {spread:6}"
    return f"{figure.name:36} {value} {figure.verdict:7} {limits:24} {figure.note}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="show that everything runs; rough figures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=DEFAULT_RESULT)
    parser.add_argument("--page", type=Path, help="write the table between the markers of this page, too")
    parser.add_argument("--litellm", help="the program `litellm`; else the one on PATH, if any")
    parser.add_argument("--portkey", help="the program of @portkey-ai/gateway; else `portkey-gateway` on PATH, if any")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=URL", help="another gateway on this machine"
    )
    given = parser.parse_args()
    unknown = [name for name in given.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"unknown scenario {unknown[0]!r}: choose from {', '.join(SCENARIOS)}")
    return given


def _raise_file_limit() -> None:
    """Thousands of connections need as many file descriptors; children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
