"""Where a caller stands against a rate, and how an answer's headers say so, in the form that each SDK knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from keeptrusts.gateway.limits.rates import Rate

_OPENAI = (
    b"x-ratelimit-limit-%(unit)b: %(limit)d\r\nx-ratelimit-remaining-%(unit)b: %(left)d\r\n"
    b"x-ratelimit-reset-%(unit)b: %(reset)b\r\n"
)
_ANTHROPIC = (
    b"anthropic-ratelimit-%(unit)b-limit: %(limit)d\r\nanthropic-ratelimit-%(unit)b-remaining: %(left)d\r\n"
    b"anthropic-ratelimit-%(unit)b-reset: %(reset)b\r\n"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a rate is used in the window of the moment `now_s`, in seconds since 1970."""

    rate: Rate
    used: int
    now_s: int

    @property
    def left(self) -> int:
        return max(0, self.rate.limit - self.used)

    @property
    def resets_in(self) -> int:
        return self.rate.resets_in(self.now_s)


def limit_lines(standings: Sequence[Standing], *, anthropic: bool) -> bytes:
    """Header lines, one set for each unit: of several limits of a unit, that of which least is left."""
    tightest: dict[str, Standing] = {}
    for standing in standings:
        other = tightest.get(standing.rate.unit)
        if other is None or standing.left < other.left:
            tightest[standing.rate.unit] = standing
    return b"".join(_lines(standing, anthropic=anthropic) for standing in tightest.values())


def _lines(standing: Standing, *, anthropic: bool) -> bytes:
    resets_in = standing.resets_in
    facts = {
        b"unit": standing.rate.unit.encode(),
        b"limit": standing.rate.limit,
        b"left": standing.left,
        b"reset": _moment(standing.now_s + resets_in) if anthropic else _duration(resets_in),
    }
    return (_ANTHROPIC if anthropic else _OPENAI) % facts


def _moment(unix_s: int) -> bytes:
    return datetime.fromtimestamp(unix_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _duration(seconds: int) -> bytes:
    """`59s`, `6m0s`, `2h0m5s`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return b"%dh%dm%ds" % (hours, minutes, seconds)
    return b"%dm%ds" % (minutes, seconds) if minutes else b"%ds" % seconds
