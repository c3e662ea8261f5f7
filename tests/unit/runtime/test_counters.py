"""Counts by key on a board of several processes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.runtime.board import Board, make_board
from keeptrusts.runtime.counters import WAYS, Gauge, KeyedGauge, WindowCounter, hash_key

SETS = 4
KEYS = st.integers(1, 12)
PROCESSES = 3


def boards(words):
    regions = [make_board(words).mine for _ in range(PROCESSES)]
    return [Board(one, tuple(other for other in regions if other is not one)) for one in regions]


def test_keys_fall_into_all_sets():
    assert {hash_key("user", str(number)) % SETS for number in range(200)} == set(range(SETS))


def test_a_gauge_is_what_all_have_added_and_not_taken_away():
    gauges = [Gauge(board, at=3) for board in boards(8)]
    for gauge, change in zip(gauges, (5, 7, 0), strict=True):
        gauge.add(change)
    gauges[1].add(-6)
    assert [gauge.total() for gauge in gauges] == [6, 6, 6]


@given(st.lists(st.tuples(st.integers(0, PROCESSES - 1), KEYS, st.booleans()), max_size=60))
def test_everybody_sees_how_many_there_are_of_each_key(steps):
    gauges = [KeyedGauge(board, at=2, sets=SETS) for board in boards(2 + KeyedGauge.words(SETS))]
    counted = Counter()
    for index, key, is_more in steps:
        if is_more:
            gauges[index].add(key, 1)
            counted[index, key] += 1
        elif counted[index, key]:
            gauges[index].add(key, -1)
            counted[index, key] -= 1
    for key in range(1, 13):
        expected = sum(count for (_, counted_key), count in counted.items() if counted_key == key)
        assert {gauge.total(key) for gauge in gauges} == {expected}


def test_a_key_without_room_on_the_board_is_still_counted_by_its_own_process():
    one, other, _ = (KeyedGauge(board, at=0, sets=1) for board in boards(KeyedGauge.words(1)))
    for key in range(1, WAYS + 2):
        one.add(key, 1)
    assert one.total(WAYS + 1) == 1
    assert other.total(WAYS) == 1
    assert other.total(WAYS + 1) == 0
    one.add(1, -1)
    one.add(WAYS + 1, 1)  # now there is room
    assert other.total(WAYS + 1) == 2


@given(st.lists(st.tuples(st.integers(0, PROCESSES - 1), KEYS, st.integers(1, 3), st.integers(1, 9)), max_size=60))
def test_windows_are_counted_apart_and_an_older_one_is_forgotten(steps):
    counters = [WindowCounter(board, at=0, sets=SETS) for board in boards(WindowCounter.words(SETS))]
    counted, newest = Counter(), {}
    for number, (index, key, drawn, count) in enumerate(steps, 1):
        window = max(drawn, newest.get((index, key), 0))  # time goes on
        newest[index, key] = window
        counters[index].add(key, window, count, number)
        counted[index, key, window] += count
    for key in range(1, 13):
        for window in (1, 2, 3):
            expected = sum(
                counted[index, key, window] for index in range(PROCESSES) if newest.get((index, key)) == window
            )
            assert {counter.total(key, window) for counter in counters} == {expected}


def test_of_a_full_set_the_entry_that_was_used_least_lately_goes():
    counter = WindowCounter(make_board(WindowCounter.words(1)), at=0, sets=1)
    for key in range(1, WAYS + 1):
        counter.add(key, 1, 1, now_ns=key)
    counter.add(1, 1, 1, now_ns=100)
    counter.add(99, 1, 5, now_ns=101)
    assert counter.total(2, 1) == 0
    assert (counter.total(1, 1), counter.total(3, 1), counter.total(99, 1)) == (2, 1, 5)


@pytest.mark.parametrize(("change", "left"), [(-4, 6), (5, 15), (-11, 0)])
def test_a_count_is_corrected_within_its_window(change, left):
    counter = WindowCounter(make_board(WindowCounter.words(SETS)), at=0, sets=SETS)
    counter.add(7, 1, 10, 1)
    counter.correct(7, 1, change)
    assert counter.total(7, 1) == left


def test_a_correction_that_comes_after_its_window_changes_nothing():
    counter = WindowCounter(make_board(WindowCounter.words(SETS)), at=0, sets=SETS)
    counter.add(7, 1, 10, 1)
    counter.add(7, 2, 3, 2)
    counter.correct(7, 1, -10)
    counter.correct(8, 1, 10)
    assert (counter.total(7, 2), counter.total(8, 1)) == (3, 0)


def test_keys_are_the_same_in_every_process_and_never_zero():
    assert hash_key("key", "gk_c1") == 2601396473883623546
    assert hash_key("a", "b") != hash_key("ab")
    assert hash_key("") > 0
