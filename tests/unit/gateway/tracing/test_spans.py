"""The spans of a call: what they say, and when; never a text."""

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

from fakes.clock import START_NS
from fakes.packs import make_pack, make_snapshot, make_target
from fakes.policies import WordPolicy
from fakes.records import make_call, make_record
from keeptrusts.contract.call import Route
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.judging import Tally
from keeptrusts.gateway.trace import AttemptTrace, Trace
from keeptrusts.gateway.trace_context import TraceContext
from keeptrusts.gateway.tracing.spans import OPERATIONS, make_spans
from keeptrusts.policies.verdict import Phase, Rewrite

RESOURCE = Resource({"service.name": "here"})
PARENT = TraceContext(7, 8, is_sampled=True, state=b"vendor=1")
TARGETS = make_snapshot(make_pack(make_target(), make_target(id="second", provider="mistral"))).targets


def attempt(number, *, began, ended, status=200, error_code=None):
    return AttemptTrace(100 + number, TARGETS[number], began, ended, status, error_code)


def spans_of(*attempts, parent=PARENT, took_s=2.0, **changes):
    trace = Trace(7, 9, parent, is_sampled=True, attempts=list(attempts))
    target = attempts[-1].target if attempts else None
    given = {"call": make_call(model="gpt-4o-mini"), "status": 200, "target": target, "trace": trace}
    record = make_record(**given | changes)
    record.clock.advance(took_s)
    record.close()
    return make_spans(record, trace, RESOURCE)


def test_a_call_is_a_server_span_under_the_clients():
    [span] = spans_of(parent=PARENT)
    assert (span.name, span.kind, span.resource) == ("POST /v1/chat/completions", SpanKind.SERVER, RESOURCE)
    assert (span.context.trace_id, span.context.span_id, span.parent.span_id) == (7, 9, 8)
    assert span.parent.is_remote
    assert span.context.trace_state.get("vendor") == "1"
    assert (span.start_time, span.end_time) == (START_NS, START_NS + 2_000_000_000)
    expected = {
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "url.scheme": "http",
        "http.response.status_code": 200,
        "keeptrusts.request_id": "req_" + "ab" * 16, "keeptrusts.config": "blue@1.0.0",
        "keeptrusts.decision": "allow", "keeptrusts.key_id": "gk_c1",
    }  # fmt: skip
    assert expected.items() <= span.attributes.items()


def test_a_call_without_a_clients_trace_is_a_root():
    [span] = spans_of(parent=None)
    assert span.parent is None


def test_an_attempt_is_a_client_span_by_the_conventions_for_generative_ai():
    call = make_call(model="gpt-4o-mini", stream=True, choices=2, max_output_tokens=64)
    usage = Usage(input_tokens=9, cached_input_tokens=4, output_tokens=3, cache_write_tokens=2)
    _, span = spans_of(attempt(0, began=1000.25, ended=1000.5), call=call, usage=usage, first_byte=1000.5)
    assert (span.name, span.kind) == ("chat gpt-4o-mini", SpanKind.CLIENT)
    assert (span.context.span_id, span.parent.span_id) == (100, 9)
    assert (span.start_time, span.end_time) == (START_NS + 250_000_000, START_NS + 2_000_000_000)
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "server.address": "127.0.0.1", "server.port": 9, "keeptrusts.target": "main",
        "gen_ai.request.stream": True, "gen_ai.request.choice.count": 2, "gen_ai.request.max_tokens": 64,
        "http.response.status_code": 200, "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4, "gen_ai.usage.cache_creation.input_tokens": 2,
    }  # fmt: skip
    assert span.status.status_code is StatusCode.UNSET


def test_every_attempt_has_its_span_and_only_the_last_one_the_usage():
    _, first, second = spans_of(
        attempt(0, began=1000.0, ended=1000.5, status=529), attempt(1, began=1001.0, ended=1001.5),
        usage=Usage(input_tokens=1, output_tokens=1),
    )  # fmt: skip
    assert (first.attributes["error.type"], first.status.status_code) == ("529", StatusCode.ERROR)
    assert "gen_ai.usage.input_tokens" not in first.attributes
    assert first.end_time == second.start_time
    assert second.attributes["gen_ai.usage.input_tokens"] == 1
    assert second.attributes["gen_ai.provider.name"] == "mistral_ai"
    assert "error.type" not in second.attributes


def test_an_attempt_without_an_answer_ends_when_it_failed():
    _, span = spans_of(
        attempt(0, began=1000.0, ended=1000.5, status=None, error_code="upstream_timeout"),
        status=504, error_code="upstream_timeout",
    )  # fmt: skip
    assert span.attributes["error.type"] == "upstream_timeout"
    assert span.end_time == START_NS + 500_000_000


def test_a_stream_that_broke_off_upstream_is_an_error_of_its_attempt():
    _, span = spans_of(attempt(0, began=1000.0, ended=1000.5), error_code="upstream_truncated")
    assert span.attributes["error.type"] == "upstream_truncated"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, None, StatusCode.UNSET),
        (400, "input_blocked", StatusCode.UNSET),  # the client's matter, by the conventions for servers
        (502, "upstream_error", StatusCode.ERROR),
        (None, "interrupted", StatusCode.ERROR),
    ],
)
def test_the_server_span_is_in_error_where_the_gateway_failed_the_client(status, code, expected):
    [span] = spans_of(status=status, error_code=code)
    assert span.status.status_code is expected
    assert span.attributes.get("error.type") == code


def test_what_policies_said_is_told_by_counts():
    tally = Tally(WordPolicy({}, kind="pii-detector"), Phase.OUTPUT)
    tally.add(Rewrite("", "pii_detected", {"email": 2}))
    [span] = spans_of(tallies=[tally])
    [event] = span.events
    assert (event.name, event.timestamp) == ("keeptrusts.policy", span.end_time)
    assert dict(event.attributes) == {
        "keeptrusts.policy.kind": "pii-detector", "keeptrusts.policy.phase": "output",
        "keeptrusts.policy.verdict": "redact", "keeptrusts.policy.reason_code": "pii_detected",
        "keeptrusts.policy.findings.email": 2,
    }  # fmt: skip
    assert span.attributes["keeptrusts.decision"] == "redact"


def test_every_route_is_an_operation():
    assert set(OPERATIONS) == set(Route)


def test_estimated_usage_is_marked():
    _, span = spans_of(attempt(0, began=1000.0, ended=1000.5), usage=Usage(output_tokens=3, estimated=True))
    assert span.attributes["keeptrusts.usage.estimated"] is True
