"""Settings of `spend-limit`."""

import msgspec
import pytest

from keeptrusts.policies.spend_limit import SpendLimitSpec


def test_only_the_cap_is_needed():
    spec = msgspec.convert({"max_daily_usd": 500}, SpendLimitSpec)
    assert (spec.max_daily_usd, spec.timezone, spec.per, spec.bound) == (500.0, "UTC", "pack", "strict")


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"max_daily_usd": 0},
        {"max_daily_usd": -1},
        {"max_daily_usd": "500"},
        {"max_daily_usd": 1e10},
        {"max_daily_usd": 1, "per": "user"},
        {"max_daily_usd": 1, "timezone": "../UTC"},
        {"max_daily_usd": 1, "bound": "loose"},
    ],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, SpendLimitSpec)
