from fakes.clock import FakeClock
from keeptrusts.runtime.log_rate import LogRate


def test_so_many_lines_a_second_are_written():
    rate = LogRate(FakeClock(), per_second=3)
    assert [rate.admit() for _ in range(5)] == [0, 0, 0, None, None]


def test_the_next_line_says_how_many_were_left_out():
    clock = FakeClock()
    rate = LogRate(clock, per_second=1)
    for _ in range(5):
        rate.admit()
    clock.advance(0.9)
    assert rate.admit() is None
    clock.advance(0.1)
    assert [rate.admit(), rate.admit()] == [5, None]
    clock.advance(3600)
    assert rate.admit() == 1


def test_a_quiet_time_saves_up_nothing():
    clock = FakeClock()
    rate = LogRate(clock, per_second=2)
    clock.advance(3600)
    assert [rate.admit() for _ in range(3)] == [0, 0, None]
