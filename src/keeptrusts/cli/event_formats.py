"""How decision events look to people: lines of a table, and rows of a spreadsheet. Both distrust every string."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from keeptrusts.cli.event_log import Event
from keeptrusts.contract.events import DecisionEvent, Gap
from keeptrusts.contract.usage import Usage

Column: TypeAlias = tuple[str, int, Callable[[DecisionEvent], object]]

_TIME = "%Y-%m-%d %H:%M:%S.%f"


def _reason(event: DecisionEvent) -> str | None:
    """What went wrong, which policy refused the call, and whether it took more than one attempt."""
    what = event.reason_code if event.error_code is None else event.error_code
    blocking = [policy.kind for policy in event.policies if policy.verdict == "block"]
    tries = f"{len(event.attempts)} attempts" if len(event.attempts) > 1 else None
    return ", ".join(filter(None, (what, *dict.fromkeys(blocking), tries))) or None


TABLE: tuple[Column, ...] = (
    ("TIME (UTC)", 23, lambda event: f"{event.timestamp:{_TIME}}"[:-3]),
    ("DECISION", 8, lambda event: event.decision),
    ("STATUS", 6, lambda event: event.status),
    ("MODEL", 22, lambda event: event.model),
    ("TARGET", 18, lambda event: event.target_id),
    ("KEY", 16, lambda event: event.key_id),
    ("TOKENS", 13, lambda event: f"{event.usage.input_tokens}+{event.usage.output_tokens}"),
    ("USD", 10, lambda event: None if event.cost_micros is None else f"{event.cost_micros / 1_000_000:.6f}"),
    ("MS", 9, lambda event: f"{event.latency_ms:.1f}"),
    ("REASON", 60, _reason),
)

_USAGE = Usage.__struct_fields__
_GAP = ("first_seq", "last_seq", "count")
_PLAIN = tuple(name for name in DecisionEvent.__struct_fields__ if name not in {"usage", "attempts", "policies"})
_FIRST = ("timestamp", "request_id", "id")
_REST = tuple(name for name in _PLAIN if name not in _FIRST)
CSV_HEADER = (*_FIRST, "event_type", *_REST, *_USAGE, "attempts", "policies", *_GAP)

# What makes a spreadsheet take a cell for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def table_header() -> str:
    return "  ".join(name.ljust(width) for name, width, _ in TABLE).rstrip()


def table_line(event: Event) -> str:
    """One line; a declared loss says so across the columns."""
    if isinstance(event, Gap):
        numbers = f"numbers {event.first_seq} to {event.last_seq}"
        return f"{event.timestamp:{_TIME}}"[:-3] + f"  {event.count} events lost ({event.reason}): {numbers}"
    return "  ".join(_cell(value(event), width) for _, width, value in TABLE).rstrip()


def csv_row(event: Event) -> list[str]:
    """The cells under `CSV_HEADER`. Lists are JSON; a declared loss has its numbers in the last three."""
    plain: dict[str, Any] = msgspec.to_builtins(event)
    if isinstance(event, Gap):
        values = {**plain, "reason_code": event.reason}
    else:
        values = {**plain, **plain["usage"], "attempts": _json(event.attempts), "policies": _json(event.policies)}
    return [_csv_cell(values.get(name)) for name in CSV_HEADER]


def printable(text: str) -> str:
    """Without anything that a terminal would obey: control characters and the like are shown by their escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cell(value: object, width: int) -> str:
    text = "-" if value is None else printable(str(value))
    return (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)


def _csv_cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else str(value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
