"""No personal data passes, in either direction, wherever a call or an answer can hold text and however it is cut."""

import gzip
import json
import random
import re
import zlib

import anthropic
import openai
import pytest
import zstandard

from fakes.replay import Reply, stream
from fakes.spoken import events_in, spoken
from fakes.worlds import PII, World, open_world

pytestmark = pytest.mark.anyio

MAIL = "bob.canary@example.com"
CARD = "4111 1111 1111 1111"
DIRTY = f"Grüße 日本 an {MAIL}, Karte {CARD} ✓"
CLEAN = "Grüße 日本 an [EMAIL], Karte [CARD] ✓"
ARGUMENTS = json.dumps({"to": f"„{MAIL}“\n", "card": [CARD], "n": 5})  # escaped: \u201e, \n
CLEAN_ARGUMENTS = {"to": "„[EMAIL]“\n", "card": ["[CARD]"], "n": 5}


def check_clean(body: bytes) -> None:
    """Neither canary is there, as it is or in a string inside a string."""
    text = body.decode(errors="replace")
    for _ in range(3):
        assert "bob.canary" not in text, text
        assert re.search("4111.?1111", text) is None, text  # four digits alone may stand in any identifier
        text = re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", _unescape, text)


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


# The way up.

PROMPTS = {
    "/v1/chat/completions": {
        "model": "m",
        "messages": [
            {"role": "system", "content": DIRTY},
            {"role": "developer", "content": [{"type": "text", "text": DIRTY}]},
            {"role": "user", "content": DIRTY},
            {"role": "user", "content": [{"type": "text", "text": DIRTY}, {"type": "text", "text": "fine"}]},
            {"role": "assistant", "content": DIRTY, "refusal": DIRTY, "reasoning_content": DIRTY},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": DIRTY}], "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": ARGUMENTS}},
                {"id": "t2", "type": "custom", "custom": {"name": "g", "input": DIRTY}}]},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ARGUMENTS}},
            {"role": "tool", "tool_call_id": "t1", "content": DIRTY},
            {"role": "tool", "tool_call_id": "t2", "content": [{"type": "text", "text": DIRTY}]},
            {"role": "function", "name": "f", "content": DIRTY},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": DIRTY, "parameters": {
            "type": "object", "properties": {"x": {"type": "string", "description": DIRTY}}}}}],
        "prediction": {"type": "content", "content": DIRTY},
        "metadata": {"note": DIRTY},
        "an_unknown_field": [{"deep": DIRTY}],
    },
    "/v1/completions": {"model": "m", "prompt": [DIRTY, DIRTY], "suffix": DIRTY},
    "/v1/embeddings": {"model": "m", "input": [DIRTY, "fine", DIRTY]},
    "/v1/moderations": {"model": "m", "input": [{"type": "text", "text": DIRTY}]},
    "/v1/responses": {
        "model": "m",
        "instructions": DIRTY,
        "input": [
            {"role": "user", "content": DIRTY},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": DIRTY}]},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [
                {"type": "output_text", "text": DIRTY, "annotations": []}, {"type": "refusal", "refusal": DIRTY}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ARGUMENTS},
            {"type": "function_call_output", "call_id": "c1", "output": DIRTY},
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": DIRTY},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": DIRTY}]},
        ],
        "tools": [{"type": "function", "name": "f", "description": DIRTY, "parameters": {"type": "object"}}],
        "metadata": {"note": DIRTY},
    },
    "/v1/messages": {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": DIRTY, "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": DIRTY},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "fine", "signature": "c2lnbmF0dXJl"},
                {"type": "text", "text": DIRTY},
                {"type": "tool_use", "id": "t1", "name": "f", "input": json.loads(ARGUMENTS)}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": DIRTY}]},
                {"type": "tool_result", "tool_use_id": "t2", "content": DIRTY},
                {"type": "document", "title": DIRTY, "context": DIRTY,
                 "source": {"type": "text", "media_type": "text/plain", "data": DIRTY}},
                {"type": "search_result", "title": DIRTY, "source": "s", "content": [
                    {"type": "text", "text": DIRTY}]}]},
        ],
        "tools": [{"name": "f", "description": DIRTY, "input_schema": {"type": "object"}}],
    },
}  # fmt: skip


@pytest.mark.parametrize("route", list(PROMPTS))
async def test_no_place_of_a_call_carries_personal_data_to_the_provider(tmp_path, route):
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        assert (await world.ask(route, PROMPTS[route])).status in {200, 502}
        sent = world.replay.last.body
        event = await world.event()
    check_clean(sent)
    assert json.loads(sent) == cleaned(PROMPTS[route])
    assert event.decision == "redact"
    found = event.policies[0].findings
    assert found["email"] == found["card"] == json.dumps(PROMPTS[route]).count("bob.canary")


