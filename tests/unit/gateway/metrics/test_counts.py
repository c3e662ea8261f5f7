"""Metrics as plain values: sent over channels, added up, kept after a worker's end."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.gateway.metrics.counts import CallSeries, Counters, Levels, MetricsSnapshot, merge, retire

COUNT = st.integers(0, 1000)
BY_FACT = st.dictionaries(st.sampled_from(["a", "b"]), COUNT, max_size=2)
NESTED = st.dictionaries(st.sampled_from(["x", "y", "z"]), BY_FACT, max_size=3)


@st.composite
def a_series(draw, name):
    series = CallSeries(route="chat/completions", target=name, status="2xx", output_tokens=draw(COUNT))
    series.duration.buckets[draw(st.integers(0, 16))] = draw(COUNT)
    series.duration.sum_us = draw(COUNT)
    return series


@st.composite
def a_snapshot(draw):
    names = draw(st.sets(st.sampled_from(["one", "two", "three"])))
    counters = Counters(
        calls={name: draw(a_series(name)) for name in sorted(names)},
        evaluations=draw(NESTED), errors=draw(BY_FACT), refusals=draw(BY_FACT), targets=draw(NESTED),
        events_lost=draw(COUNT), cpu_us=draw(COUNT),
    )  # fmt: skip
    levels = Levels(workers=1, in_flight=draw(COUNT), memory_bytes=draw(COUNT))
    return MetricsSnapshot(counters=counters, levels=levels)


@given(a_snapshot(), a_snapshot(), a_snapshot())
def test_the_order_of_workers_and_of_additions_does_not_matter(one, two, three):
    assert merge([one, two, three]) == merge([three, one, two]) == merge([merge([two, three]), one])
    assert merge([one]) == one


@given(a_snapshot(), a_snapshot())
def test_every_number_is_added(one, two):
    total = merge([one, two])
    assert total.levels.in_flight == one.levels.in_flight + two.levels.in_flight
    assert total.counters.cpu_us == one.counters.cpu_us + two.counters.cpu_us
    for name, series in total.counters.calls.items():
        own = [snapshot.counters.calls[name] for snapshot in (one, two) if name in snapshot.counters.calls]
        assert series.requests == sum(part.requests for part in own)
        assert series.output_tokens == sum(part.output_tokens for part in own)
        assert series.target == name


@given(a_snapshot(), a_snapshot())
def test_adding_up_changes_no_worker(one, two):
    before = msgspec.json.encode([one, two])
    merge([one, two])
    assert msgspec.json.encode([one, two]) == before


@given(a_snapshot())
def test_a_snapshot_crosses_a_channel(snapshot):
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=MetricsSnapshot) == snapshot
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=MetricsSnapshot) == snapshot


@given(a_snapshot(), a_snapshot())
def test_what_a_dead_worker_counted_stays_and_what_it_held_goes(dead, alive):
    total = merge([retire(dead), alive])
    assert total.levels == alive.levels
    assert total.counters == merge([dead, alive]).counters


def test_nothing_is_the_sum_of_no_workers():
    assert merge([]) == MetricsSnapshot()
