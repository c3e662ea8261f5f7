"""How long the policies take over a prompt of 100 KB, in a process pinned like the gateway."""

import json
import subprocess
from pathlib import Path

from contestants import write_pack
from figures import Budget, Figure
from processes import TESTED_CORE, child_environment, pinned, python

FINDINGS = 10
SCANS = (
    ("clean", "pii", 0, None, None),
    ("ten-findings", "pii", FINDINGS, None, None),
    ("five-kinds.clean", "texts", 0, None, None),
    ("five-kinds.ten-findings", "texts", FINDINGS, 3.0, 1.0),
)
"""A name, a pack, findings, bar and aim."""


def measure_scan(budget: Budget, folder: Path) -> list[Figure]:
    """A prompt without and one with ten addresses to redact, judged by one kind and by five."""
    figures = []
    for name, chain, findings, bar, aim in SCANS:
        pack = write_pack(chain, 9, folder)
        options = ["--findings", str(findings), "--times", str(40 * budget.rounds)]
        command = pinned(TESTED_CORE, python(str(Path(__file__).with_name("scan_prompt.py")), str(pack), *options))
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=child_environment())
        samples = tuple(json.loads(done.stdout))
        figures.append(Figure(name=f"scan.{name}", unit="ms", samples=samples, bar=bar, aim=aim, note="100 KB"))
    return figures
