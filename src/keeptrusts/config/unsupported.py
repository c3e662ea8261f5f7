"""What belongs to the language and cannot be acted on yet. Such settings are refused, never ignored.

One table: when the gateway learns something, its line goes. Kinds of policies are not here: the catalog knows them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keeptrusts.config.codes import Code
from keeptrusts.config.report import Report
from keeptrusts.contract.call import Path

EACH = "*"


@dataclass(frozen=True, slots=True)
class NotYet:
    """A setting, and what it would do."""

    path: tuple[str, ...]
    what: str
    remedy: str


NOT_YET: tuple[NotYet, ...] = (
    NotYet(
        ("providers", "targets", EACH, "secret_key_ref", "store"),
        "resolving config variables, which takes a control plane,",
        "use `env: NAME` or `file: PATH`",
    ),
)


def check_supported(tree: dict[str, Any], report: Report) -> None:
    """Report every use of a setting of the table."""
    for entry in NOT_YET:
        for path in _places(tree, entry.path, ()):
            message = f"{entry.what} is not supported yet, so the pack cannot be enforced as it stands"
            report.add(Code.NOT_SUPPORTED_YET, path, message, entry.remedy, at_key=True)


def _places(value: Any, steps: tuple[str, ...], path: Path) -> Iterator[Path]:
    """Where a setting stands in a pack."""
    if not steps:
        yield path
    elif steps[0] == EACH:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _places(item, steps[1:], (*path, index))
    elif isinstance(value, dict) and steps[0] in value:
        yield from _places(value[steps[0]], steps[1:], (*path, steps[0]))
