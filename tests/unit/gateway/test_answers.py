"""An answer on its way to the client: what passes, what is told, and what never ends cleanly."""

import asyncio
import dataclasses
import json

import pytest

from fakes.clients import streamed_text
from fakes.exchanges import MemoryResponse, make_exchange
from fakes.packs import make_snapshot
from fakes.policies import BLOCK, WordPolicy
from fakes.records import Ledger, make_call, make_record
from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.answers import PING_AFTER_S, Answer
from keeptrusts.gateway.judging import Judge
from keeptrusts.policies.verdict import Phase
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.runtime.http.errors import Phase as HttpPhase
from keeptrusts.runtime.http.errors import TimedOut, Truncated

pytestmark = pytest.mark.anyio

REDACT = WordPolicy({"secret": "[S]"}, kind="redact")
REFUSE = WordPolicy({"secret": "[S]", "stop!": BLOCK}, kind="refuse")
STREAM = b"text/event-stream; charset=utf-8"
BOTH = pytest.mark.parametrize("policies", [(), (REDACT,)], ids=["unjudged", "judged"])


def make_answer(*policies, ledger=None, route=Route.CHAT, **call):
    """An answer under these output policies, and the line that it goes to."""
    snapshot = dataclasses.replace(make_snapshot(), output=Judge(policies, Phase.OUTPUT, "block"))
    record = make_record(ledger, snapshot=snapshot, route=route, call=make_call(route=route, **call), is_sent=True)
    record.target = snapshot.targets[0]
    exchange, line = make_exchange()
    return Answer(exchange, record, dialect_of(route)), line


async def brought(response, *policies, **options):
    answer, line = make_answer(*policies, **options)
    await answer.bring(response)
    return line, answer.record


def event_of(record):
    [outcome] = record.outbox.closed
    return outcome


def reply(text):
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    tree = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    return json.dumps(tree).encode()


def chunk(content=None, *, index=0, finish=None, usage=None, **more):
    choices = [{"index": index, "delta": {"content": content} if content else {}, "finish_reason": finish}]
    tree = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more
    if usage is not None:
        tree |= {"choices": [], "usage": {"prompt_tokens": usage, "completion_tokens": 3, "total_tokens": usage + 3}}
    return b"data: " + json.dumps(tree).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
END = [chunk(finish="stop"), chunk(usage=7), DONE]
"""How a stream ends, in packets of its own."""


def streamed(*pieces, **headers):
    return MemoryResponse(*pieces, content_type=STREAM, **headers)


def errors_in(body):
    found = [json.loads(event[6:]) for event in body.split(b"\n\n") if event.startswith(b"data: {")]
    return [event["error"]["code"] for event in found if "error" in event]


# Whole answers.


async def test_without_policies_an_answer_passes_byte_for_byte():
    body = reply("a secret").replace(b'"c"', b'"c" ')
    line, record = await brought(MemoryResponse(body))
    assert (line.status, line.body, line.is_clean) == (200, body, True)
    assert record.usage == Usage(input_tokens=7, output_tokens=3)
    assert event_of(record).decision == "allow"


async def test_a_whole_answer_is_rewritten_counted_and_keeps_the_rest():
    line, record = await brought(MemoryResponse(reply("a secret, a secret")), REDACT)
    assert line.body == reply("a [S], a [S]")
    assert (event_of(record).decision, event_of(record).policies[0].findings) == ("redact", {"secret": 2})
    assert line.headers["x-keeptrusts-decision"] == "redact"


async def test_the_event_is_written_before_the_answer_goes_out():
    answer, line = make_answer()
    seen = []
    line.on_send = lambda data: seen.append(len(answer.record.outbox.closed))
    await answer.bring(MemoryResponse(reply("x")))
    assert seen == [1]


async def test_an_answer_that_a_policy_blocks_is_not_sent():
    answer, line = make_answer(REFUSE)
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(reply("do stop!")))
    assert refused.value.code is Code.OUTPUT_BLOCKED
    assert line.sent == b""
    answer.refuse(refused.value)
    assert (line.status, line.headers["x-keeptrusts-decision"]) == (400, "block")
    assert json.loads(line.body)["error"]["code"] == "output_blocked"
    assert (event_of(answer.record).decision, event_of(answer.record).status) == ("block", 400)


