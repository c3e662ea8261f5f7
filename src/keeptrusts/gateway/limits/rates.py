"""Limits of a pack, ready to be held: how many calls at once, and how many requests and tokens in a window. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import UNSET

from keeptrusts.config.pack import Pack
from keeptrusts.runtime.counters import hash_key

Unit: TypeAlias = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many in each window. Windows begin at whole multiples of their length since 1970.

    `setting` is its name in the pack; `key` is where all callers together are counted, or what the keys of users are
    made of.
    """

    setting: str
    unit: Unit
    limit: int
    window_s: int
    is_per_user: bool
    key: int

    def window(self, now_s: int) -> int:
        """The number of the window that a moment lies in."""
        return now_s // self.window_s

    def resets_in(self, now_s: int) -> int:
        """Whole seconds until the window ends, at least 1."""
        return self.window_s - now_s % self.window_s

    def user_key(self, subject: str) -> int:
        """Where one user is counted."""
        return hash_key(f"{self.key:x}", subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """`user_headers` say together who a user is, in lower case."""

    max_in_flight: int
    max_in_flight_per_key: int
    rates: tuple[Rate, ...]
    user_headers: tuple[str, ...]


def compile_limits(pack: Pack) -> CallLimits:
    """What a pack says of limits. A change of a limit's window begins a new count, a change of its size does not."""
    whole, per_key = pack.limits.max_in_flight, pack.limits.max_in_flight_per_key
    return CallLimits(
        max_in_flight=whole,
        max_in_flight_per_key=max(1, whole // 4) if per_key is UNSET else per_key,
        rates=tuple(_rates(pack)),
        user_headers=()
        if pack.user_rate_limit is UNSET
        else tuple(name.lower() for name in pack.user_rate_limit.header_names),
    )


def _rates(pack: Pack) -> list[Rate]:
    rates = []
    if (requests := pack.global_rate_limit) is not UNSET:
        rates.append(_rate(pack, "global_rate_limit", "requests", requests.max_requests, requests.window_seconds))
    if (user := pack.user_rate_limit) is not UNSET:
        rates.append(_rate(pack, "user_rate_limit", "requests", user.max_requests, user.window_seconds))
    if (tokens := pack.token_rate_limit) is not UNSET:
        rates.append(_rate(pack, "token_rate_limit", "tokens", tokens.max_tokens, tokens.window_seconds))
    return rates


def _rate(pack: Pack, setting: str, unit: Unit, limit: int, window_s: int) -> Rate:
    return Rate(
        setting=setting,
        unit=unit,
        limit=limit,
        window_s=window_s,
        is_per_user=setting == "user_rate_limit",
        key=hash_key(pack.pack.name, setting, str(window_s)),
    )
