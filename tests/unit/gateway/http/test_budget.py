"""Bytes of request bodies, taken before they are read and given back once."""

from keeptrusts.gateway.http.budget import Budget
from keeptrusts.runtime.board import make_board
from keeptrusts.runtime.counters import Gauge


def test_no_more_is_taken_than_there_is():
    budget = Budget(10, Gauge(make_board(1)))
    assert budget.take(7)
    assert not budget.take(4)
    assert budget.held == 7
    budget.give_back(7)
    assert budget.take(10)


def test_those_who_share_a_gauge_share_what_there_is():
    gauge = Gauge(make_board(1))
    one, two = Budget(10, gauge), Budget(10, gauge)
    assert one.take(6)
    assert not two.take(5)
    assert two.take(4)
    assert one.held == two.held == 10


def test_one_holder_leaves_the_other_half_to_everybody_else():
    budget = Budget(100, Gauge(make_board(1)))
    assert budget.take(30, "a")
    assert not budget.take(21, "a")
    assert budget.take(20, "a")
    assert budget.take(50, "b")
    budget.give_back(20, "a")
    assert budget.take(20, "a")


def test_a_holder_who_has_given_everything_back_is_forgotten():
    budget = Budget(100, Gauge(make_board(1)))
    for number in range(1000):
        assert budget.take(50, f"holder {number}")
        budget.give_back(20, f"holder {number}")
        budget.give_back(30, f"holder {number}")
    assert budget.held == 0
    assert budget.take(50, "holder 7")