async def test_every_answer_bears_our_headers_and_only_listed_ones_of_the_provider():
    response = MemoryResponse(reply("x"), x_request_id=b"theirs", set_cookie=b"canary", openai_organization=b"canary")
    line, _ = await brought(response)
    assert line.headers == {
        "x-request-id": "req_" + "ab" * 16, "x-keeptrusts-config": "blue@1.0.0", "x-keeptrusts-decision": "allow",
        "x-keeptrusts-target": "main", "content-type": "application/json", "x-upstream-request-id": "theirs",
        "content-length": str(len(reply("x"))),
    }  # fmt: skip


async def test_an_anthropic_client_finds_the_request_id_where_it_looks():
    line, _ = await brought(MemoryResponse(b"{}"), route=Route.MESSAGES)
    assert line.headers["request-id"] == line.headers["x-request-id"]


async def test_time_spent_reading_is_the_providers():
    answer, _ = make_answer()

    async def slow():
        answer.record.clock.advance(0.5)

    await answer.bring(MemoryResponse(slow(), reply("x")))
    assert (answer.record.upstream_s, event_of(answer.record).overhead_ms) == (0.5, 0.0)


# Errors.


async def test_a_providers_error_is_shown_in_the_clients_dialect_with_its_status():
    body = b'{"error": {"message": "slow down", "type": "rate_limit", "code": "rate_limited"}}'
    line, record = await brought(MemoryResponse(body, status=429, retry_after=b"7"))
    assert (line.status, line.headers["retry-after"]) == (429, "7")
    assert json.loads(line.body)["error"]["message"] == "slow down"
    assert (event_of(record).status, event_of(record).error_code) == (429, "upstream_error")


async def test_a_providers_error_passes_the_output_policies_and_is_counted():
    body = b'{"error": {"message": "bad prompt: secret"}}'
    line, record = await brought(MemoryResponse(body, status=400), REDACT)
    assert json.loads(line.body)["error"]["message"] == "bad prompt: [S]"
    assert (event_of(record).decision, event_of(record).policies[0].findings) == ("redact", {"secret": 1})


async def test_an_error_that_a_policy_blocks_is_refused():
    answer, _ = make_answer(REFUSE)
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(b'{"error": {"message": "stop!"}}', status=400))
    assert refused.value.code is Code.OUTPUT_BLOCKED


async def test_an_error_page_is_answered_as_json():
    line, _ = await brought(MemoryResponse(b"<html>canary</html>", status=502, content_type=b"text/html"))
    assert line.headers["content-type"] == "application/json"
    assert b"canary" not in line.body
    json.loads(line.body)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_of_the_gateways_own_credential_is_not_the_clients(status):
    answer, _ = make_answer()
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(b'{"error": {"message": "bad key sk-canary"}}', status=status))
    assert refused.value.code is Code.UPSTREAM_REFUSED_CREDENTIAL
    assert "canary" not in refused.value.message


async def test_a_redirect_is_never_followed():
    answer, _ = make_answer()
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(status=302, location=b"http://169.254.169.254/"))
    assert refused.value.code is Code.UPSTREAM_REDIRECT


async def test_a_whole_answer_that_breaks_off_is_a_fault():
    answer, line = make_answer()
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(reply("x")[:10], Truncated("canary")))
    assert refused.value.code is Code.UPSTREAM_TRUNCATED
    assert line.sent == b""


# Streams.


async def test_a_stream_passes_and_ends_cleanly_with_one_event():
    sent = [chunk("Hello "), chunk("world"), *END]
    line, record = await brought(streamed(*sent), stream=True)
    assert (line.status, line.body, line.is_clean) == (200, b"".join(sent), True)
    assert line.headers["cache-control"] == "no-cache"
    assert event_of(record).usage == Usage(input_tokens=7, output_tokens=3)
    assert event_of(record).error_code is None


async def test_a_stream_is_redacted_and_its_event_says_so():
    line, record = await brought(streamed(chunk("a sec"), chunk("ret x"), *END), REDACT, stream=True)
    assert streamed_text(line.body) == "a [S] x"
    assert (event_of(record).decision, event_of(record).policies[0].findings) == ("redact", {"secret": 1})
    assert line.body.endswith(DONE)


@BOTH
async def test_the_event_is_written_before_the_end_goes_out_and_after_usage_came(policies):
    answer, line = make_answer(*policies, stream=True)
    seen = {}
    line.on_send = lambda data: seen.setdefault(data, len(answer.record.outbox.closed))
    await answer.bring(streamed(chunk("x"), *END))
    told = [count for data, count in seen.items() if b"[DONE]" in data or data == b"0\r\n\r\n"]
    assert told == [1, 1]
    assert event_of(answer.record).usage == Usage(input_tokens=7, output_tokens=3)


