"""What clients see when a provider fails, and what becomes of a call whose client leaves."""

import asyncio
import json
import ssl

import anthropic
import openai
import pytest
import trustme

from fakes.clients import connect, post
from fakes.replay import Reply, open_replay, stream
from fakes.spoken import events_in
from fakes.worlds import PII, World, open_world, until
from keeptrusts.gateway import answers

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello!"}]
CHAT = {"model": "m", "messages": HELLO}
CALLS = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "m", "prompt": "Hello!"},
    "/v1/responses": {"model": "m", "input": "Hello!"},
    "/v1/messages": CHAT | {"max_tokens": 9},
}


def sse(*trees: dict, named: bool = True) -> bytes:
    return b"".join(
        (f"event: {tree['type']}\n" if named and "type" in tree else "").encode()
        + b"data: "
        + json.dumps(tree).encode()
        + b"\n\n"
        for tree in trees
    )


def delta(text: str, finish: str | None = None) -> dict:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": [],
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
           "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1}}  # fmt: skip
OUTPUT = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
TEXT = {"type": "output_text", "text": "", "annotations": []}

BEGUN = {
    "/v1/chat/completions": sse(delta("one "), delta("two ")),
    "/v1/completions": sse({"id": "c", "object": "text_completion", "created": 1, "model": "m",
                            "choices": [{"index": 0, "text": "one two ", "finish_reason": None}]}),
    "/v1/responses": sse(
        {"type": "response.created", "sequence_number": 0, "response": RESPONSE},
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": OUTPUT},
        {"type": "response.content_part.added", "sequence_number": 2, "output_index": 0, "content_index": 0,
         "item_id": "msg_1", "part": TEXT},
        {"type": "response.output_text.delta", "sequence_number": 3, "output_index": 0, "content_index": 0,
         "item_id": "msg_1", "delta": "one two ", "logprobs": []},
    ),
    "/v1/messages": sse(
        {"type": "message_start", "message": MESSAGE},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one two "}},
    ),
}  # fmt: skip
"""Streams that have begun and are not over."""

ROUTES = list(CALLS)
STREAMED = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture(params=[(), PII], ids=["empty", "pii"])
def chain(request):
    return request.param


async def consume(world: World, route: str) -> str:
    """The text that the SDK gets of a stream; raises what it raises."""
    said = ""
    if route == "/v1/messages":
        async with world.anthropic() as sdk, sdk.messages.stream(model="m", max_tokens=9, messages=HELLO) as events:
            async for piece in events.text_stream:
                said += piece
            return said
    async with world.openai() as sdk:
        if route == "/v1/responses":
            async with sdk.responses.stream(model="m", input="Hello!") as events:
                async for event in events:
                    said += event.delta if event.type == "response.output_text.delta" else ""
                    if event.type == "response.failed":
                        raise RuntimeError(event.response.error.code)
                await events.get_final_response()
        elif route == "/v1/completions":
            async for chunk in await sdk.completions.create(model="m", prompt="Hello!", stream=True):
                said += chunk.choices[0].text
        else:
            async for chunk in await sdk.chat.completions.create(model="m", messages=HELLO, stream=True):
                said += chunk.choices[0].delta.content or ""
    return said


FAILS = (openai.APIError, anthropic.APIError, RuntimeError)


@STREAMED
@pytest.mark.parametrize("ending", ["cut", "whole"])
async def test_a_stream_that_breaks_off_is_an_error_in_every_sdk(tmp_path, chain, route, ending):
    """`cut`: the connection breaks. `whole`: the body ends properly, and the answer in it does not."""
    async with open_world(tmp_path, stream(BEGUN[route], size=50, ending=ending), chain=chain) as world:
        with pytest.raises(FAILS):
            await consume(world, route)
        event = await world.event()
        assert (event.status, event.error_code, event.usage.estimated) == (200, "upstream_truncated", True)
        assert (await world.health())["providers"]["oa"] == "reachable"


@STREAMED
async def test_what_came_before_the_break_arrives_and_nothing_says_that_it_is_all(tmp_path, chain, route):
    async with open_world(tmp_path, stream(BEGUN[route], ending="cut"), chain=chain) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
    assert answer.is_complete
    assert b"one " in answer.body
    assert b"two" in answer.body
    assert b"upstream_truncated" in answer.body
    assert b"[DONE]" not in answer.body
    assert b"message_stop" not in answer.body
    assert b"response.completed" not in answer.body


