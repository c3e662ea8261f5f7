"""What is counted of a call, and under which names."""

import pytest

from fakes.packs import make_pack, make_snapshot, make_target
from fakes.policies import WordPolicy
from fakes.records import Ledger, make_call, make_record
from keeptrusts.contract.call import Route
from keeptrusts.contract.events import PolicyOutcome
from keeptrusts.contract.faults import Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.judging import Tally
from keeptrusts.gateway.metrics import meter as module
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.policies.verdict import Phase, Rewrite


def ended(meter, *, took_s=0.0, ledger=None, **changes):
    record = make_record(ledger, observer=meter, **changes)
    record.clock.advance(took_s)
    record.close()
    return record


def only_series(meter):
    [series] = meter.counters().calls.values()
    return series


def test_a_call_is_counted_with_its_times_and_its_usage():
    meter = Meter()
    target = make_snapshot().targets[0]
    usage = Usage(input_tokens=9, cached_input_tokens=4, output_tokens=3)
    ended(meter, took_s=2.0, target=target, status=200, usage=usage, upstream_s=1.998, first_byte=1001.5)
    series = only_series(meter)
    assert (series.route, series.target, series.status, series.requests) == ("chat/completions", "main", "2xx", 1)
    assert (series.duration.sum_us, series.first_byte.sum_us) == (2_000_000, 1_500_000)
    assert series.overhead.sum_us == pytest.approx(2000)
    assert series.duration.buckets.index(1) == 7  # up to 2.5 s
    assert series.overhead.buckets.index(1) == 4  # up to 2.5 ms
    assert (series.input_tokens, series.cached_input_tokens, series.output_tokens) == (9, 4, 3)


@pytest.mark.parametrize(("took_s", "bucket"), [(0.0, 0), (0.25, 4), (0.250001, 5), (640.0, 15), (9999.0, 16)])
def test_a_bound_belongs_to_its_bucket_and_nothing_is_too_long(took_s, bucket):
    meter = Meter()
    ended(meter, took_s=took_s)
    assert only_series(meter).duration.buckets.index(1) == bucket


@pytest.mark.parametrize(("status", "label"), [(200, "2xx"), (404, "4xx"), (529, "5xx"), (None, "none")])
def test_statuses_are_counted_by_their_class(status, label):
    meter = Meter()
    ended(meter, status=status)
    assert only_series(meter).status == label


def test_calls_that_no_target_took_are_those_of_other():
    meter = Meter()
    for model in ("m-1", "m-2"):
        ended(meter, status=404, error_code="model_not_found", call=make_call(model=model))
    assert only_series(meter).target == "other"
    assert only_series(meter).requests == 2
    assert meter.counters().errors == {"model_not_found": 2}


def test_targets_beyond_a_number_are_counted_together(monkeypatch):
    monkeypatch.setattr(module, "MAX_TARGETS", 3)
    targets = make_snapshot(make_pack(*(make_target(id=f"t{number}") for number in range(9)))).targets
    meter = Meter()
    for _ in range(2):
        for target in targets:
            ended(meter, target=target, status=200)
    calls = meter.counters().calls.values()
    assert {(one.target, one.requests) for one in calls} == {("t0", 2), ("t1", 2), ("t2", 2), ("other", 12)}


def test_a_call_with_a_price_is_counted_with_its_cost():
    meter = Meter()
    price = {"input_per_mtok_usd": 1.0, "output_per_mtok_usd": 2.0}
    target = make_snapshot(make_pack(make_target(price=price))).targets[0]
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000)
    ended(meter, target=target, call=make_call(model="gpt-4o-mini"), status=200, usage=usage)
    assert only_series(meter).cost_micros == 2_000_000


def test_each_policy_is_counted_with_its_verdict():
    meter = Meter()
    for verdicts in ([], [Rewrite("", "pii_detected", {"email": 1})]):
        tally = Tally(WordPolicy({}, kind="words"), Phase.INPUT)
        for verdict in verdicts:
            tally.add(verdict)
        ended(meter, tallies=[tally], rulings=[PolicyOutcome(kind="rbac", phase="input", verdict="allow")])
    assert meter.counters().evaluations == {"words": {"allow": 1, "redact": 1}, "rbac": {"allow": 2}}


def test_a_call_that_could_not_be_recorded_is_counted_as_the_refusal_that_it_becomes():
    meter = Meter()
    with pytest.raises(Fault):
        ended(meter, ledger=Ledger(refuses=True), status=200)
    assert only_series(meter).status == "5xx"
    assert meter.counters().errors == {"audit_unavailable": 1}


def test_routes_are_told_apart_and_refusals_are_counted_by_code():
    meter = Meter()
    for route in (Route.CHAT, Route.MESSAGES, Route.CHAT):
        ended(meter, route=route, status=200)
    meter.refuse("missing_key")
    meter.refuse("missing_key")
    assert {one.route: one.requests for one in meter.counters().calls.values()} == {
        "chat/completions": 2,
        "messages": 1,
    }
    assert meter.counters().refusals == {"missing_key": 2}