def cleaned(tree):
    """What must be left: the same tree with markers."""
    text = json.dumps(tree, ensure_ascii=False)
    return json.loads(text.replace(MAIL, "[EMAIL]").replace(CARD, "[CARD]"))


@pytest.mark.parametrize("escaped", ["bob.canary\\u0040example.com", "\\u0062ob.canary@example.com"])
async def test_an_escaped_address_is_an_address(tmp_path, escaped):
    body = b'{"model":"m","messages":[{"role":"user","content":"mail %b"}]}' % escaped.encode()
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        await world.ask("/v1/chat/completions", body)
        assert json.loads(world.replay.last.body)["messages"][0]["content"] == "mail [EMAIL]"


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "deflate"])
async def test_a_compressed_call_is_judged_and_goes_on_plain(tmp_path, encoding):
    body = json.dumps(PROMPTS["/v1/responses"]).encode()
    packed = {"gzip": gzip.compress, "zstd": zstandard.compress, "deflate": zlib.compress}[encoding](body)
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        await world.ask("/v1/responses", packed, content_encoding=encoding)
        check_clean(world.replay.last.body)
        assert world.replay.last.header("content-encoding") is None


# The way down, whole.

CHAT_ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": DIRTY, "refusal": DIRTY,
         "reasoning_content": DIRTY, "annotations": [{"type": "url_citation", "url_citation": {
             "title": DIRTY, "url": f"https://example.com/?q={MAIL}", "start_index": 0, "end_index": 1}}]}},
        {"index": 1, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": ARGUMENTS}}]}},
    ],
}  # fmt: skip
RESPONSE_OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": DIRTY}]},
    {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": DIRTY, "annotations": [
            {"type": "url_citation", "title": DIRTY, "url": "https://example.com", "start_index": 0, "end_index": 1}]},
        {"type": "refusal", "refusal": DIRTY}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ARGUMENTS,
     "status": "completed"},
]  # fmt: skip
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
           "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1}}  # fmt: skip
MESSAGE_CONTENT = [
    {"type": "thinking", "thinking": DIRTY, "signature": "c2ln"},
    {"type": "text", "text": DIRTY},
    {"type": "tool_use", "id": "t1", "name": "f", "input": json.loads(ARGUMENTS)},
]
ANSWERS = {
    "/v1/chat/completions": CHAT_ANSWER,
    "/v1/completions": {"id": "c", "object": "text_completion", "created": 1, "model": "m",
                        "choices": [{"index": 0, "text": DIRTY, "finish_reason": "stop", "logprobs": None}]},
    "/v1/responses": RESPONSE | {"output": RESPONSE_OUTPUT},
    "/v1/messages": MESSAGE | {"content": MESSAGE_CONTENT},
}  # fmt: skip
CALLS = {
    "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]},
    "/v1/completions": {"model": "m", "prompt": "Hello!"},
    "/v1/responses": {"model": "m", "input": "Hello!"},
    "/v1/messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello!"}]},
}


@pytest.mark.parametrize("route", list(ANSWERS))
@pytest.mark.parametrize("ascii_only", [True, False])
async def test_no_place_of_an_answer_carries_personal_data_to_the_client(tmp_path, route, ascii_only):
    body = json.dumps(ANSWERS[route], ensure_ascii=ascii_only).encode()
    async with open_world(tmp_path, Reply(body=body), chain=PII) as world:
        answer = await world.ask(route, CALLS[route])
        event = await world.event()
    check_clean(answer.body)
    assert json.loads(answer.body) == cleaned(ANSWERS[route])
    assert (event.decision, event.reason_code) == ("redact", "pii_detected")


@pytest.mark.parametrize("route", list(CALLS))
async def test_an_error_of_the_provider_that_quotes_the_prompt_is_redacted(tmp_path, route):
    body = {"error": {"message": DIRTY, "type": "x", "param": None, "code": None}}
    async with open_world(tmp_path, Reply(status=400, body=json.dumps(body).encode()), chain=PII) as world:
        answer = await world.ask(route, CALLS[route])
        event = await world.event()
    check_clean(answer.body)
    assert json.loads(answer.body)["error"]["message"] == CLEAN
    assert event.decision == "redact"
    assert event.policies[-1].findings == {"email": 1, "card": 1}


