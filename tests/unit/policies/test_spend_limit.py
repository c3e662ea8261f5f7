"""Settings of `spend-limit`, the bucket of a call, and the day of a moment wherever clocks change."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.policies.spend_limit import SpendLimit, SpendLimitSpec, UnusableSetting

HOUR_NS = 3_600_000_000_000


def limit(**settings):
    return SpendLimit.compile(msgspec.convert({"max_daily_usd": 1} | settings, SpendLimitSpec))


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


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


@pytest.mark.parametrize(("usd", "micros"), [(500, 500_000_000), (0.1, 100_000), (19.99, 19_990_000), (1e-6, 1)])
def test_dollars_become_integer_micros_to_the_cent(usd, micros):
    assert limit(max_daily_usd=usd).cap_micros == micros


def test_a_cap_that_no_call_can_ever_meet_is_refused():
    with pytest.raises(UnusableSetting) as refused:
        limit(max_daily_usd=1e-7)
    assert refused.value.path == "max_daily_usd"


@pytest.mark.parametrize("name", ["Europe/Berlim", "Nowhere", "Europe", "Europe/"])
def test_an_unknown_time_zone_is_refused_with_the_nearest_name(name):
    with pytest.raises(UnusableSetting) as refused:
        limit(timezone=name)
    assert refused.value.path == "timezone"
    assert name in refused.value.message
    assert refused.value.suggestion.startswith("such as ")


def test_one_bucket_for_the_pack_or_one_for_each_key():
    assert limit().bucket_of("gk_c1") == limit().bucket_of(None) == "pack"
    assert [limit(per="key").bucket_of(key) for key in ("gk_c1", "gk_c2", None)] == ["gk_c1", "gk_c2", "keyless"]


@pytest.mark.parametrize(
    ("zone", "moment", "name", "hours"),
    [
        ("UTC", "2026-11-23T14:00:00", "2026-11-23", 24),
        ("UTC", "2026-11-23T00:00:00", "2026-11-23", 24),
        ("Europe/Berlin", "2026-11-23T23:30:00", "2026-11-24", 24),
        ("Europe/Berlin", "2026-03-29T00:30:00", "2026-03-29", 23),  # clocks go forward at 2:00
        ("Europe/Berlin", "2026-10-25T00:59:59", "2026-10-25", 25),  # and back at 3:00
        ("America/Sao_Paulo", "2018-11-04T12:00:00", "2018-11-04", 23),  # forward at midnight: it never was 0:00
        ("America/Sao_Paulo", "2018-02-18T02:30:00", "2018-02-17", 25),  # back at midnight: 23:30 for the second time
        ("Asia/Kolkata", "2026-11-23T18:30:00", "2026-11-24", 24),
        ("Pacific/Apia", "2011-12-30T09:59:59", "2011-12-29", 24),  # the 30th was left out
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31", 24),
    ],
)
def test_a_day_is_the_calendars_however_many_hours_it_has(zone, moment, name, hours):
    day = limit(timezone=zone).day_of(ns(moment))
    assert (day.name, day.ends_ns - day.starts_ns) == (name, hours * HOUR_NS)
    assert day.starts_ns <= ns(moment) < day.ends_ns


ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu",
         "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]  # fmt: skip


@given(st.sampled_from(ZONES), st.datetimes(datetime(2005, 1, 1), datetime(2027, 1, 1)), st.integers(0, 999))  # noqa: DTZ001
def test_days_follow_upon_each_other_without_a_gap_and_hold_their_moments(zone, moment, nanos):
    policy = limit(timezone=zone)
    now_ns = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000 + nanos
    day = policy.day_of(now_ns)
    assert day.starts_ns <= now_ns < day.ends_ns
    assert policy.day_of(day.starts_ns) == policy.day_of(day.ends_ns - 1) == day
    after = policy.day_of(day.ends_ns)
    assert (after.starts_ns, after.name > day.name) == (day.ends_ns, True)
