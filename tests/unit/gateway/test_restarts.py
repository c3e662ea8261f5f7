"""When a worker is started again."""

from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.gateway.restarts import FORGIVEN_AFTER_S, MAX_DELAY_S, Restarts


def live(restarts, now, for_s):
    restarts.note_start(now)
    return restarts.plan(now + for_s)


def test_a_worker_that_ended_once_is_started_at_once():
    assert live(Restarts(), 100.0, 0.1) == 0.0


def test_one_that_keeps_ending_waits_ever_longer_but_not_for_ever():
    restarts = Restarts()
    delays = [live(restarts, 100.0 + turn, 0.1) for turn in range(8)]
    assert delays == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, MAX_DELAY_S, MAX_DELAY_S]


def test_one_that_lived_for_long_is_forgiven():
    restarts = Restarts()
    for _ in range(5):
        live(restarts, 100.0, 1.0)
    assert live(restarts, 200.0, FORGIVEN_AFTER_S) == 0.0
    assert live(restarts, 300.0, 1.0) == 0.5


@given(st.lists(st.floats(0, 100), max_size=2000))
def test_no_history_makes_it_wait_longer_than_the_bound(lives):
    restarts = Restarts()
    assert all(0.0 <= live(restarts, 0.0, for_s) <= MAX_DELAY_S for for_s in lives)
