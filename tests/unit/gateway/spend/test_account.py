"""One bucket in memory: what is free, held and spent, and who waits."""

import asyncio

import pytest

from fakes.spend import NOW_NS, TODAY, make_limit
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.spend.account import Account, Waiter
from keeptrusts.gateway.spend.slices import Grant

DAY = make_limit().day_of(NOW_NS)


class Notes:
    """Stands where the book does."""

    def __init__(self):
        self.changes = self.asked = 0

    def note_change(self, account):
        self.changes += 1

    def ask_now(self, account):
        self.asked += 1


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def make_account(granted=0, *, cap=100, others_spent=0, others_leased=0):
    account = Account("pack", DAY, cap, Notes())
    if granted:
        receive(account, granted, others_spent, others_leased)
    return account


def receive(account, granted, others_spent=0, others_leased=0):
    account.receive(
        Grant(
            bucket="pack",
            day=TODAY,
            granted_micros=granted,
            others_spent_micros=others_spent,
            others_leased_micros=others_leased,
        )
    )


def is_balanced(account):
    return account.granted - account.returned == account.settled + account.held + account.free


def test_a_hold_is_no_spend_until_it_is_settled_and_what_it_did_not_cost_is_free_again():
    account = make_account(100)
    hold = account.try_hold(60)
    assert (account.spent, account.held, account.free) == (0, 60, 40)
    hold.settle(10)
    assert (account.spent, account.held, account.free) == (10, 0, 90)
    assert is_balanced(account)


def test_a_hold_is_settled_once():
    account = make_account(100)
    hold = account.try_hold(60)
    hold.settle(10)
    hold.settle(10)
    hold.settle(0)
    assert (account.spent, account.held) == (10, 0)


def test_a_cost_beyond_its_hold_is_counted_in_full():
    account = make_account(50)
    account.try_hold(40).settle(70)
    assert (account.spent, account.free) == (70, -20)
    assert account.try_hold(1) is None
    assert is_balanced(account)


def test_what_does_not_fit_into_the_slice_is_not_given():
    assert make_account(50).try_hold(51) is None
    assert make_account(50).try_hold(50) is not None


def waiting(account, loop, *sizes):
    waiters = [Waiter(size, loop.create_future()) for size in sizes]
    for waiter in waiters:
        account.wait(waiter)
    return waiters


def given(waiter):
    return waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None


def test_those_who_wait_are_served_in_their_order_and_nobody_overtakes(loop):
    account = make_account(50)
    hold = account.try_hold(40)
    big, small = waiting(account, loop, 45, 5)
    assert account.try_hold(1) is None
    hold.settle(0)
    assert given(big)
    assert given(small)
    assert account.free == 0


def test_a_small_call_does_not_pass_a_large_one_that_waits(loop):
    account = make_account(50)
    hold = account.try_hold(40)
    big, small = waiting(account, loop, 45, 5)
    hold.settle(39)
    assert not big.future.done()
    assert not small.future.done()


def test_one_who_has_left_is_passed_over_and_leaves_no_trace(loop):
    account = make_account(50)
    hold = account.try_hold(50)
    gone, other = waiting(account, loop, 50, 30)
    gone.future.cancel()
    hold.settle(10)
    assert given(other)
    account.leave(gone)
    assert (account.held, account.free, len(account.waiters)) == (30, 10, 0)


def test_when_the_first_leaves_those_behind_may_fit(loop):
    account = make_account(50)
    account.try_hold(40)
    big, small = waiting(account, loop, 20, 10)
    account.leave(big)
    assert given(small)


def code(waiter):
    return waiter.future.exception().code


def test_a_wait_that_settlements_end_in_no_room_is_refused_at_once(loop):
    account = make_account(100)
    hold = account.try_hold(100)
    big, small = waiting(account, loop, 30, 20)
    hold.settle(75)
    assert code(big) is Code.BUDGET_EXCEEDED
    assert given(small)


def test_whoever_has_waited_long_enough_is_told_to_try_again(loop):
    account = make_account(100)
    account.try_hold(100)
    [waiter] = waiting(account, loop, 30)
    account.expire(waiter)
    fault = waiter.future.exception()
    assert (fault.code, fault.retry_after_s, fault.policy) == (Code.BUDGET_BUSY, 1, "spend-limit")
    account.expire(waiter)
    assert not account.waiters


def test_refusals_say_how_the_budget_stands():
    account = make_account(40, cap=100, others_spent=50, others_leased=10)
    account.try_hold(15).settle(15)
    account.try_hold(20)
    fault = account.exceeded(36)
    assert fault.message == (
        "The budget leaves no room: $0.000065 of $0.0001 are spent today, $0.00003 are held by calls under way, "
        "and this call may cost up to $0.000036. It resets at 2026-11-24T00:00:00Z."
    )
    assert "$0.000065 of $0.0001" in account.busy(30).message


def test_a_call_beyond_a_whole_days_budget_is_told_what_to_do():
    assert "max_tokens" in make_account(cap=100).exceeded(101).message


def test_the_ledger_is_asked_by_the_first_who_waits_and_not_again_while_it_has_nothing(loop):
    account = make_account()
    waiting(account, loop, 10, 10)
    assert account._owner.asked == 2
    request = account.request()
    assert (request.need_micros, request.wait_micros, request.want_micros) == (10, 20, 80)
    receive(account, 0, others_leased=100)
    assert account.is_short
    waiting(account, loop, 10)
    assert account._owner.asked == 2


def test_the_ledger_is_asked_ahead_before_the_slice_runs_out_and_once_only():
    account = make_account()
    account._ahead = 80
    receive(account, 80)
    asked = account._owner.asked
    for _ in range(7):
        account.try_hold(10)
    assert account._owner.asked == asked + 1
    assert (account.request().need_micros, account.request().want_micros) == (0, 70)


def test_a_slice_grows_and_shrinks_with_the_pace_within_the_cap(loop):
    account = make_account(cap=1000)
    waiting(account, loop, 10)
    for _ in range(10):
        account.grow()
    assert account.request().want_micros == 1000
    for _ in range(12):
        account.shrink()
    assert account.request().want_micros == 0


def test_what_nobody_holds_can_be_handed_back():
    account = make_account(100)
    account.try_hold(30)
    account.give_back()
    assert (account.free, account.returned, account.held) == (0, 70, 30)
    account.give_back()
    assert account.returned == 70
    assert is_balanced(account)


def test_a_lowered_cap_counts_at_once_and_keeps_what_was_spent():
    account = make_account(100)
    account.try_hold(30).settle(30)
    account.adopt(40, DAY)
    assert account.try_hold(5) is None
    assert account.is_spent(11)
    assert not account.is_spent(10)
    account.adopt(200, DAY)
    assert (account.spent, account.is_spent(170)) == (30, False)


def test_when_the_ledger_is_away_those_who_wait_are_told(loop):
    account = make_account()
    first, gone = waiting(account, loop, 10, 10)
    gone.future.cancel()
    account.refuse_all(Fault(Code.LEDGER_UNAVAILABLE, "away"))
    assert code(first) is Code.LEDGER_UNAVAILABLE
    assert not account.waiters


def test_events_say_what_was_counted_where():
    assert make_account().event_members == '"spend_bucket":"pack","spend_day":"2026-11-23"'
