"""What every translation of the catalog promises, by small calls and answers of each."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.sse import SseSplitter, render
from keeptrusts.providers.translation.catalog import TRANSLATORS

JSON = b"application/json"


@dataclass(frozen=True)
class Sample:
    """What a client sends, and what a provider answers: whole, as the events of a stream, and as an in-band error."""

    call: dict
    reply: dict
    events: tuple[bytes, ...]
    error: bytes
    limit: str = "max_tokens"  # the client's word for the bound of an answer


def _named(*events):
    return tuple(render(event["type"], json.dumps(event).encode()) for event in events)


def _chunks(*deltas, finish_reason):
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    return [render("", json.dumps({"id": "chatcmpl-1", "choices": [choice]}).encode()) for choice in choices]


_USAGE = {"input_tokens": 7, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_tokens": 9}
_COUNTS = {"prompt_tokens": 41, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 30}}
_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city":"ANSWERED-3"}'}}
_TOOL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "ANSWERED-3"}}

_FROM_ANTHROPIC = {
    "reply": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "ANSWERED-1", "signature": "s"},
            {"type": "text", "text": "ANSWERED-2"},
            _TOOL,
        ],
        "stop_reason": "tool_use",
        "usage": _USAGE,
    },
    "events": _named(
        {"type": "message_start", "message": {"id": "msg_1", "usage": {**_USAGE, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "ping"},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "ANSWERED-1"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ANSWER"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ED-2"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {**_TOOL, "input": {}}},
        {
            "type": "content_block_delta",
            "index": 2,
            "delta": {"type": "input_json_delta", "partial_json": json.dumps(_TOOL["input"])},
        },
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": _USAGE},
        {"type": "message_stop"},
    ),
    "error": _named({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})[0],
}

SAMPLES = {
    (Route.CHAT, "anthropic"): Sample(
        call={
            "model": "asked",
            "messages": [
                {"role": "system", "content": "SAID-1"},
                {"role": "user", "content": [{"type": "text", "text": "SAID-2"}]},
                {
                    "role": "assistant",
                    "content": "SAID-3",
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":"SAID-4"}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "SAID-5"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "description": "SAID-6", "parameters": {}}}],
            "stream": True,
        },
        **_FROM_ANTHROPIC,
    ),
    (Route.RESPONSES, "anthropic"): Sample(
        call={
            "model": "asked",
            "instructions": "SAID-1",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "SAID-2"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "SAID-3"}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x":"SAID-4"}'},
                {"type": "function_call_output", "call_id": "c1", "output": "SAID-5"},
            ],
            "tools": [{"type": "function", "name": "f", "description": "SAID-6", "parameters": {}}],
            "stream": True,
        },
        **_FROM_ANTHROPIC,
        limit="max_output_tokens",
    ),
    (Route.MESSAGES, "openai"): Sample(
        call={
            "model": "asked",
            "system": [{"type": "text", "text": "SAID-1", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "SAID-2"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "SAID-3"},
                        {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": "SAID-4"}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "SAID-5"}]},
            ],
            "tools": [{"name": "f", "description": "SAID-6", "input_schema": {"type": "object"}}],
            "stream": True,
        },
        reply={
            "id": "chatcmpl-1",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "reasoning_content": "ANSWERED-1",
                        "content": "ANSWERED-2",
                        "tool_calls": [_CALL],
                    },
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": _COUNTS,
        },
        events=(
            *_chunks(
                {"role": "assistant", "content": ""},
                {"reasoning_content": "ANSWERED-1"},
                {"content": "ANSWER"},
                {"content": "ED-2"},
                {"tool_calls": [{"index": 0, **_CALL, "function": {"name": "f", "arguments": ""}}]},
                {"tool_calls": [{"index": 0, "function": {"arguments": _CALL["function"]["arguments"]}}]},
                finish_reason="tool_calls",
            ),
            render("", json.dumps({"id": "chatcmpl-1", "choices": [], "usage": _COUNTS}).encode()),
            render("", b"[DONE]"),
        ),
        error=render("", json.dumps({"error": {"type": "server_error", "message": "busy"}}).encode()),
    ),
}


@pytest.fixture(params=list(TRANSLATORS), ids=lambda key: f"{key[0].value} to {key[1]}")
def key(request):
    return request.param


@pytest.fixture
def sample(key):
    return SAMPLES[key]


@pytest.fixture
def translator(key):
    return TRANSLATORS[key]


@pytest.fixture
def client(key):
    return dialect_of(key[0])


@pytest.fixture
def provider(translator):
    return dialect_of(translator.route)


def read(dialect, route, tree):
    return dialect.read_call(route, json.dumps(tree).encode(), JSON)


def said(dialect, call):
    return {text.value for text in dialect.texts(call)[0]}


def test_the_target_speaks_another_dialect(key, client, provider):
    assert provider.name == key[1] != client.name


def test_a_call_arrives_with_all_its_texts(key, sample, translator, client, provider):
    call = read(client, key[0], sample.call)
    assert translator.obstacle(call) is None
    body = translator.write_call(call, model="up/stream", changes={}, max_output_tokens=None)
    sent = provider.read_call(translator.route, body, JSON)
    assert (sent.model, sent.stream, sent.tools) == ("up/stream", call.stream, call.tools)
    known = json.dumps(sent.tree)
    assert all(word in known for word in ("SAID-1", "SAID-2", "SAID-3", "SAID-4", "SAID-5", "SAID-6"))
    assert len(said(provider, sent)) >= 6


def test_a_call_is_written_alike_each_time(key, sample, translator, client):
    call = read(client, key[0], sample.call)
    before = json.dumps(call.tree)
    bodies = {translator.write_call(call, model="m", changes={}, max_output_tokens=5) for _ in range(2)}
    assert len(bodies) == 1
    assert json.dumps(call.tree) == before


def test_what_a_policy_changed_arrives_and_what_it_replaced_does_not(key, sample, translator, client):
    call = read(client, key[0], sample.call)
    texts = [text for text in client.texts(call)[0] if text.value.startswith("SAID")]
    changes = {text.path: text.value.replace("SAID", "HIDDEN") for text in texts}
    body = translator.write_call(call, model="m", changes=changes, max_output_tokens=None).decode()
    assert len(texts) >= 5
    assert all(changed in body for changed in changes.values())
    assert not any(text.value in body for text in texts)


def test_an_answer_is_bounded_by_the_call_else_by_the_target(key, sample, translator, client, provider):
    for own, limit, expected in ((None, 77, 77), (33, 77, 33), (33, None, 33)):
        call = read(client, key[0], sample.call if own is None else {**sample.call, sample.limit: own})
        if own is None and call.max_output_tokens is not None:
            continue  # the dialect demands a limit
        body = translator.write_call(call, model="m", changes={}, max_output_tokens=limit)
        assert provider.read_call(translator.route, body, JSON).max_output_tokens == expected


def test_a_member_that_nobody_knows_is_an_obstacle(key, sample, translator, client):
    assert translator.obstacle(read(client, key[0], {**sample.call, "new_member": True})) == "new_member"
    strange = translator.obstacle(read(client, key[0], {**sample.call, "ann@example.org": True}))
    assert strange
    assert "ann" not in strange


def test_a_whole_answer_says_the_same_and_counts_the_same(key, sample, translator, client, provider):
    body = json.dumps(sample.reply).encode()
    translated = translator.read_reply(body, model="asked", created=1)
    reply = client.read_reply(key[0], translated.body, JSON, with_texts=True)
    counted = provider.read_reply(translator.route, body, JSON, with_texts=True).usage
    known = " ".join(text.value for text in reply.texts)
    assert all(word in known for word in ("ANSWERED-1", "ANSWERED-2", "ANSWERED-3"))
    assert not reply.unreadable
    assert translated.usage == counted
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (counted.input_tokens, counted.output_tokens)
    assert reply.usage.cached_input_tokens == counted.cached_input_tokens
    assert reply.tree["model"] == "asked"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b"\xff", b"[" * 100_000, b'{"error":{"message":"x"}}'])
def test_what_is_no_answer_is_an_error_of_the_provider(translator, body):
    with pytest.raises(Fault) as raised:
        translator.read_reply(body, model="m", created=1)
    assert raised.value.code is Code.UPSTREAM_ERROR


def relay(key, translator, client, events):
    """The client's reader after these events, the texts that it read, and what was counted."""
    stream = translator.open_stream(model="asked", created=1)
    reader = client.open_stream(key[0], strip_usage=False)
    texts = {}
    for event in events:
        for sent in stream.feed(event):
            assert SseSplitter().feed(sent) == [sent]
            piece = reader.read(sent)
            assert not piece.unreadable
            for fragment in piece.fragments:
                texts[fragment.channel] = texts.get(fragment.channel, "") + fragment.value
    return reader, texts, stream.usage


