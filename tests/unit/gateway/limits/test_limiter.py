"""Calls are held to their limits, and given back whatever becomes of them."""

import resource
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.packs import make_pack
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import Identity
from keeptrusts.gateway.callers import ANONYMOUS, Caller
from keeptrusts.gateway.limits.counts import WORDS, Counts, open_counts
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.limits.rates import compile_limits
from keeptrusts.policies.catalog import load_pack
from keeptrusts.runtime.board import make_board

KEY, OTHER = Caller("gk_c1"), Caller("gk_c2")


def limits(**sections):
    return compile_limits(load_pack(make_pack(**sections)))


class Desk:
    """A limiter, and calls that come to it."""

    def __init__(self, *, counts=None, clock=None, **sections):
        self.clock = clock or FakeClock()
        self.counts = counts or Counts(make_board(WORDS))
        self.limiter = Limiter(self.counts, self.clock)
        self.limits = limits(**sections)

    def call(self, caller=KEY, size=400):
        """A call that stays. Raises Fault where it is refused, and is then over."""
        self.limiter.check(self.limits, caller)
        lease = self.limiter.begin(caller)
        try:
            self.limiter.admit(lease, self.limits, caller, size)
        except Fault:
            lease.release()
            raise
        return lease

    def refusal(self, caller=KEY, size=400):
        with pytest.raises(Fault) as refused:
            self.call(caller, size)
        return refused.value

    def left(self, caller=KEY):
        return [standing.left for standing in self.limiter.standings(self.limits, caller)]


def test_beyond_what_may_be_in_flight_calls_are_refused_until_one_ends():
    desk = Desk(limits={"max_in_flight": 2, "max_in_flight_per_key": 2})
    first, _ = desk.call(), desk.call(OTHER)
    assert desk.refusal(Caller("gk_c3")).code is Code.OVERLOADED
    first.release()
    desk.call(Caller("gk_c3"))


def test_one_key_cannot_take_all_places():
    desk = Desk(limits={"max_in_flight": 8})
    mine = [desk.call(), desk.call()]
    fault = desk.refusal()
    assert (fault.code, fault.retry_after_s) == (Code.RATE_LIMIT_EXCEEDED, 1)
    assert "max_in_flight_per_key" in fault.message
    desk.call(OTHER)
    desk.call(ANONYMOUS)
    mine[0].release()
    desk.call()


def test_callers_without_a_key_are_limited_only_together():
    desk = Desk(limits={"max_in_flight": 4})
    for _ in range(4):
        desk.call(ANONYMOUS)
    assert desk.refusal(ANONYMOUS).code is Code.OVERLOADED


def test_calls_that_pass_the_first_look_together_are_counted_one_by_one():
    desk = Desk(limits={"max_in_flight": 1})
    for _ in range(3):
        desk.limiter.check(desk.limits, KEY)
    first, second = desk.limiter.begin(KEY), desk.limiter.begin(KEY)
    with pytest.raises(Fault):
        desk.limiter.admit(second, desk.limits, KEY, 1)
    second.release()
    desk.limiter.admit(first, desk.limits, KEY, 1)


def test_a_lease_is_given_back_once():
    desk = Desk(token_rate_limit={"max_tokens": 1000})
    kept, lease = desk.call(), desk.call()
    lease.release(50)
    lease.release(50)
    assert desk.counts.in_flight.total() == 1
    assert desk.left() == [1000 - 100 - 50]
    kept.release()
    assert desk.counts.in_flight.total() == 0


PAUSES = st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.5]), max_size=40)


@given(st.integers(1, 5), st.integers(1, 7), PAUSES)
def test_no_window_ever_lets_in_more_than_its_limit_or_refuses_below_it(limit, window_s, pauses):
    rate = {"max_requests": limit, "window_seconds": window_s}
    desk = Desk(global_rate_limit=rate)
    let_in = Counter()
    for pause in pauses:
        desk.clock.advance(pause)
        window = desk.clock.unix_ns() // 10**9 // window_s
        if let_in[window] < limit:
            desk.call().release()
            let_in[window] += 1
        else:
            fault = desk.refusal()
            assert fault.code is Code.RATE_LIMIT_EXCEEDED
            assert 1 <= fault.retry_after_s <= window_s


def test_a_refusal_says_when_to_come_back_and_is_not_counted():
    desk = Desk(global_rate_limit={"max_requests": 1, "window_seconds": 60})
    desk.call().release()
    desk.clock.advance(10.5)
    fault = desk.refusal()
    assert fault.retry_after_s == 60 - 10  # 14:00:10
    assert "global_rate_limit allows all callers together 1 requests in 60 s" in fault.message
    desk.clock.advance(fault.retry_after_s)
    desk.call()
    assert desk.left() == [0]