async def test_the_event_waits_for_every_choice():
    """The first choice may be finished before the second one begins."""
    sent = [chunk("fine", index=0, finish="stop", usage=None), chunk("stop!", index=1), *END]
    line, record = await brought(streamed(*sent), REFUSE, stream=True, choices=2)
    assert (event_of(record).decision, event_of(record).error_code) == ("block", "output_blocked")
    assert errors_in(line.body) == ["output_blocked"]


async def test_the_usage_that_only_we_asked_for_is_noted_and_not_passed_on():
    line, record = await brought(streamed(chunk("x"), *END), stream=True, asks_usage=False)
    assert b'"usage"' not in line.body
    assert event_of(record).usage.input_tokens == 7


async def test_a_provider_that_never_tells_its_usage_gets_an_estimate():
    line, record = await brought(streamed(chunk("x"), chunk(finish="stop"), DONE), stream=True)
    assert line.is_clean
    assert event_of(record).usage == Usage(input_tokens=100, output_tokens=3, estimated=True)


BREAKS = {
    "the connection broke": [Truncated("canary")],
    "it went silent": [TimedOut(HttpPhase.IDLE, "canary")],
    "it just ended": [],
    "it ended in the middle of an event": [b'data: {"choices": [{"ind'],
    "it ended behind an event's first line": [b"data: {\n"],
}


@BOTH
@pytest.mark.parametrize("how", BREAKS)
async def test_a_stream_cut_short_is_never_a_clean_end(how, policies):
    line, record = await brought(streamed(chunk("Hello sec"), *BREAKS[how]), *policies, stream=True)
    assert streamed_text(line.body) == "Hello sec"
    [code] = errors_in(line.body)
    assert code in {"upstream_truncated", "upstream_timeout"}
    assert event_of(record).error_code == code
    assert b"[DONE]" not in line.body
    assert b"canary" not in line.body


@BOTH
@pytest.mark.parametrize("last", [DONE[:-1], DONE[:-2]])
async def test_a_last_event_without_its_blank_line_counts_and_passes_as_it_came(last, policies):
    sent = [chunk("x"), chunk(finish="stop"), last]
    line, record = await brought(streamed(*sent), *policies, stream=True)
    assert line.body == b"".join(sent)
    assert (line.is_clean, event_of(record).error_code) == (True, None)


@BOTH
async def test_an_error_is_not_glued_to_an_event_without_its_blank_line(policies):
    line, _ = await brought(streamed(chunk("x"), chunk("y").rstrip()), *policies, stream=True)
    assert streamed_text(line.body) == "xy"
    assert errors_in(line.body) == ["upstream_truncated"]


async def test_a_block_stops_the_stream_with_an_error_in_band():
    sent = [chunk("fine, "), chunk("sto"), chunk("p! and more"), chunk("late"), *END]
    line, record = await brought(streamed(*sent), REFUSE, stream=True)
    assert streamed_text(line.body) == "fine, "
    assert errors_in(line.body) == ["output_blocked"]
    assert b'"policy":"refuse"' in line.body
    assert b"[DONE]" not in line.body
    assert (event_of(record).decision, event_of(record).error_code) == ("block", "output_blocked")
    assert event_of(record).policies[0].verdict == "block"


async def test_a_providers_error_in_band_passes_and_is_noted():
    error = b'data: {"error": {"message": "overloaded", "code": "server_error"}}\n\n'
    line, record = await brought(streamed(chunk("x"), error), stream=True)
    assert line.body.endswith(error)
    assert event_of(record).error_code == "upstream_error"


async def test_a_failed_response_is_noted_as_one():
    response = {"id": "r", "object": "response", "status": "failed", "error": {"code": "server_error", "message": "no"},
                "output": [], "usage": {"input_tokens": 5, "output_tokens": 0}}  # fmt: skip
    failed = {"type": "response.failed", "sequence_number": 1, "response": response}
    event = b"event: response.failed\ndata: " + json.dumps(failed).encode() + b"\n\n"
    line, record = await brought(streamed(event), route=Route.RESPONSES, stream=True)
    assert line.body == event
    assert event_of(record).error_code == "upstream_error"


async def test_an_event_beyond_the_limit_is_an_error_in_band():
    line, record = await brought(streamed(chunk("x"), b"data: " + b"x" * (5 << 20)), stream=True)
    assert errors_in(line.body) == ["response_too_large"]
    assert event_of(record).error_code == "response_too_large"


