"""On what a figure was measured."""

import os
import platform
import subprocess
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from processes import ROOT

LIBRARIES = ("httptools", "uvloop", "msgspec", "google-re2")


def describe_machine() -> dict[str, Any]:
    """Facts that explain why two runs differ. Steal time tells of a neighbour on the same host."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a script of its own, not the product
        "commit": _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "uncommitted": bool(_output("git", "-C", str(ROOT), "status", "--porcelain", "--", "src")),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "python_is_optimized": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "nginx": _output("nginx", "-v").removeprefix("nginx version: "),
        "wrk": _output("wrk", "-v").splitlines()[0],
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_average": os.getloadavg(),
    }


def busy_share(window_start: tuple[int, int]) -> float:
    """Which share of all cores' time was used since `cpu_times()`."""
    busy, total = cpu_times()
    return (busy - window_start[0]) / max(1, total - window_start[1])


def cpu_times() -> tuple[int, int]:
    """Busy and total ticks of the whole machine since boot."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _output(*command: str) -> str:
    """What a command says, on either stream: `nginx -v` speaks on the second."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()
