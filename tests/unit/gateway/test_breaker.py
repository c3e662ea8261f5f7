"""When a failing target is left alone, and when it is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.targets import CircuitBreaker
from keeptrusts.gateway.breaker import PROBE_WAIT_S, Breaker

RULE = CircuitBreaker(failure_threshold=3, cooldown_seconds=30, half_open_requests=2)


def fail(breaker, now, times=1):
    for _ in range(times):
        breaker.end(RULE, now, is_probe=breaker.begin(RULE), succeeded=False)


def opened(now=100.0):
    breaker = Breaker()
    fail(breaker, now, times=3)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not():
    breaker = Breaker()
    fail(breaker, 100.0, times=2)
    breaker.end(RULE, 100.0, is_probe=breaker.begin(RULE), succeeded=True)
    fail(breaker, 100.0, times=2)
    assert breaker.wait_s(RULE, 100.0) == 0
    fail(breaker, 100.0)
    assert breaker.is_open(RULE)
    assert breaker.wait_s(RULE, 100.0) == 30


def test_after_the_cooldown_only_so_many_probes_go_out():
    breaker = opened()
    assert breaker.wait_s(RULE, 129.0) == 1
    assert breaker.wait_s(RULE, 130.0) == 0
    assert breaker.begin(RULE)
    assert breaker.begin(RULE)
    assert breaker.wait_s(RULE, 130.0) == PROBE_WAIT_S


def test_a_probe_that_succeeds_closes_it():
    breaker = opened()
    breaker.end(RULE, 131.0, is_probe=breaker.begin(RULE), succeeded=True)
    assert not breaker.is_open(RULE)
    assert breaker.wait_s(RULE, 131.0) == 0


def test_a_probe_that_fails_opens_it_for_another_cooldown():
    breaker = opened()
    fail(breaker, 131.0)
    assert breaker.wait_s(RULE, 132.0) == 29


def test_a_probe_whose_client_left_gives_its_place_back():
    breaker = opened()
    breaker.end(RULE, 131.0, is_probe=breaker.begin(RULE), succeeded=None)
    assert breaker.probes == 0
    assert breaker.is_open(RULE)


def test_calls_that_began_before_it_opened_say_nothing_about_now():
    breaker = Breaker()
    early = [breaker.begin(RULE), breaker.begin(RULE)]
    fail(breaker, 100.0, times=3)
    breaker.end(RULE, 110.0, is_probe=early[0], succeeded=True)
    assert breaker.is_open(RULE)
    breaker.end(RULE, 110.0, is_probe=early[1], succeeded=False)
    assert breaker.wait_s(RULE, 110.0) == 20


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(0, 60)), max_size=60))
def test_however_calls_end_no_probe_is_lost_and_no_more_go_out_than_allowed(steps):
    breaker, now, under_way = Breaker(), 0.0, []
    for outcome, passed in steps:
        now += passed
        if breaker.wait_s(RULE, now) == 0:
            under_way.append(breaker.begin(RULE))
        assert breaker.probes <= RULE.half_open_requests
        if under_way and outcome is not True:
            breaker.end(RULE, now, is_probe=under_way.pop(0), succeeded=outcome)
    for is_probe in under_way:
        breaker.end(RULE, now, is_probe=is_probe, succeeded=True)
    assert breaker.probes == 0
