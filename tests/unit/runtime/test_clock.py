"""The machine's clock, and the one that tests move: both keep the same promises."""

from datetime import UTC, datetime, timedelta

import pytest

from fakes.clock import FakeClock
from keeptrusts.runtime.clock import SystemClock


@pytest.fixture(params=[SystemClock, FakeClock])
def clock(request):
    return request.param()


def test_now_is_aware_and_utc(clock):
    assert clock.now().tzinfo is UTC


def test_now_and_nanoseconds_tell_the_same_time(clock):
    before = clock.now()
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=clock.unix_ns() // 1000)
    assert abs(moment - before) < timedelta(seconds=5)


def test_monotonic_time_never_goes_back(clock):
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_the_fake_clock_moves_all_its_hands_together():
    clock = FakeClock()
    now, ns, monotonic = clock.now(), clock.unix_ns(), clock.monotonic()
    clock.advance(1.5)
    assert clock.now() - now == timedelta(seconds=1.5)
    assert clock.unix_ns() - ns == 1_500_000_000
    assert clock.monotonic() - monotonic == 1.5