@pytest.mark.parametrize("status", [429, 500, 503, 529])
@STREAMED
async def test_an_overloaded_provider_is_reported_as_it_is(tmp_path, route, status):
    reply = Reply(status=status, body=b'{"error":{"message":"slow down","type":"overloaded_error"}}',
                  headers=(("retry-after", "3"),))  # fmt: skip
    async with open_world(tmp_path, reply, chain=PII) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
        event = await world.event()
    assert (answer.status, answer.headers["retry-after"]) == (status, "3")
    assert "x-should-retry" not in answer.headers
    assert (event.status, event.attempts[0].status) == (status, status)


@STREAMED
@pytest.mark.parametrize("streams", [False, True])
async def test_a_provider_that_does_not_begin_to_answer_is_given_up(tmp_path, route, streams):
    async with open_world(tmp_path, Reply(ending="silent"), timeouts={"first_byte_s": 0.2}) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": streams})
        event = await world.event()
        assert answer.status == 504
        assert json.loads(answer.body)["error"]["code"] == "upstream_timeout"
        assert (event.status, event.error_code, event.attempts[0].status) == (504, "upstream_timeout", None)
        await until(lambda: world.replay.abandoned == 1)


@STREAMED
async def test_a_stream_that_stands_still_ends_in_a_timeout_inside_it(tmp_path, chain, route):
    silent = stream(BEGUN[route], ending="hang")
    async with open_world(tmp_path, silent, chain=chain, timeouts={"idle_s": 0.2}) as world:
        with pytest.raises(FAILS):
            await consume(world, route)
        assert (await world.event()).error_code == "upstream_timeout"
        await until(lambda: world.replay.abandoned == 1)


async def test_a_whole_answer_that_breaks_off_is_a_bad_gateway(tmp_path, chain):
    async with open_world(tmp_path, Reply(pieces=[b'{"id":"c",'], ending="cut"), chain=chain) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "upstream_truncated")
        assert (await world.event()).error_code == "upstream_truncated"


async def test_a_provider_that_is_not_there_is_a_bad_gateway_and_unavailable(tmp_path):
    async with open_replay(Reply()) as gone:
        port = gone.port
    targets = {"targets": [{"id": "gone", "provider": "openai", "model": "m", "base_url": f"http://127.0.0.1:{port}"}]}
    async with open_world(tmp_path, Reply(), providers=targets) as world:
        async with world.openai() as sdk:
            with pytest.raises(openai.InternalServerError) as raised:
                await sdk.chat.completions.create(**CHAT)
        assert (raised.value.status_code, raised.value.code) == (502, "upstream_unreachable")
        assert (await world.health())["providers"] == {"gone": "unavailable"}
        assert (await world.health())["status"] == "degraded"


async def test_a_redirect_is_never_followed(tmp_path):
    reply = Reply(status=307, headers=(("location", "http://127.0.0.1:9/v1/chat/completions"),))
    async with open_world(tmp_path, reply) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "upstream_redirect")
        assert "location" not in answer.headers
        assert answer.headers["x-should-retry"] == "false"


async def test_an_answer_over_the_limit_is_not_passed_on(tmp_path):
    reply = Reply(body=b'{"choices":[],"x":"' + b"a" * 5000 + b'"}')
    async with open_world(tmp_path, reply, size_limits={"max_response_bytes": 4096}) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "response_too_large")


async def test_an_answer_that_cannot_be_read_is_refused_where_a_policy_would_have_to(tmp_path):
    async with open_world(tmp_path, Reply(body=b"<html>not json", content_type="text/html"), chain=PII) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "upstream_error")


@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("moment", ["before the head", "before the first event", "within the stream", "whole"])
async def test_a_client_that_leaves_ends_the_call_upstream_at_once(tmp_path, chain, route, moment):
    reply = {
        "before the head": Reply(ending="silent"),
        "before the first event": stream(b"", ending="hang"),
        "within the stream": stream(BEGUN[route], ending="hang"),
        "whole": Reply(pieces=[b'{"id":'], ending="hang"),
    }[moment]
    async with open_world(tmp_path, reply, chain=chain) as world:
        body = json.dumps(CALLS[route] | {"stream": moment != "whole"}).encode()
        connection = await connect(world.port)
        connection.transport.write(post(route, body))
        await until(lambda: world.replay.calls)
        if "event" in moment:
            await until(lambda: connection.answer.headers)
        if "within" in moment:
            await until(lambda: connection.answer.chunks)
        elif moment == "whole":
            await asyncio.sleep(0.02)
        began = asyncio.get_running_loop().time()
        connection.close()
        await until(lambda: world.replay.abandoned == 1)
        assert asyncio.get_running_loop().time() - began < 0.5
        event = await world.event()
        assert event.error_code == "client_disconnected"
        assert event.attempts[0].target_id == ("an" if "messages" in route else "oa")
        assert (await world.ask("/keeptrusts/providers/metrics", method="GET")).status == 200
        metrics = json.loads((await world.ask("/keeptrusts/providers/metrics", method="GET")).body)["providers"]
        assert {target["open"] for target in metrics.values()} == {0}
        assert world.gateway.gauges.in_flight == 0


