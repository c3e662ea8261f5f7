"""JSON lines on standard error, with the standard library. Facts go in `extra={"facts": {...}}`; nothing else is kept.

Secrets are masked where a record is made; as a last line of defence, anything that looks like a credential is cut here.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_CREDENTIAL = re.compile(r"(kt_[ga]k_|(?<![A-Za-z])sk-|(?i:bearer)\s+)[A-Za-z0-9_\-.~+/=]{6,}")


class JsonFormatter(logging.Formatter):
    """One record, one line. `common` stands in each: which process of several it is, say."""

    def __init__(self, common: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._common = dict(common or {})

    def format(self, record: logging.LogRecord) -> str:
        known = {
            "timestamp": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line: dict[str, Any] = {**known, **self._common, **getattr(record, "facts", {}), **known}
        if record.exc_info:
            line["exception"] = _trace(record)
        return _CREDENTIAL.sub(r"\1***", json.dumps(line, default=str))


def configure_logs(level: str = "INFO", *, common: Mapping[str, Any] | None = None) -> None:
    """Send every record to standard error as JSON, with these facts in each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(common))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _message(record: logging.LogRecord) -> str:
    """The event loop quotes exceptions, whose texts may be a caller's, from its second line on."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _trace(record: logging.LogRecord) -> list[str]:
    """Type and places of an exception, without its message: that may quote a caller's text."""
    lines = []
    kind, _, trace = record.exc_info or (None, None, None)
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return [kind.__name__ if kind else "", *lines]