def answered(texts):
    return sorted(re.findall(r"ANSWERED-(\d)", " ".join(texts)))


def test_a_stream_says_what_the_whole_answer_says(key, sample, translator, client):
    reader, texts, usage = relay(key, translator, client, sample.events)
    whole = translator.read_reply(json.dumps(sample.reply).encode(), model="asked", created=1)
    reply = client.read_reply(key[0], whole.body, JSON, with_texts=True)
    assert reader.is_complete
    assert reader.failure is None
    assert answered(texts.values()) == answered(text.value for text in reply.texts) == ["1", "2", "3"]
    assert usage == whole.usage
    assert reader.usage == reply.usage


def test_a_stream_that_breaks_off_is_never_a_clean_end(key, sample, translator, client):
    terminal = len(sample.events) - 1
    for length in range(terminal):
        reader, _, _ = relay(key, translator, client, sample.events[:length])
        stream = translator.open_stream(model="asked", created=1)
        for event in sample.events[: length // 2]:
            stream.feed(event)
        assert stream.finish() == []
        assert not reader.is_complete or length >= terminal - 1


def test_an_error_inside_the_stream_is_one_for_the_client(key, sample, translator, client):
    reader, _, _ = relay(key, translator, client, [*sample.events[:2], sample.error])
    assert reader.failure


def test_no_event_that_cannot_be_read_passes(translator):
    for event in (b"data: {broken\n\n", b"data: [1]\n\n", b"data: \xff\n\n"):
        with pytest.raises(Fault) as raised:
            translator.open_stream(model="m", created=1).feed(event)
        assert raised.value.code is Code.UPSTREAM_ERROR


# Whatever a client or a provider sends: a translation or a Fault, never another error.

WORDS = ["text", "function", "tool_use", "tool_result", "user", "assistant", "tool", "system", "auto", "image_url", "x"]
KEYS = [
    *("type", "role", "content", "text", "messages", "tools", "function", "arguments", "name", "id", "tool_calls"),
    *("tool_call_id", "input", "image_url", "url", "stop", "response_format", "tool_choice", "delta", "choices"),
    *("content_block", "message", "usage", "error", "index", "system", "thinking", "reasoning_effort", "source"),
    *("finish_reason", "stop_reason", "metadata", "stop_sequences", "tool_use_id", "input_schema", "parameters"),
]
TYPES = ["message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error", "x"]
odd_values = st.recursive(
    st.sampled_from([*WORDS, "", None, True, 0, -1, 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
odd_trees = st.dictionaries(st.sampled_from(KEYS), odd_values, max_size=6)


@contextmanager
def unless(code: Code) -> Iterator[None]:
    """Ends quietly on a Fault of this code."""
    try:
        yield
    except Fault as fault:
        if fault.code is not code:
            raise


@given(tree=odd_trees, key=st.sampled_from(list(TRANSLATORS)))
@settings(max_examples=150, deadline=None)
def test_no_call_makes_a_translator_stumble(tree, key):
    translator = TRANSLATORS[key]
    try:
        call = read(dialect_of(key[0]), key[0], {**SAMPLES[key].call, **tree})
    except Fault:
        return
    obstacle = translator.obstacle(call)
    assert obstacle is None or obstacle
    with unless(Code.INVALID_REQUEST):
        body = translator.write_call(call, model="m", changes={}, max_output_tokens=None)
        assert json.loads(body)["model"] == "m"


@given(tree=odd_trees, key=st.sampled_from(list(TRANSLATORS)))
@settings(max_examples=100, deadline=None)
def test_no_answer_makes_a_translator_stumble(tree, key):
    body = json.dumps({**SAMPLES[key].reply, **tree}).encode()
    with unless(Code.UPSTREAM_ERROR):
        translated = TRANSLATORS[key].read_reply(body, model="m", created=1)
        assert dialect_of(key[0]).read_reply(key[0], translated.body, JSON, with_texts=True).tree["model"] == "m"


@given(
    trees=st.lists(st.tuples(st.sampled_from(TYPES), odd_trees), max_size=4),
    begun=st.booleans(),
    key=st.sampled_from(list(TRANSLATORS)),
)
@settings(max_examples=100, deadline=None)
def test_no_event_makes_a_translator_stumble(trees, begun, key):
    stream = TRANSLATORS[key].open_stream(model="m", created=1)
    reader = dialect_of(key[0]).open_stream(key[0], strip_usage=False)
    events = [render(kind, json.dumps({"type": kind, **tree}).encode()) for kind, tree in trees]
    with unless(Code.UPSTREAM_ERROR):
        for event in [*SAMPLES[key].events[: begun * 2], *events]:
            for sent in stream.feed(event):
                reader.read(sent)
