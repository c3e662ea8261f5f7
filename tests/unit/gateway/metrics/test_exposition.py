"""Prometheus' text format, as a strict reader takes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.expositions import read_exposition
from keeptrusts.gateway.metrics import exposition
from keeptrusts.gateway.metrics.counts import Histogram
from keeptrusts.gateway.metrics.exposition import Family, HistogramFamily


def render(families):
    return b"".join(exposition.render(families))


NUMBER = st.one_of(st.integers(0, 2**53), st.floats(0, 1e18))


@given(st.dictionaries(st.text(), NUMBER, max_size=5))
def test_any_name_is_read_back_as_it_was(values):
    family = Family("some_total", "counter", "What it is.")
    for name, value in values.items():
        family.add(value, name=name)
    [metric] = read_exposition(render([family])).values()
    assert {dict(labels)["name"]: value for (_, labels), value in metric.samples.items()} == values


def test_a_page_to_the_letter():
    requests = Family("requests_total", "counter", "All \\ of\nthem.")
    requests.add(3, path='a"b\\c\nd', code="200")
    up = Family("up", "gauge", "Whether.")
    up.add(True)
    took = HistogramFamily("took_seconds", "How long.", (0.5, 2.0))
    took.add(Histogram([1, 0, 2], sum_us=7_500_000), route="chat")
    assert render([requests, up, took]).decode().splitlines() == [
        r"# HELP requests_total All \\ of\nthem.",
        "# TYPE requests_total counter",
        r'requests_total{path="a\"b\\c\nd",code="200"} 3',
        "# HELP up Whether.",
        "# TYPE up gauge",
        "up 1",
        "# HELP took_seconds How long.",
        "# TYPE took_seconds histogram",
        'took_seconds_bucket{route="chat",le="0.5"} 1',
        'took_seconds_bucket{route="chat",le="2"} 1',
        'took_seconds_bucket{route="chat",le="+Inf"} 3',
        'took_seconds_sum{route="chat"} 7.5',
        'took_seconds_count{route="chat"} 3',
    ]


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4), st.integers(0, 10**12))
def test_buckets_add_up(buckets, sum_us):
    family = HistogramFamily("took_seconds", "How long.", (0.0001, 0.5, 2.5))
    family.add(Histogram(buckets, sum_us))
    metric = read_exposition(render([family]))["took_seconds"]
    assert metric.value("_count") == sum(buckets)
    assert metric.value("_sum") == pytest.approx(sum_us / 1_000_000)


def test_a_metric_without_samples_is_still_announced():
    assert read_exposition(render([Family("none_total", "counter", "None yet.")]))["none_total"].samples == {}
