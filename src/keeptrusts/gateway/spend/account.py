"""One bucket on one day as one worker sees it: a slice in memory, and who waits for room in it.

    granted - returned = settled + held + free

A hold moves money from free to held, a settlement from held to settled, and what it did not cost back to free. Holds
are never part of what is spent. Only integers move here: no file, no clock, no task, no lock; the event loop owns it.
"""

import asyncio
from collections import deque
from typing import Protocol

import msgspec

from keeptrusts.contract.faults import Fault
from keeptrusts.gateway.spend.refusals import budget_busy, budget_exceeded
from keeptrusts.gateway.spend.slices import Grant, SliceRequest
from keeptrusts.policies.spend_limit import Day

_AHEAD_CALLS = 8
"""How many calls like the first one a slice is leased for, until it is known how quickly they come."""


class Owner(Protocol):
    """Whoever reports accounts to the ledger: the book."""

    def note_change(self, account: "Account") -> None:
        """Its totals changed: report them with the next exchange."""

    def ask_now(self, account: "Account") -> None:
        """It needs more than it has: ask the ledger at once."""


class Waiter(msgspec.Struct, eq=False):
    """A call that waits for room. Its future gets the hold, or the fault that refuses it."""

    micros: int
    future: "asyncio.Future[Hold]"


class Hold(msgspec.Struct, eq=False):
    """The worst case of one call, taken from its account until the call's cost is known."""

    account: "Account"
    micros: int
    is_settled: bool = False

    def settle(self, cost_micros: int) -> None:
        """Count what the call cost, in the day in which it was held. Only the first time does anything.

        A cost beyond the hold is counted in full; a call that was never sent costs 0.
        """
        if not self.is_settled:
            self.is_settled = True
            self.account.settle(self.micros, cost_micros)


class Account:
    """Sums are micro-dollars, totals since the account was opened. Waiters are served in their order."""

    def __init__(self, bucket: str, day: Day, cap_micros: int, owner: Owner) -> None:
        self.bucket = bucket
        self.day = day
        self.cap_micros = cap_micros
        self.granted = self.returned = self.settled = self.held = self.free = 0
        self.others_spent = self.others_leased = self.others_held = 0
        self.is_known = False  # the ledger has told what others spent
        self.is_short = False  # the ledger had no room when it was asked last: it is asked again, after a pause
        self.waiters: deque[Waiter] = deque()
        self.event_members = f'"spend_bucket":"{bucket}","spend_day":"{day.name}"'
        self._owner = owner
        self._ahead = 0  # how much is wanted beyond what is needed
        self._low = 0  # more is asked for when less than this is free
        self._is_low = False  # it was asked for

    @property
    def spent(self) -> int:
        """What everybody spent in this bucket and day, as far as it is known here."""
        return self.others_spent + self.settled

    @property
    def held_by_all(self) -> int:
        """What is held, or leased and not spent, everywhere."""
        return self.held + self.others_leased

    # Calls.

    def try_hold(self, micros: int) -> Hold | None:
        """A hold, if the slice has room and nobody waits."""
        if self.free < micros or self.waiters:
            return None
        return self._take(micros)

    def is_spent(self, micros: int) -> bool:
        """Whether what is spent leaves no room for this, whatever becomes of what is held."""
        return self.cap_micros - self.spent < micros

    def wait(self, waiter: Waiter) -> None:
        """Queue up; the waiter's future tells."""
        self.waiters.append(waiter)
        self._ahead = self._ahead or _AHEAD_CALLS * waiter.micros
        if not self.is_short:
            self._owner.ask_now(self)

    def expire(self, waiter: Waiter) -> None:
        """It has waited long enough."""
        if not waiter.future.done():
            waiter.future.set_exception(self.busy(waiter.micros))
            self.leave(waiter)

    def leave(self, waiter: Waiter) -> None:
        """It waits no longer; those behind it may fit now."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
            self.serve()

    def settle(self, held: int, cost: int) -> None:
        self.held -= held
        self.settled += cost
        self.free += held - cost
        self._owner.note_change(self)
        if self.waiters:
            self.serve()

    def serve(self) -> None:
        """Give holds to those in front, and refuse them where nothing can make room any more."""
        while self.waiters:
            waiter = self.waiters[0]
            if waiter.future.done():
                pass  # its caller has left
            elif waiter.micros <= self.free:
                waiter.future.set_result(self._take(waiter.micros))
            elif self.is_spent(waiter.micros):
                waiter.future.set_exception(self.exceeded(waiter.micros))
            else:
                return
            self.waiters.popleft()
        self.is_short = False

    def refuse_all(self, fault: Fault) -> None:
        waiters, self.waiters, self.is_short = self.waiters, deque(), False
        for waiter in waiters:
            if not waiter.future.done():
                waiter.future.set_exception(fault)

    def exceeded(self, micros: int) -> Fault:
        return budget_exceeded(**self._state(micros))

    def busy(self, micros: int) -> Fault:
        return budget_busy(**self._state(micros))

    # The slice.

    def adopt(self, cap_micros: int, day: Day) -> None:
        """Go by another cap, or other hours of the same day: those of a new version of the pack.

        What was leased under a higher cap goes back, so that a lower one counts at once.
        """
        if cap_micros < self.cap_micros:
            self.give_back()
        self.cap_micros, self.day = cap_micros, day

    def give_back(self) -> None:
        """Hand back what no call holds."""
        if self.free > 0:
            self.returned += self.free
            self.free = 0
        self._owner.note_change(self)

    def grow(self) -> None:
        """The slice did not last: lease more at a time."""
        self._ahead = min(self._ahead * 2, self.cap_micros)

    def shrink(self) -> None:
        """It lasted long: lease less at a time."""
        self._ahead //= 2

    def request(self, *, is_last: bool = False) -> SliceRequest:
        """How it stands, and what it lacks."""
        needs = self.waiters[0].micros - self.free if self.waiters else 0
        waits = sum(waiter.micros for waiter in self.waiters) - self.free if self.waiters else 0
        wants = self._ahead if self.waiters else self._ahead - self.free if self._is_low else 0
        return SliceRequest(
            bucket=self.bucket,
            day=self.day.name,
            resets_ns=self.day.ends_ns,
            cap_micros=self.cap_micros,
            need_micros=max(0, needs),
            wait_micros=max(0, waits),
            want_micros=max(0, wants),
            spent_micros=self.settled,
            returned_micros=self.returned,
            held_micros=self.held,
            is_last=is_last,
        )

    def receive(self, grant: Grant) -> None:
        """Take what the ledger granted, and serve those who waited for it."""
        self.free += grant.granted_micros - self.granted
        self.granted = grant.granted_micros
        self.others_spent = grant.others_spent_micros
        self.others_leased = grant.others_leased_micros
        self.others_held = grant.others_held_micros
        self.is_known = True
        self.serve()
        self.is_short = bool(self.waiters)
        self._low, self._is_low = max(0, min(self._ahead, self.free) // 2), False

    def _take(self, micros: int) -> Hold:
        self.free -= micros
        self.held += micros
        if self.free < self._low and not self._is_low:
            self._is_low = True
            self._owner.ask_now(self)
        return Hold(self, micros)

    def _state(self, micros: int) -> dict[str, int]:
        return {
            "cap": self.cap_micros,
            "spent": self.spent,
            "held": self.held_by_all,
            "worst": micros,
            "resets_ns": self.day.ends_ns,
        }