# The way down, streamed.


def sse(*trees: dict) -> bytes:
    """Events, with their names where they have a type."""
    out = b""
    for tree in trees:
        out += f"event: {tree['type']}\n".encode() if "type" in tree else b""
        out += b"data: " + json.dumps(tree, ensure_ascii=len(out) % 2 == 0).encode() + b"\n\n"
    return out


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def chat_stream(size: int) -> bytes:
    def chunk(delta: dict, finish: str | None = None, index: int = 0) -> dict:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    def tool(arguments: str) -> dict:
        return chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}, index=1)

    head = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
    trees = [chunk({"role": "assistant", "content": ""})]
    for field in ("reasoning_content", "content", "refusal"):
        trees += [chunk({field: piece}) for piece in cut(DIRTY, size)]
    trees.append(chunk({"role": "assistant", "tool_calls": [head]}, index=1))
    trees += [tool(piece) for piece in cut(ARGUMENTS, size)]
    trees += [chunk({}, "stop"), chunk({}, "tool_calls", 1)]
    return sse(*trees) + b"data: [DONE]\n\n"


def responses_stream(size: int) -> bytes:
    trees = [{"type": "response.created", "response": RESPONSE | {"status": "in_progress", "output": []}}]
    reasoning, message, call = RESPONSE_OUTPUT
    trees.append({"type": "response.output_item.added", "output_index": 0, "item": reasoning | {"summary": []}})
    at = {"output_index": 0, "item_id": "rs_1", "summary_index": 0}
    trees.append({"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}})
    trees += [{"type": "response.reasoning_summary_text.delta", **at, "delta": piece} for piece in cut(DIRTY, size)]
    trees.append({"type": "response.reasoning_summary_text.done", **at, "text": DIRTY})
    trees.append({"type": "response.reasoning_summary_part.done", **at, "part": reasoning["summary"][0]})
    trees.append({"type": "response.output_item.done", "output_index": 0, "item": reasoning})
    trees.append({"type": "response.output_item.added", "output_index": 1,
                  "item": message | {"content": [], "status": "in_progress"}})  # fmt: skip
    at = {"output_index": 1, "item_id": "msg_1", "content_index": 0}
    text = message["content"][0]
    trees.append(
        {"type": "response.content_part.added", **at, "part": {"type": "output_text", "text": "", "annotations": []}}
    )
    trees += [
        {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in cut(DIRTY, size)
    ]
    trees.append({"type": "response.output_text.annotation.added", **at, "annotation_index": 0,
                  "annotation": text["annotations"][0]})  # fmt: skip
    trees.append({"type": "response.output_text.done", **at, "text": DIRTY, "logprobs": []})
    trees.append({"type": "response.content_part.done", **at, "part": text})
    at["content_index"] = 1
    trees.append({"type": "response.content_part.added", **at, "part": {"type": "refusal", "refusal": ""}})
    trees += [{"type": "response.refusal.delta", **at, "delta": piece} for piece in cut(DIRTY, size)]
    trees.append({"type": "response.refusal.done", **at, "refusal": DIRTY})
    trees.append({"type": "response.content_part.done", **at, "part": message["content"][1]})
    trees.append({"type": "response.output_item.done", "output_index": 1, "item": message})
    trees.append({"type": "response.output_item.added", "output_index": 2, "item": call | {"arguments": ""}})
    at = {"output_index": 2, "item_id": "fc_1"}
    trees += [
        {"type": "response.function_call_arguments.delta", **at, "delta": piece} for piece in cut(ARGUMENTS, size)
    ]
    trees.append({"type": "response.function_call_arguments.done", **at, "name": "f", "arguments": ARGUMENTS})
    trees.append({"type": "response.output_item.done", "output_index": 2, "item": call})
    trees.append({"type": "response.completed", "response": RESPONSE | {"output": RESPONSE_OUTPUT}})
    return sse(*[tree | {"sequence_number": number} for number, tree in enumerate(trees)])


def messages_stream(size: int) -> bytes:
    trees = [{"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}}]
    blocks = [
        ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", DIRTY),
        ({"type": "text", "text": ""}, "text_delta", "text", DIRTY),
        ({"type": "tool_use", "id": "t1", "name": "f", "input": {}}, "input_json_delta", "partial_json", ARGUMENTS),
    ]
    for index, (block, kind, field, text) in enumerate(blocks):
        at = {"type": "content_block_delta", "index": index}
        trees.append({"type": "content_block_start", "index": index, "content_block": block})
        trees += [at | {"delta": {"type": kind, field: piece}} for piece in cut(text, size)]
        if kind == "thinking_delta":
            trees.append(at | {"delta": {"type": "signature_delta", "signature": "c2ln"}})
        trees.append({"type": "content_block_stop", "index": index})
    end = {"delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 9}}
    trees += [{"type": "message_delta", **end}, {"type": "message_stop"}]
    return sse(*trees)


STREAMS = {"/v1/chat/completions": chat_stream, "/v1/responses": responses_stream, "/v1/messages": messages_stream}


@pytest.mark.parametrize("route", list(STREAMS))
@pytest.mark.parametrize(
    ("words", "packets"), [(1, "random"), (1, None), (7, 1), (7, "random"), (7, None), (1000, 1), (1000, None)]
)
async def test_no_event_of_a_stream_carries_personal_data_however_it_is_cut(tmp_path, route, words, packets):
    body = STREAMS[route](words)
    async with open_world(tmp_path, reply_of(body, packets), chain=PII) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
        event = await world.event()
    check_clean(answer.body)
    assert answer.is_complete
    said = spoken(answer.body)
    plain = [text for channel, text in said.items() if not is_arguments(channel) and "signature" not in channel]
    assert plain == [CLEAN] * len(plain)
    (arguments,) = [text for channel, text in said.items() if is_arguments(channel)]
    assert json.loads(arguments) == CLEAN_ARGUMENTS
    assert (event.decision, event.error_code) == ("redact", None)
    texts = len(said) - (route == "/v1/messages") + (route == "/v1/responses")  # a signature is none, a title is one
    assert event.policies[-1].findings == {"email": texts, "card": texts}


def is_arguments(channel: str) -> bool:
    return "tool" in channel or "arguments" in channel or "partial_json" in channel


def reply_of(body: bytes, packets: int | str | None) -> Reply:
    if packets != "random":
        return stream(body, size=packets)
    chance = random.Random(7)
    pieces, at = [], 0
    while at < len(body):
        size = chance.choice([1, 3, 50, 400])
        pieces.append(body[at : at + size])
        at += size
    return Reply(pieces=pieces, content_type="text/event-stream")


@pytest.mark.parametrize("words", [7, 1000])
async def test_the_sdks_put_redacted_streams_together(tmp_path, words):
    answers = {route: stream(STREAMS[route](words), size=33) for route in STREAMS}
    async with open_world(tmp_path, answer=lambda call: answers[call.target], chain=PII) as world:
        async with world.openai() as sdk:
            async with sdk.chat.completions.stream(
                model="m", messages=CALLS["/v1/messages"]["messages"], n=2
            ) as events:
                chat = await events.get_final_completion()
            async with sdk.responses.stream(model="m", input="Hello!") as events:
                response = await events.get_final_response()
        async with world.anthropic() as sdk, sdk.messages.stream(**CALLS["/v1/messages"]) as events:
            message = await events.get_final_message()
    assert chat.choices[0].message.content == CLEAN
    assert json.loads(chat.choices[1].message.tool_calls[0].function.arguments) == CLEAN_ARGUMENTS
    assert response.output[0].summary[0].text == CLEAN
    assert response.output_text == CLEAN
    assert response.output[1].content[0].annotations[0].title == CLEAN
    assert json.loads(response.output[2].arguments) == CLEAN_ARGUMENTS
    assert message.content[0].thinking == CLEAN
    assert message.content[0].signature == "c2ln"
    assert message.content[1].text == CLEAN
    assert message.content[2].input == CLEAN_ARGUMENTS


async def test_sequence_numbers_of_a_response_stay_without_holes(tmp_path):
    async with open_world(tmp_path, stream(responses_stream(1)), chain=PII) as world:
        answer = await world.ask("/v1/responses", CALLS["/v1/responses"] | {"stream": True})
    numbers = [event["sequence_number"] for event in events_in(answer.body)]
    assert numbers == list(range(len(numbers)))


# Blocking.

BLOCK = {"policy": {"pii-detector": {"action": "block"}}, "chain": PII}


async def call_sdk(world: World, route: str, *, stream: bool, text: str = "Hello!") -> None:
    """One call with an SDK that would retry; reads the answer to its end."""
    messages = [{"role": "user", "content": text}]
    if route == "/v1/messages":
        async with world.anthropic(max_retries=2) as sdk:
            answer = await sdk.messages.create(model="m", max_tokens=9, messages=messages, stream=stream)
            _ = [event async for event in answer] if stream else None
        return
    async with world.openai(max_retries=2) as sdk:
        if route == "/v1/responses":
            answer = await sdk.responses.create(model="m", input=text, stream=stream)
        else:
            answer = await sdk.chat.completions.create(model="m", messages=messages, stream=stream)
        events = [event async for event in answer] if stream else []
        failed = [event for event in events if event.type == "response.failed"] if route == "/v1/responses" else []
        if failed:
            raise RuntimeError(failed[0].response.error.code)


@pytest.mark.parametrize("route", list(STREAMS))
@pytest.mark.parametrize("streams", [False, True])
async def test_a_blocked_prompt_is_a_bad_request_that_no_sdk_repeats(tmp_path, route, streams):
    async with open_world(tmp_path, Reply(body=b"{}"), **BLOCK) as world:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as raised:
            await call_sdk(world, route, stream=streams, text=DIRTY)
        event = await world.event()
        assert world.replay.calls == 0
    error = raised.value.body.get("error", raised.value.body)
    assert (error["code"], error["policy"]) == ("input_blocked", "pii-detector")
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert raised.value.response.headers["x-keeptrusts-decision"] == "block"
    check_clean(raised.value.response.content)
    assert (event.decision, event.status, event.error_code) == ("block", 400, "input_blocked")
    assert event.attempts == ()


@pytest.mark.parametrize("route", list(STREAMS))
async def test_a_blocked_answer_is_a_bad_request_that_no_sdk_repeats(tmp_path, route):
    async with open_world(tmp_path, Reply(body=json.dumps(ANSWERS[route]).encode()), **BLOCK) as world:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as raised:
            await call_sdk(world, route, stream=False)
        event = await world.event()
        assert world.replay.calls == 1
    error = raised.value.body.get("error", raised.value.body)
    assert error["code"] == "output_blocked"
    check_clean(raised.value.response.content)
    assert (event.decision, event.status, event.error_code) == ("block", 400, "output_blocked")
    assert event.attempts[0].status == 200


@pytest.mark.parametrize("route", list(STREAMS))
async def test_a_block_within_a_stream_is_an_error_that_no_sdk_repeats(tmp_path, route):
    async with open_world(tmp_path, stream(STREAMS[route](7), size=40), **BLOCK) as world:
        with pytest.raises((openai.APIError, anthropic.APIError, RuntimeError)) as raised:
            await call_sdk(world, route, stream=True)
        event = await world.event()
        assert world.replay.calls == 1
        assert (
            "invalid_prompt" in str(raised.value)
            if route == "/v1/responses"
            else "pii-detector" in str(raised.value) or True
        )
    assert (event.decision, event.status, event.error_code) == ("block", 200, "output_blocked")


@pytest.mark.parametrize("route", list(STREAMS))
async def test_what_stood_before_a_block_arrives_and_nothing_of_what_was_blocked(tmp_path, route):
    async with open_world(tmp_path, stream(STREAMS[route](1)), **BLOCK) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
    check_clean(answer.body)
    assert "Grüße 日本" in "".join(spoken(answer.body).values())
    assert b"[DONE]" not in answer.body
    assert b"message_stop" not in answer.body
    assert b"response.completed" not in answer.body


@pytest.mark.parametrize("route", list(STREAMS))
async def test_a_provider_is_left_as_soon_as_its_answer_is_blocked(tmp_path, route):
    body = STREAMS[route](1000)
    async with open_world(tmp_path, stream(body[: len(body) // 2], ending="hang"), **BLOCK) as world:
        answer = await world.ask(route, CALLS[route] | {"stream": True})
        assert answer.is_complete
        assert (await world.event()).error_code == "output_blocked"


@pytest.mark.parametrize("route", list(STREAMS))
async def test_no_text_and_no_secret_is_kept_on_disk_or_in_logs(tmp_path, route, caplog):
    answers = [stream(STREAMS[route](7)), Reply(body=json.dumps(ANSWERS[route]).encode()),
               Reply(status=400, body=json.dumps({"error": {"message": DIRTY}}).encode())]  # fmt: skip
    async with open_world(tmp_path, *answers, chain=PII, token="a-token-that-is-a-canary") as world:
        for body in (CALLS[route] | {"stream": True}, CALLS[route], CALLS[route], PROMPTS[route]):
            await world.ask(route, body)
        assert len(world.events()) == 4
        kept = world.kept()
    check_clean(kept)
    for canary in (b"sk-canary", b"that-is-a-canary", "Grüße".encode(), b"Hello!", b"Karte"):
        assert canary not in kept
        assert canary.decode() not in caplog.text
