"""One decision event for each call with a valid key: what it says, and what it never says."""

import json
import re

import pytest

from fakes.replay import Reply, stream
from fakes.worlds import PII, open_world, until

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-operator"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
ANSWER = Reply(
    body=b'{"id":"c","object":"chat.completion","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}'
)
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]

REFUSED = {
    "not JSON": ("/v1/chat/completions", b"{", {}, 400, "invalid_json"),
    "no object": ("/v1/chat/completions", b"[]", {}, 400, "invalid_json"),
    "a duplicate key": ("/v1/chat/completions", b'{"model":"m","model":"n"}', {}, 400, "duplicate_key"),
    "an escaped duplicate": ("/v1/responses", b'{"model":"m","mod\\u0065l":"n"}', {}, 400, "duplicate_key"),
    "a byte order mark": ("/v1/chat/completions", b"\xef\xbb\xbf{}", {}, 400, "invalid_json"),
    "bad UTF-8": ("/v1/messages", b'{"model":"\xff"}', {}, 400, "invalid_json"),
    "too deep": ("/v1/messages", b'{"model":' + b"[" * 500 + b"]" * 500 + b"}", {}, 400, "too_deep"),
    "no model": ("/v1/chat/completions", b"{}", {}, 400, "invalid_request"),
    "an odd model": ("/v1/chat/completions", b'{"model":"=cmd|x"}', {}, 400, "invalid_request"),
    "another type": ("/v1/chat/completions", CHAT, {"content_type": "text/plain"}, 415, "unsupported_content_type"),
    "an image": ("/v1/chat/completions", CHAT | {"messages": IMAGE}, {}, 400, "content_not_inspectable"),
    "logprobs": ("/v1/chat/completions", CHAT | {"logprobs": True}, {}, 400, "logprobs_not_inspectable"),
    "a tool of the provider": (
        "/v1/responses",
        {"model": "m", "input": "x", "tools": [{"type": "web_search"}]},
        {},
        400,
        "server_tool_not_allowed",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
async def test_a_call_that_is_refused_has_its_event_too(tmp_path, case):
    path, body, headers, status, code = REFUSED[case]
    async with open_world(tmp_path, ANSWER, chain=PII, token=TOKEN) as world:
        answer = await world.ask(path, body, **headers)
        event = await world.event()
        assert world.replay.calls == 0
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.headers["x-should-retry"] == "false"
    assert (
        answer.headers["x-request-id"]
        == event.request_id
        == json.loads(answer.body).get("request_id", json.loads(answer.body)["error"].get("request_id"))
    )
    assert (event.status, event.error_code, event.attempts, event.route) == (status, code, (), path)
    assert event.usage.input_tokens == event.usage.output_tokens == 0
    is_policy = json.loads(answer.body)["error"]["type"] == "policy_violation"
    assert event.decision == answer.headers["x-keeptrusts-decision"] == ("block" if is_policy else "allow")


async def test_state_at_the_provider_is_refused_where_the_pack_says_so(tmp_path):
    body = {"model": "m", "input": "x", "previous_response_id": "resp_1"}
    async with open_world(tmp_path, ANSWER, providers={"provider_state": "refuse"}) as world:
        answer = await world.ask("/v1/responses", body)
        assert json.loads(answer.body)["error"]["code"] == "provider_state_not_allowed"
        assert json.loads(answer.body)["error"]["param"] == "previous_response_id"


async def test_an_unknown_model_is_refused_with_its_event(tmp_path):
    target = {"id": "a", "provider": "openai", "model": "gpt-4o-mini", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    async with open_world(tmp_path, ANSWER, providers={"targets": [target]}) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"model": "gpt-4o-mimi"})
        event = await world.event()
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (404, "model_not_found")
    assert "gpt-4o-mini" in json.loads(answer.body)["error"]["message"]
    assert (event.status, event.error_code, event.model) == (404, "model_not_found", "gpt-4o-mimi")


async def test_an_event_says_who_what_where_and_how_long(tmp_path):
    async with open_world(tmp_path, ANSWER, chain=PII, token=TOKEN, name="blue", version="2.1.0") as world:
        answer = await world.ask("/v1/chat/completions", CHAT, x_request_id="my-own.id_1")
        event = await world.event()
    assert re.fullmatch(r"evt_[0-9a-f]{32}", event.id)
    assert event.request_id == answer.headers["x-request-id"] != "my-own.id_1"
    assert event.client_request_id == "my-own.id_1"
    assert (event.gateway_name, event.config_name, event.pack_version) == ("blue", "blue", "2.1.0")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", event.config_digest)
    assert (event.route, event.stream, event.model) == ("/v1/chat/completions", False, "m")
    assert (event.provider, event.target_id, event.key_id) == ("openai", "oa", None)
    assert (event.decision, event.reason_code, event.status, event.error_code) == ("allow", None, 200, None)
    (attempt,) = event.attempts
    assert (attempt.target_id, attempt.status) == ("oa", 200)
    assert [(p.kind, p.phase, p.verdict, p.findings) for p in event.policies] == [
        ("pii-detector", "input", "allow", {}),
        ("pii-detector", "output", "allow", {}),
    ]
    assert (event.usage.input_tokens, event.usage.output_tokens, event.usage.estimated) == (5, 7, False)
    assert 0 < event.overhead_ms <= event.latency_ms < 5000
    assert 0 < attempt.ms <= event.first_byte_ms <= event.latency_ms


@pytest.mark.parametrize("odd", ["two words", "a" * 129, "[link=x]", "=cmd|x", "naïve"])
async def test_a_request_id_that_could_not_stand_in_a_log_is_dropped(tmp_path, odd):
    async with open_world(tmp_path, ANSWER) as world:
        await world.ask("/v1/chat/completions", CHAT, x_request_id=odd)
        assert (await world.event()).client_request_id is None


async def test_the_time_of_a_slow_provider_is_not_ours(tmp_path):
    slow = Reply(pieces=[0.15, ANSWER.body])
    async with open_world(tmp_path, slow, chain=PII) as world:
        await world.ask("/v1/chat/completions", CHAT)
        event = await world.event()
    assert event.latency_ms > 140
    assert event.overhead_ms < 100


async def test_the_overhead_of_a_stream_is_what_it_cost_until_it_began(tmp_path):
    body = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    slow = Reply(pieces=[body[:20], 0.15, body[20:]], content_type="text/event-stream")
    async with open_world(tmp_path, slow, chain=PII) as world:
        await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        event = await world.event()
    assert event.first_byte_ms < 140 < event.latency_ms
    assert event.overhead_ms < 100


async def test_every_call_has_one_event_and_nothing_else_has(tmp_path):
    broken = stream(b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n', ending="cut")
    replies = [ANSWER, broken, Reply(status=500, body=b"{}"), Reply(status=302), ANSWER]
    async with open_world(tmp_path, *replies, chain=PII, token=TOKEN) as world:
        for path, body in [
            ("/v1/chat/completions", CHAT),
            ("/v1/chat/completions", CHAT | {"stream": True}),
            ("/v1/chat/completions", CHAT),
            ("/v1/chat/completions", CHAT),
            ("/v1/chat/completions", b"{"),
        ]:
            await world.ask(path, body)
        for path in ("/health", "/healthz", "/v1/models", "/v1/models/x", "/nowhere", "/v1/chat/completions"):
            await world.ask(path, method="GET")
        await world.ask("/v1/chat/completions", CHAT, authorization="Bearer wrong-token-0000")
        await world.ask("/v1/files", CHAT)
        await until(lambda: len(world.events()) == 5)
        events = world.events()
    assert [event.status for event in events] == [200, 200, 500, 502, 400]
    assert [event.error_code for event in events] == [
        None,
        "upstream_truncated",
        "upstream_error",
        "upstream_redirect",
        "invalid_json",
    ]
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert len({event.id for event in events}) == 5
