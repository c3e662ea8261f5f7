"""What headers say of limits."""

import pytest

from keeptrusts.gateway.limits.rates import Rate
from keeptrusts.gateway.limits.standing import Standing, limit_lines

NOW = 1_795_442_400  # 2026-11-23T14:00:00Z


def standing(limit=10, used=4, *, unit="requests", window_s=3600, now_s=NOW + 5):
    rate = Rate(setting="s", unit=unit, limit=limit, window_s=window_s, is_per_user=False, key=1)
    return Standing(rate, used, now_s)


def test_in_openais_form():
    assert limit_lines([standing(), standing(500, 100, unit="tokens", window_s=60)], anthropic=False) == (
        b"x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 6\r\nx-ratelimit-reset-requests: 59m55s\r\n"
        b"x-ratelimit-limit-tokens: 500\r\nx-ratelimit-remaining-tokens: 400\r\nx-ratelimit-reset-tokens: 55s\r\n"
    )


def test_in_anthropics_form():
    assert limit_lines([standing()], anthropic=True) == (
        b"anthropic-ratelimit-requests-limit: 10\r\nanthropic-ratelimit-requests-remaining: 6\r\n"
        b"anthropic-ratelimit-requests-reset: 2026-11-23T15:00:00Z\r\n"
    )


@pytest.mark.parametrize(
    ("window_s", "form"),
    [(10, b": 5s\r\n"), (360, b": 5m55s\r\n"), (86_400, b": 9h59m55s\r\n"), (7200, b": 1h59m55s\r\n")],
)
def test_durations_are_as_short_as_they_can_be(window_s, form):
    assert form in limit_lines([standing(window_s=window_s)], anthropic=False)


def test_of_two_limits_that_of_which_less_is_left_is_told():
    lines = limit_lines([standing(100, 1), standing(5, 3, window_s=60), standing(50, 0)], anthropic=False)
    assert b"limit-requests: 5\r\nx-ratelimit-remaining-requests: 2\r\n" in lines
    assert lines.count(b"limit-requests") == 1


def test_less_than_nothing_is_never_left():
    assert standing(5, 9).left == 0
    assert limit_lines([], anthropic=False) == b""
