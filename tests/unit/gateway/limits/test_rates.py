"""Limits as a pack writes them, ready to be held."""

from hypothesis import given
from hypothesis import strategies as st

from fakes.packs import make_pack
from keeptrusts.gateway.limits.rates import CallLimits, compile_limits
from keeptrusts.policies.catalog import load_pack


def limits(**sections) -> CallLimits:
    return compile_limits(load_pack(make_pack(**sections)))


def test_a_pack_without_limits_limits_only_what_is_in_flight():
    assert limits() == CallLimits(max_in_flight=1000, max_in_flight_per_key=250, rates=(), user_headers=())


def test_a_key_gets_a_quarter_unless_the_pack_says_otherwise():
    assert limits(limits={"max_in_flight": 10}).max_in_flight_per_key == 2
    assert limits(limits={"max_in_flight": 1}).max_in_flight_per_key == 1
    assert limits(limits={"max_in_flight": 10, "max_in_flight_per_key": 9}).max_in_flight_per_key == 9


def test_each_rate_bears_its_name_and_its_window():
    made = limits(
        global_rate_limit={"max_requests": 10},
        user_rate_limit={"max_requests": 2, "window_seconds": 5, "header_names": ["X-Team", "x-user-id"]},
        token_rate_limit={"max_tokens": 500},
    )
    assert [(rate.setting, rate.unit, rate.limit, rate.window_s, rate.is_per_user) for rate in made.rates] == [
        ("global_rate_limit", "requests", 10, 60, False),
        ("user_rate_limit", "requests", 2, 5, True),
        ("token_rate_limit", "tokens", 500, 3600, False),
    ]
    assert made.user_headers == ("x-team", "x-user-id")


def test_another_window_is_counted_anew_and_another_size_is_not():
    def key(name="blue", **written):
        [rate] = compile_limits(load_pack(make_pack(name=name, global_rate_limit=written))).rates
        return rate.key

    assert key(max_requests=10) == key(max_requests=20)
    assert len({key(max_requests=10), key(max_requests=10, window_seconds=61), key(name="red", max_requests=10)}) == 3


def test_users_are_counted_apart():
    [rate] = limits(user_rate_limit={"max_requests": 1}).rates
    assert len({rate.key, rate.user_key("a"), rate.user_key("b")}) == 3


@given(st.integers(0, 10**10), st.integers(1, 10**6))
def test_a_moment_lies_in_one_window_which_ends_when_it_says(now_s, window_s):
    [rate] = limits(global_rate_limit={"max_requests": 1, "window_seconds": window_s}).rates
    ends = now_s + rate.resets_in(now_s)
    assert 1 <= rate.resets_in(now_s) <= window_s
    assert rate.window(ends) == rate.window(now_s) + 1
    assert rate.window(ends - 1) == rate.window(now_s)
