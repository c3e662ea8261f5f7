"""What an instance counts, over all its workers."""

from keeptrusts.gateway.limits.counts import WORDS, Counts, clear_worker, open_counts
from keeptrusts.runtime.board import make_board


def test_every_count_has_a_place_of_its_own():
    counts = Counts(make_board(WORDS))
    for number, gauge in enumerate((counts.in_flight, counts.held_bytes, counts.connections, counts.admin_connections)):
        gauge.add(number + 1)
    counts.per_key.add(7, 5)
    counts.common.add(7, 1, 6, 1)
    counts.per_user.add(7, 1, 8, 1)
    gauges = (counts.in_flight, counts.held_bytes, counts.connections, counts.admin_connections)
    assert [gauge.total() for gauge in gauges] == [1, 2, 3, 4]
    assert (counts.per_key.total(7), counts.common.total(7, 1), counts.per_user.total(7, 1)) == (5, 6, 8)


def test_a_worker_alone_leaves_no_file(tmp_path):
    with open_counts(tmp_path, index=0, workers=1) as counts:
        counts.in_flight.add(1)
    assert list(tmp_path.iterdir()) == []


def test_workers_see_each_others_counts(tmp_path):
    with open_counts(tmp_path, index=0, workers=2) as one, open_counts(tmp_path, index=1, workers=2) as two:
        one.in_flight.add(2)
        two.in_flight.add(3)
        two.per_key.add(7, 4)
        two.per_user.add(9, 1, 5, 1)
        assert (one.in_flight.total(), one.per_key.total(7), one.per_user.total(9, 1)) == (5, 4, 5)


def test_what_a_dead_worker_had_in_flight_counts_no_more_and_what_it_let_in_still_does(tmp_path):
    with open_counts(tmp_path, index=0, workers=2) as one:
        with open_counts(tmp_path, index=1, workers=2) as two:
            two.in_flight.add(3)
            two.held_bytes.add(100)
            two.per_key.add(7, 4)
            two.common.add(9, 1, 5, 1)
        clear_worker(tmp_path, index=1, workers=2)
        assert (one.in_flight.total(), one.held_bytes.total(), one.per_key.total(7)) == (0, 0, 0)
        assert one.common.total(9, 1) == 5


def test_a_worker_that_comes_back_begins_with_nothing_in_flight(tmp_path):
    with open_counts(tmp_path, index=0, workers=2) as one:
        one.in_flight.add(3)
    with open_counts(tmp_path, index=0, workers=2) as one:
        assert one.in_flight.total() == 0