@pytest.mark.parametrize("last", [[DONE], []], ids=["announced", "silent"])
async def test_an_answer_that_cannot_be_recorded_does_not_end_cleanly(last):
    sent = [chunk("x"), chunk(finish="stop"), *last]
    line, record = await brought(streamed(*sent), stream=True, ledger=Ledger(refuses=True))
    assert errors_in(line.body) == ["audit_unavailable"]
    assert b"[DONE]" not in line.body
    assert record.error_code == "audit_unavailable"


async def test_what_was_found_is_in_the_event_even_if_the_client_left():
    answer, line = make_answer(REDACT, stream=True)
    stuck = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await answer.bring(streamed(chunk("a secret, sec"), stuck.wait()))
    answer.settle()
    assert streamed_text(line.body) == "a [S], "
    assert (event_of(answer.record).decision, event_of(answer.record).policies[0].findings) == ("redact", {"secret": 1})


async def test_a_slow_client_is_waited_for():
    line, _ = await brought(streamed(chunk("a"), chunk("b"), *END), stream=True)
    assert line.drains == 5


async def test_a_silent_stream_is_kept_alive_in_its_own_way():
    for route, ping in ((Route.CHAT, b": "), (Route.MESSAGES, b"event: ping")):
        answer, _ = make_answer(route=route, stream=True)
        await answer.bring(
            streamed(DONE if route is Route.CHAT else b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
        )
        assert answer.exchange.ping_s == PING_AFTER_S
        assert answer.exchange.ping.startswith(ping)
        assert answer.exchange.ping.endswith(b"\n\n")


async def test_the_type_of_a_stream_may_be_written_in_any_case():
    line, _ = await brought(
        MemoryResponse(chunk("a secret"), *END, content_type=b"Text/Event-Stream"), REDACT, stream=True
    )
    assert streamed_text(line.body) == "a [S]"


# Content that no policy reads.


async def test_speech_passes_as_it_comes():
    response = MemoryResponse(b"\x00\x01", b"\x02", content_type=b"audio/mpeg")
    line, record = await brought(response, route=Route.SPEECH)
    assert (line.body, line.headers["content-type"], line.is_clean) == (b"\x00\x01\x02", "audio/mpeg", True)
    assert event_of(record).status == 200


@pytest.mark.parametrize("content_type", [b"application/octet-stream", b"image/png", b"Audio/mpeg"])
async def test_binary_content_that_was_not_announced_is_refused_under_a_policy(content_type):
    answer, line = make_answer(REDACT)
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(b"secret", content_type=content_type))
    assert refused.value.code is Code.CONTENT_NOT_INSPECTABLE
    assert line.sent == b""


async def test_binary_content_that_breaks_off_is_cut():
    answer, line = make_answer(route=Route.SPEECH)
    with pytest.raises(Fault) as refused:
        await answer.bring(MemoryResponse(b"\x00", Truncated("x"), content_type=b"audio/mpeg"))
    answer.refuse(refused.value)
    assert (line.is_cut, line.is_answered) == (True, False)
    assert event_of(answer.record).error_code == "upstream_truncated"


# Refusals.


async def test_a_refusal_is_answered_in_the_clients_dialect_and_recorded():
    for route, shape in ((Route.CHAT, ["error"]), (Route.MESSAGES, ["type", "error", "request_id"])):
        answer, line = make_answer(route=route)
        answer.refuse(Fault(Code.MODEL_NOT_FOUND, "no such model", param="model"))
        assert (line.status, line.headers["x-should-retry"]) == (404, "false")
        assert list(json.loads(line.body)) == shape
        assert (event_of(answer.record).status, event_of(answer.record).error_code) == (404, "model_not_found")


async def test_a_refusal_is_answered_even_if_it_cannot_be_recorded():
    answer, line = make_answer(ledger=Ledger(refuses=True))
    answer.refuse(Fault(Code.MODEL_NOT_FOUND, "no such model"))
    assert line.status == 404
    assert answer.record.error_code == "audit_unavailable"


@pytest.mark.parametrize(("accepted", "encoding"), [(b"gzip", b"gzip"), (b"gzip, zstd", b"zstd"), (b"", None)])
async def test_a_large_answer_is_compressed_for_a_client_that_asks(accepted, encoding):
    answer, line = make_answer()
    answer.exchange.head.headers[b"accept-encoding"] = accepted
    body = reply("word " * 4000)
    await answer.bring(MemoryResponse(body))
    assert line.headers.get("content-encoding") == (encoding.decode() if encoding else None)
    assert (len(line.body) < len(body) / 10) == (encoding is not None)
