"""The facts of one call, and the event that they become."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.packs import make_pack, make_snapshot, make_target
from fakes.policies import WordPolicy
from fakes.records import Ledger, make_call, make_record
from keeptrusts.contract.call import Route
from keeptrusts.contract.events import Attempt
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.judging import Tally
from keeptrusts.gateway.record import attempt, client_request_id
from keeptrusts.policies.verdict import Block, Flag, Phase, Rewrite
from keeptrusts.providers.errors import POLICY_CODES

CALL = make_call(stream=True)


def tally(*verdicts, kind="words"):
    made = Tally(WordPolicy({}, kind=kind), Phase.INPUT)
    for verdict in verdicts:
        made.add(verdict)
    return made


REDACTED = Rewrite("", "pii_detected", {"email": 1})
BLOCKED = Block("attack_found", "no")


def test_what_was_only_flagged_is_allowed():
    record = make_record()
    record.tallies.append(tally(Flag("prompt_injection", {"jailbreak": 1})))
    outcome = closed(record)
    assert (outcome.decision, outcome.reason_code) == ("allow", None)
    assert (outcome.policies[0].verdict, outcome.policies[0].reason_code) == ("flag", "prompt_injection")


def closed(record):
    record.close()
    [outcome] = record.outbox.closed
    return outcome


def test_what_an_attempt_must_have_cost_survives_a_crash_in_the_next_one():
    record = make_record(call=CALL)
    for _ in range(2):
        mark = record.begin(record.snapshot.targets[0])
        record.forget(mark, Code.UPSTREAM_TIMEOUT)
    first, second = (opened.cost_micros for opened in record.outbox.opened)
    assert first
    assert second == 2 * first


def test_a_call_that_got_its_answer():
    record = make_record(client_request_id="mine-1", call=CALL)
    record.target = record.snapshot.targets[0]
    record.open()
    record.attempts.append(attempt(record.target, 200, 0.8))
    record.upstream_s, record.first_byte = 0.75, 1000.5
    record.usage, record.status = Usage(input_tokens=9, output_tokens=3), 200
    record.clock.advance(0.875)
    outcome = closed(record)
    assert record.request_id == "req_" + "ab" * 16
    assert msgspec.to_builtins(outcome) | {"attempts": None} == {
        "decision": "allow", "reason_code": None, "client_request_id": "mine-1", "route": "/v1/chat/completions",
        "stream": True, "key_id": "gk_c1", "user": None, "model": "small", "provider": "openai", "target_id": "main",
        "usage": msgspec.to_builtins(Usage(input_tokens=9, output_tokens=3)),
        "cost_micros": 4, "spend_bucket": None, "spend_day": None,
        "status": 200, "error_code": None, "attempts": None, "policies": (),
        "latency_ms": 875.0, "first_byte_ms": 500.0, "overhead_ms": 125.0,
    }  # fmt: skip
    assert outcome.attempts == (Attempt(target_id="main", status=200, ms=800.0),)


@given(
    st.builds(
        Usage,
        **{name: st.integers(0, 10**12) for name in Usage.__struct_fields__ if name.endswith(("tokens", "searches"))},
        estimated=st.booleans(), service_tier=st.sampled_from(["standard", "flex", "priority", "fast"]),
    )
)  # fmt: skip
def test_an_event_has_every_count(usage):
    assert closed(make_record(usage=usage)).usage == usage


def test_an_event_is_written_once():
    record = make_record()
    record.close()
    record.close()
    assert len(record.outbox.closed) == 1


@pytest.mark.parametrize(
    ("tallies", "decision", "reason"),
    [
        ([], "allow", None),
        ([tally(), tally()], "allow", None),
        ([tally(), tally(REDACTED)], "redact", "pii_detected"),
        ([tally(REDACTED), tally(BLOCKED)], "block", "attack_found"),
        ([tally(BLOCKED), tally(REDACTED)], "block", "attack_found"),
    ],
)
def test_the_decision_is_the_worst_verdict_with_its_own_reason(tallies, decision, reason):
    outcome = closed(make_record(tallies=tallies))
    assert (outcome.decision, outcome.reason_code) == (decision, reason)
    assert len(outcome.policies) == len(tallies)


@pytest.mark.parametrize("code", sorted(POLICY_CODES | {Code.BUDGET_EXCEEDED}))
def test_a_refusal_before_any_text_was_judged_is_a_block_with_its_code_as_the_reason(code):
    outcome = closed(make_record(error_code=code, status=400))
    assert (outcome.decision, outcome.reason_code, outcome.error_code) == ("block", code, code)


@pytest.mark.parametrize("code", [Code.MODEL_NOT_FOUND, Code.UPSTREAM_TIMEOUT, "client_disconnected", None])
def test_a_failure_that_is_no_policys_is_no_block(code):
    assert closed(make_record(error_code=code)).decision == "allow"


def sent(**changes):
    record = make_record(call=CALL, **changes)
    record.open()
    return record


def test_usage_is_estimated_where_the_provider_never_told():
    assert closed(sent(pieces=12)).usage == Usage(input_tokens=100, output_tokens=12, estimated=True)
    assert closed(sent(pieces=12, error_code="client_disconnected")).usage.estimated


def priced(*, asked="gpt-4o-mini", route=Route.CHAT, **target):
    """The cost in the event of a call that used a million tokens each way."""
    snapshot = make_snapshot(make_pack(make_target(**target)))
    record = make_record(
        call=make_call(model=asked, route=route), route=route, snapshot=snapshot, target=snapshot.targets[0],
        usage=Usage(input_tokens=1_000_000, output_tokens=1_000_000),
    )  # fmt: skip
    return closed(record).cost_micros


def test_a_call_costs_what_is_listed_for_the_model_of_its_target():
    assert priced() == priced(model="*") == 750_000
    assert priced(model="gpt-4o") == 12_500_000


def test_a_call_costs_what_its_pack_says():
    own = {"input_per_mtok_usd": 1, "output_per_mtok_usd": 2.5, "per_request_usd": 0.000001}
    assert priced(price=own) == priced(model="*", price=own) == 3_500_001


@pytest.mark.parametrize(
    "changes",
    [{"model": "nobodys-model"}, {"provider": "nobody"}, {"route": Route.SPEECH}, {"model": "*", "asked": "x"}],
)
def test_what_nobody_prices_has_no_cost(changes):
    assert priced(**changes) is None


def test_a_call_that_was_refused_cost_nothing():
    record = make_record(call=make_call(), error_code=Code.UPSTREAM_UNREACHABLE)
    record.target = record.snapshot.targets[0]
    assert closed(record).cost_micros == 0


def test_an_estimate_has_its_cost_and_so_has_what_goes_upstream():
    record = make_record(call=CALL, pieces=12)
    record.target = record.snapshot.targets[0]
    record.open()
    assert record.outbox.opened[0].cost_micros == 15
    assert closed(record).cost_micros == 23  # 22.2


def test_what_a_provider_counted_of_an_answer_that_broke_off_is_not_the_last_word():
    said = Usage(input_tokens=50, cached_input_tokens=40, output_tokens=1)
    usage = closed(sent(usage=said, is_counted=False, pieces=12)).usage
    assert usage == Usage(input_tokens=50, cached_input_tokens=40, output_tokens=12, estimated=True)


@pytest.mark.parametrize("code", ["client_disconnected", Code.UPSTREAM_TIMEOUT, Code.RESPONSE_TOO_LARGE, Code.INTERNAL])
def test_a_call_that_was_sent_and_left_is_estimated_as_read(code):
    assert closed(sent(error_code=code)).usage == Usage(input_tokens=100, estimated=True)


def test_a_call_that_brought_nothing_used_nothing():
    assert closed(make_record(call=CALL)).usage == Usage()
    assert closed(make_record()).usage == Usage()
    assert closed(sent(error_code=Code.UPSTREAM_UNREACHABLE)).usage == Usage()
    assert closed(sent(route=Route.COUNT_TOKENS)).usage == Usage()


def test_what_is_known_when_a_call_goes_upstream():
    record = sent(tallies=[tally(REDACTED)])
    [facts] = record.outbox.opened
    assert (facts.decision, facts.reason_code, facts.model) == ("redact", "pii_detected", "small")
    assert record.is_sent


def test_a_call_that_cannot_be_recorded_is_not_sent():
    record = make_record(Ledger(refuses=True), call=CALL)
    with pytest.raises(Fault):
        record.open()
    assert not record.is_sent


def test_an_event_that_was_refused_is_not_tried_again():
    record = make_record(Ledger(refuses=True))
    with pytest.raises(Fault):
        record.close()
    record.close()


def test_a_stream_is_charged_only_for_the_time_until_it_began():
    record = make_record(upstream_s=0.2, overhead_s=0.00390625)
    record.clock.advance(60)
    outcome = closed(record)
    assert (outcome.overhead_ms, outcome.latency_ms) == (3.906, 60_000.0)


@pytest.mark.parametrize("value", [b"abc-123_4.5", b"x" * 128])
def test_the_clients_own_request_id_is_kept(value):
    assert client_request_id(value) == value.decode()


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"x" * 129,
        b"a b",
        b"a\n",
        b"a\r\nb",
        b"\x1b[31m",
        b"=cmd|x",
        b"\xc3\xa9",
        b"[link=x]",
        b"a,b",
        b"<b>",
    ],
)
def test_one_that_could_harm_a_log_or_a_table_is_not(value):
    assert client_request_id(value) is None