@pytest.mark.parametrize(
    ("route", "ping"), [("/v1/chat/completions", b": keep-alive\n\n"), ("/v1/messages", b"event: ping\n")]
)
async def test_a_silent_stream_is_kept_alive_and_the_sdk_does_not_notice(tmp_path, monkeypatch, route, ping):
    monkeypatch.setattr(answers, "PING_AFTER_S", 0.1)
    pieces = [BEGUN[route], 1.3, b": more\n\n"]
    async with open_world(tmp_path, Reply(pieces=pieces, content_type="text/event-stream")) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
        assert ping in answer.body
        with pytest.raises(FAILS):
            await consume(world, route)


@pytest.mark.parametrize(
    ("kind", "error_code"),
    [("completed", None), ("incomplete", None), ("failed", "upstream_error"), ("cancelled", None)],
)
async def test_every_end_of_a_response_is_an_end(tmp_path, chain, kind, error_code):
    error = {"code": "server_error", "message": "cannot mail bob@example.com"} if kind == "failed" else None
    usage = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11}
    last = {"type": f"response.{kind}", "sequence_number": 4,
            "response": RESPONSE | {"status": kind, "error": error, "usage": usage}}  # fmt: skip
    body = BEGUN["/v1/responses"] + sse(last)
    async with open_world(tmp_path, stream(body, size=70), chain=chain) as world:
        answer = await world.ask("/v1/responses", CALLS["/v1/responses"] | {"stream": True})
        event = await world.event()
    assert b"upstream_truncated" not in answer.body
    assert events_in(answer.body)[-1]["type"] == f"response.{kind}"
    assert (b"bob@example.com" in answer.body) == (kind == "failed" and not chain)
    assert (event.error_code, event.usage.output_tokens, event.usage.estimated) == (error_code, 6, False)


async def test_an_error_that_anthropic_sends_inside_a_stream_is_raised_and_judged(tmp_path, chain):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "cannot mail bob@example.com"}}
    body = BEGUN["/v1/messages"] + sse(error)
    async with open_world(tmp_path, stream(body, size=70), chain=chain) as world:
        with pytest.raises(anthropic.APIStatusError) as raised:
            await consume(world, "/v1/messages")
        event = await world.event()
    assert raised.value.body["error"]["type"] == "overloaded_error"
    assert ("bob@example.com" in str(raised.value)) == (not chain)
    assert (event.status, event.error_code) == (200, "upstream_error")


async def test_an_error_event_of_a_response_is_passed_on_and_judged(tmp_path, chain):
    error = {"type": "error", "code": "server_error", "message": "cannot mail bob@example.com", "param": None,
             "sequence_number": 4}  # fmt: skip
    async with open_world(tmp_path, stream(BEGUN["/v1/responses"] + sse(error)), chain=chain) as world:
        answer = await world.ask("/v1/responses", CALLS["/v1/responses"] | {"stream": True})
        assert (b"bob@example.com" in answer.body) == (not chain)
        assert (await world.event()).error_code == "upstream_error"


async def test_speech_that_breaks_off_has_no_clean_end(tmp_path):
    reply = Reply(pieces=[b"\xff\xf3" * 500], content_type="audio/mpeg", ending="cut")
    async with open_world(tmp_path, reply) as world:
        answer = await world.ask("/v1/audio/speech", {"model": "m", "input": "hi", "voice": "alloy"})
        assert not answer.is_complete
        assert (await world.event()).error_code == "upstream_truncated"


async def test_a_provider_whose_certificate_nobody_vouches_for_is_not_called(tmp_path):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with open_replay(Reply(body=b"{}"), tls=tls) as impostor:
        target = {"id": "a", "provider": "openai", "model": "m", "base_url": f"https://127.0.0.1:{impostor.port}",
                  "secret_key_ref": {"env": "UPSTREAM_KEY"}}  # fmt: skip
        async with open_world(tmp_path, Reply(), providers={"targets": [target]}) as world:
            answer = await world.ask("/v1/chat/completions", CHAT)
            assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "upstream_unreachable")
        assert impostor.calls == 0
