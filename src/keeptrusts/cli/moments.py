"""Moments as people write them on a command line: a date, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_moment(text: str, now: datetime) -> datetime:
    """Read `2026-11-23`, `2026-11-23T14:00:00Z` (without an offset: UTC) or `90m`: so long before `now`.

    Raises ValueError with the way out.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(seconds=int(ago[1]) * _UNIT_S[ago[2]])
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r}: expected a time such as 2026-11-23T14:00:00Z, or 30m, 24h, 7d") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
