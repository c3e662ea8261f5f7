"""Holds calls to the limits of their pack: in flight, in all and per key, and requests and tokens in windows.

A call is counted from `begin` to `Lease.release`. Limits are of the instance: counts are sums over its workers.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.limits.counts import Counts
from keeptrusts.gateway.limits.rates import CallLimits, Rate
from keeptrusts.gateway.limits.standing import Standing
from keeptrusts.providers.translation.token_count import BYTES_PER_TOKEN
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.counters import WindowCounter, hash_key

_NANOSECONDS = 1_000_000_000


class _Keys(dict[str, int]):
    """Where the calls in flight of a key are counted, by its id: keys are few, and checked before they come here."""

    def __missing__(self, key_id: str) -> int:
        key = self[key_id] = hash_key("key", key_id)
        return key


class Limiter:
    """One per worker. Owned by its event loop."""

    def __init__(self, counts: Counts, clock: Clock) -> None:
        self._counts = counts
        self._clock = clock
        self._in_flight = counts.in_flight
        self._per_key = counts.per_key
        self._keys = _Keys()

    def check(self, limits: CallLimits, caller: Caller) -> None:
        """Before a body is read: whether there is room for one more call. Raises Fault."""
        if self._in_flight.total() >= limits.max_in_flight:
            raise _overloaded()
        if caller.is_anonymous:
            return
        if self._per_key.total(self._keys[caller.key_id or ""]) >= limits.max_in_flight_per_key:
            raise _too_many_of_key()

    def begin(self, caller: Caller) -> "Lease":
        """Count a call as in flight."""
        in_flight = self._in_flight.add(1)
        if caller.is_anonymous:
            return Lease(self, in_flight, None, 0)
        key = self._keys[caller.key_id or ""]
        return Lease(self, in_flight, key, self._per_key.add(key, 1))

    def admit(self, lease: "Lease", limits: CallLimits, caller: Caller, size: int) -> None:
        """Count a call, whose body has so many bytes, in its windows; `lease.standings` say then what is left.

        Raises Fault where it is over a limit; then nothing was counted.
        """
        if lease.in_flight > limits.max_in_flight:  # others came while its body was read
            raise _overloaded()
        if lease.of_key > limits.max_in_flight_per_key:
            raise _too_many_of_key()
        if not limits.rates:
            return
        now_ns = self._clock.unix_ns()
        standings = self.standings(limits, caller, now_ns // _NANOSECONDS)
        for standing in standings:
            if not standing.left:
                lease.standings = standings
                raise _over(standing)
        lease.standings = [self._take(lease, standing, caller, limits, size, now_ns) for standing in standings]

    def standings(self, limits: CallLimits, caller: Caller, now_s: int | None = None) -> list[Standing]:
        """Where a caller stands against each rate of a pack."""
        now_s = self._clock.unix_ns() // _NANOSECONDS if now_s is None else now_s
        found = []
        for rate in limits.rates:
            table, key = self._place(rate, caller, limits)
            found.append(Standing(rate, table.total(key, rate.window(now_s)), now_s))
        return found

    def describe(self, limits: CallLimits, caller: Caller) -> dict[str, Any]:
        """Limits and what is left of them, for the caller to read."""
        rates = {
            standing.rate.setting: {
                f"max_{standing.rate.unit}": standing.rate.limit,
                "window_seconds": standing.rate.window_s,
                "remaining": standing.left,
                "resets_in_seconds": standing.resets_in,
            }
            for standing in self.standings(limits, caller)
        }
        per_key = {} if caller.is_anonymous else {"max_in_flight_per_key": limits.max_in_flight_per_key}
        return {"max_in_flight": limits.max_in_flight, **per_key, **rates}

    def end(self, lease: "Lease", tokens: int) -> None:
        """Take a call out of what is in flight, and correct what its tokens were taken for."""
        self._in_flight.add(-1)
        if lease.key is not None:
            self._per_key.add(lease.key, -1)
        for key, window, held in lease.held_tokens:
            self._counts.common.correct(key, window, tokens - held)

    def _take(
        self, lease: "Lease", standing: Standing, caller: Caller, limits: CallLimits, size: int, now_ns: int
    ) -> Standing:
        """Count the call against one rate. Tokens are held up to what is left, so that no call is too large for it."""
        rate = standing.rate
        table, key = self._place(rate, caller, limits)
        window = rate.window(standing.now_s)
        count = 1 if rate.unit == "requests" else min(standing.left, max(1, size // BYTES_PER_TOKEN))
        table.add(key, window, count, now_ns)
        if rate.unit == "tokens":
            lease.held_tokens = (*lease.held_tokens, (key, window, count))
        return Standing(rate, standing.used + count, standing.now_s)

    def _place(self, rate: Rate, caller: Caller, limits: CallLimits) -> tuple[WindowCounter, int]:
        if not rate.is_per_user:
            return self._counts.common, rate.key
        return self._counts.per_user, rate.user_key(_subject(caller, limits.user_headers))


class Lease(msgspec.Struct, eq=False):
    """A call that is counted, given back once. `standings` say where its caller stands; none where nothing limits.

    `in_flight` and `of_key` are how many there were with it, in all and of its key; `key` is None without one.
    """

    limiter: Limiter
    in_flight: int
    key: int | None
    of_key: int
    held_tokens: tuple[tuple[int, int, int], ...] = ()  # key, window, count
    standings: Sequence[Standing] = ()
    is_released: bool = False

    def release(self, tokens: int = 0) -> None:
        """The call is over and has used so many tokens, 0 where it never reached a provider."""
        if not self.is_released:
            self.is_released = True
            self.limiter.end(self, tokens)


def _subject(caller: Caller, headers: tuple[str, ...]) -> str:
    """The user as the named headers say together, else the key."""
    identity = caller.identity
    said = [identity.find(header) for header in headers]
    if any(value is not None for value in said):
        return "user\0" + "\0".join(value or "" for value in said)
    return f"key\0{caller.key_id or ''}"


def _over(standing: Standing) -> Fault:
    rate = standing.rate
    whom = "each user" if rate.is_per_user else "all callers together"
    return Fault(
        Code.RATE_LIMIT_EXCEEDED,
        f"{rate.setting} allows {whom} {rate.limit} {rate.unit} in {rate.window_s} s, and they are used up: "
        f"try again in {standing.resets_in} s.",
        retry_after_s=standing.resets_in,
    )


def _overloaded() -> Fault:
    return Fault(Code.OVERLOADED, "As many calls are in flight as limits.max_in_flight allows: try again soon.")


def _too_many_of_key() -> Fault:
    message = "As many calls of this key are in flight as limits.max_in_flight_per_key allows: try again soon."
    return Fault(Code.RATE_LIMIT_EXCEEDED, message, retry_after_s=1)
