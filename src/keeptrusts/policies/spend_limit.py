"""`spend-limit`: a hard cap on the money spent in a day. Says which bucket a call counts in, and which day it is.

What is left of a bucket is not known here: the gateway's spend book knows.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from keeptrusts.config.names import Timezone

PACK_BUCKET = "pack"
KEYLESS_BUCKET = "keyless"
"""Calls of anonymous callers, and those with a token that is no gateway key, where keys are counted apart."""

_MICROS_PER_USD = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpendLimitSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `spend-limit`.

    The day begins at midnight in `timezone`. `bound` says how the worst case of a call is reckoned: from its bytes
    (strict), or from what calls have used so far (learned).
    """

    max_daily_usd: Annotated[float, Meta(gt=0, le=1_000_000_000)]
    timezone: Timezone = "UTC"
    per: Literal["pack", "key"] = "pack"
    bound: Literal["strict", "learned"] = "strict"


class UnusableSetting(ValueError):
    """A setting that is well-formed and cannot be acted on: which one, why, and what to write instead."""

    def __init__(self, path: str, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in some time zone: its date, and when it begins and ends, in nanoseconds since 1970.

    It has 23 to 25 hours where clocks change, and `ends_ns` is not within it.
    """

    name: str
    starts_ns: int
    ends_ns: int


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A running `spend-limit`: `cap_micros` may be spent per bucket and day."""

    cap_micros: int
    zone: ZoneInfo
    per: Literal["pack", "key"]
    bound: Literal["strict", "learned"]

    @classmethod
    def compile(cls, spec: SpendLimitSpec) -> "SpendLimit":
        """Raises UnusableSetting for an unknown time zone, or a cap below a millionth of a dollar."""
        cap_micros = round(spec.max_daily_usd * _MICROS_PER_USD)
        if cap_micros == 0:
            raise UnusableSetting("max_daily_usd", "money is counted in millionths of a dollar", "0.000001 at least")
        return cls(cap_micros, _find_zone(spec.timezone), spec.per, spec.bound)

    def bucket_of(self, key_id: str | None) -> str:
        """What a call with this key counts in."""
        if self.per == "pack":
            return PACK_BUCKET
        return key_id or KEYLESS_BUCKET

    def day_of(self, unix_ns: int) -> Day:
        """The day that this moment belongs to."""
        local = (_EPOCH + timedelta(microseconds=unix_ns // 1000)).astimezone(self.zone)
        today = local.date()
        starts_ns, ends_ns = self._midnight(today), self._midnight(today + timedelta(days=1))
        return Day(today.isoformat(), starts_ns, ends_ns)

    def _midnight(self, day: date) -> int:
        """When a day begins. Where clocks skip midnight, it is the moment at which they do."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return (midnight - _EPOCH) // timedelta(microseconds=1) * 1000


def _find_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        names = available_timezones()
        near = get_close_matches(name, names, n=1) or ["UTC"]
        known = "is not known" if names else "cannot be used: this machine has no time zone data (install tzdata)"
        raise UnusableSetting("timezone", f"the time zone {name!r} {known}", f"such as {near[0]}") from None
