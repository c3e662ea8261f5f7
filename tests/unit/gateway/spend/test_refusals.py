"""Money and moments, as callers read them."""

import pytest

from keeptrusts.gateway.spend.refusals import usd, when


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (1, "$0.000001"), (10_000, "$0.01"), (123_400, "$0.1234"), (500_000_000, "$500.00"),
     (-2_500_000, "-$2.50")],
)  # fmt: skip
def test_dollars_have_two_decimals_at_least_and_lose_no_digit(micros, text):
    assert usd(micros) == text


def test_a_moment_is_told_in_utc():
    assert when(1_795_478_400_000_000_000) == "2026-11-24T00:00:00Z"