def test_users_are_limited_apart_and_only_by_whom_the_gateway_trusts():
    desk = Desk(user_rate_limit={"max_requests": 1, "header_names": ["x-user-id", "x-team"]})
    anna, bert = (Caller("gk_c1", Identity(user=name)) for name in ("anna", "bert"))
    red = Caller("gk_c1", Identity(user="anna", headers={"x-team": "red"}))
    for caller in (anna, bert, red, KEY, OTHER, ANONYMOUS):
        desk.call(caller).release()
        assert desk.refusal(caller).code is Code.RATE_LIMIT_EXCEEDED


def test_two_values_are_not_another_users_one():
    desk = Desk(user_rate_limit={"max_requests": 1, "header_names": ["x-user-id", "x-team"]})
    desk.call(Caller("k", Identity(user="a", headers={"x-team": "b"})))
    desk.call(Caller("k", Identity(headers={"x-team": "ab"})))
    desk.call(Caller("k", Identity(user="ab")))


def test_a_limit_that_is_reached_costs_the_other_limits_nothing():
    desk = Desk(
        global_rate_limit={"max_requests": 10},
        user_rate_limit={"max_requests": 1},
        token_rate_limit={"max_tokens": 1000},
    )
    desk.call(size=400).release(100)
    desk.refusal()
    assert desk.left() == [9, 0, 900]


def test_tokens_are_held_by_size_and_corrected_by_what_was_used():
    desk = Desk(token_rate_limit={"max_tokens": 1000})
    lease = desk.call(size=2000)
    assert desk.left() == [500]
    lease.release(120)
    assert desk.left() == [880]
    desk.call(size=2000).release(0)  # never reached a provider
    assert desk.left() == [880]


def test_what_is_used_beyond_the_hold_counts_too():
    desk = Desk(token_rate_limit={"max_tokens": 1000})
    desk.call(size=4).release(5000)
    assert desk.left() == [0]
    fault = desk.refusal()
    assert "token_rate_limit allows all callers together 1000 tokens" in fault.message
    desk.clock.advance(3600)
    desk.call()


def test_no_call_is_too_large_for_a_window_that_has_room():
    desk = Desk(token_rate_limit={"max_tokens": 1000})
    lease = desk.call(size=32_000_000)
    assert desk.left() == [0]
    assert desk.refusal().code is Code.RATE_LIMIT_EXCEEDED
    lease.release(300)
    assert desk.left() == [700]
    desk.call()


def test_a_call_that_ends_in_a_later_window_leaves_that_one_alone():
    desk = Desk(token_rate_limit={"max_tokens": 1000, "window_seconds": 10})
    lease = desk.call(size=2000)
    desk.clock.advance(10)
    desk.call(size=400)
    lease.release(900)
    assert desk.left() == [900]


def test_what_a_caller_may_do_and_has_left_can_be_told():
    desk = Desk(limits={"max_in_flight": 8}, global_rate_limit={"max_requests": 3, "window_seconds": 60})
    desk.call()
    assert desk.limiter.describe(desk.limits, KEY) == {
        "max_in_flight": 8,
        "max_in_flight_per_key": 2,
        "global_rate_limit": {"max_requests": 3, "window_seconds": 60, "remaining": 2, "resets_in_seconds": 60},
    }
    assert "max_in_flight_per_key" not in desk.limiter.describe(desk.limits, ANONYMOUS)


def test_without_rates_no_clock_is_read():
    desk = Desk(clock=object())
    lease = desk.call()
    assert lease.standings == ()
    lease.release()


def test_limits_are_those_of_all_workers_together(tmp_path):
    written = {"limits": {"max_in_flight": 4, "max_in_flight_per_key": 3}, "global_rate_limit": {"max_requests": 5}}
    with open_counts(tmp_path, index=0, workers=2) as mine, open_counts(tmp_path, index=1, workers=2) as theirs:
        one, two = Desk(counts=mine, **written), Desk(counts=theirs, **written)
        leases = [one.call(), two.call(), two.call()]
        assert "per_key" in one.refusal().message
        leases.append(one.call(OTHER))
        assert two.refusal(OTHER).code is Code.OVERLOADED
        for lease in leases:
            lease.release()
        two.call(OTHER)
        assert "global_rate_limit" in one.refusal().message


@pytest.mark.slow
def test_a_million_users_take_no_more_memory_than_a_hundred_thousand():
    desk = Desk(user_rate_limit={"max_requests": 2, "window_seconds": 3600})

    def come(numbers):
        for number in numbers:
            desk.call(Caller("gk_c1", Identity(user=f"user-{number}"))).release()

    come(range(200_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    come(range(200_000, 1_000_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_000  # KiB
