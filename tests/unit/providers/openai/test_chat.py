"""Chat completions: what is judged, what is not, and what routing learns."""

import pytest

from keeptrusts.contract.call import Form, Role, Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.openai.chat import collect_chat_call, collect_chat_reply
from keeptrusts.providers.openai.dialect import OPENAI
from unit.providers.canaries import inventory_of, kinds

CALL = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "SEEN system"},
        {"role": "developer", "content": [{"type": "text", "text": "SEEN developer"}]},
        {"role": "user", "name": "kept-name", "content": "SEEN user"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "SEEN part", "cache_control": {"type": "ephemeral"}},
                {"type": "input_text", "text": "SEEN input_text"},
                {"type": "image_url", "image_url": {"url": "https://kept"}},
                {"type": "input_audio", "input_audio": {"data": "kept", "format": "wav"}},
                {"type": "file", "file": {"filename": "SEEN.pdf", "file_data": "kept"}},
                {"type": "file", "file": {"file_id": "file-kept"}},
                {"type": "hologram", "text": "kept, unreadable"},
                {"type": "text", "text": "SEEN a", "unheard_of": {"deep": ["SEEN member"]}},
                "SEEN plain string",
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "refusal", "refusal": "SEEN refusal part"},
                {"type": "thinking", "thinking": "SEEN thinking", "signature": "kept"},
                {"type": "thinking", "thinking": [{"type": "text", "text": "SEEN nested thinking"}]},
            ],
            "refusal": "SEEN refusal",
            "reasoning": "SEEN reasoning",
            "reasoning_content": "SEEN reasoning_content",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "SEEN details", "signature": "kept", "id": "kept"},
                {"type": "reasoning.encrypted", "data": "kept"},
            ],
            "audio": {"id": "audio-kept"},
            "annotations": [{"type": "url_citation", "url_citation": {"title": "SEEN title", "url": "https://SEEN"}}],
            "tool_calls": [
                {"id": "call-kept", "type": "function", "function": {"name": "kept", "arguments": '{"a":"SEEN"}'}},
                {"id": "c", "type": "function", "function": {"name": "kept", "arguments": {"id": "SEEN object"}}},
                {"id": "d", "type": "custom", "custom": {"name": "kept", "input": "SEEN custom"}},
            ],
            "function_call": {"name": "kept", "arguments": '{"b":"SEEN"}'},
            "unheard_of": "SEEN unknown member",
        },
        {"role": "tool", "tool_call_id": "kept", "content": "SEEN tool result"},
        {"role": "tool", "tool_call_id": "kept", "content": [{"type": "text", "text": "SEEN tool part"}]},
        {"role": "function", "name": "kept", "content": "SEEN function result"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "kept",
                "description": "SEEN tool description",
                "parameters": {
                    "type": "object",
                    "description": "SEEN schema",
                    "properties": {
                        "description": {"type": "string", "description": "SEEN property", "enum": ["kept"]},
                        "default": {"default": "kept", "const": "kept", "pattern": "kept", "title": "kept"},
                    },
                },
            },
        },
        {"type": "custom", "custom": {"name": "kept", "description": "SEEN c", "format": {"definition": "kept"}}},
    ],
    "functions": [
        {"name": "kept", "description": "SEEN function", "parameters": {"$defs": {"x": {"description": "SEEN"}}}}
    ],
    "tool_choice": {"type": "function", "function": {"name": "kept"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "kept", "description": "SEEN format", "schema": {"description": "SEEN schema"}},
    },
    "prediction": {"type": "content", "content": [{"type": "text", "text": "SEEN prediction"}]},
    "metadata": {"name": "SEEN metadata"},
    "stop": ["kept"],
    "user": "kept",
    "safety_identifier": "kept",
    "prompt_cache_key": "kept",
    "documents": [{"text": "SEEN unknown top-level member"}],
    "chat_template": "SEEN unknown string",
    "temperature": 1,
}

REPLY = {
    "id": "kept",
    "object": "chat.completion",
    "model": "kept",
    "system_fingerprint": "kept",
    "service_tier": "kept",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "kept"}]},
            "message": {
                "role": "assistant",
                "content": "SEEN answer",
                "refusal": "SEEN refusal",
                "reasoning_content": "SEEN reasoning",
                "audio": {"id": "kept", "data": "kept", "transcript": "SEEN transcript"},
                "images": [{"type": "image_url", "image_url": {"url": "kept"}}],
                "tool_calls": [{"id": "kept", "type": "function", "function": {"name": "kept", "arguments": '"SEEN"'}}],
                "annotations": [{"type": "url_citation", "url_citation": {"title": "SEEN title"}}],
            },
        },
        {"index": 1, "message": {"role": "assistant", "content": [{"type": "text", "text": "SEEN parts"}]}},
    ],
    "search_results": [{"title": "SEEN", "url": "https://SEEN"}],
    "usage": {"prompt_tokens": 1, "kept": "kept"},
}


def read(tree):
    return OPENAI.read_call(Route.CHAT, encode(tree), b"application/json")


def test_every_string_of_a_call_that_is_read_is_judged_and_no_other():
    found = inventory_of(collect_chat_call, CALL)
    assert kinds(found) == {
        ("messages", 3, "content", 2): "image_url",
        ("messages", 3, "content", 3): "input_audio",
        ("messages", 3, "content", 4): "file",
        ("messages", 3, "content", 5): "file",
        ("messages", 3, "content", 6): "hologram",
        ("messages", 4, "audio"): "audio",
    }


def test_every_string_of_a_reply_that_is_read_is_judged_and_no_other():
    found = inventory_of(collect_chat_reply, REPLY)
    assert kinds(found) == {
        ("choices", 0, "message", "audio"): "audio",
        ("choices", 0, "message", "images"): "image",
    }


def test_texts_know_who_speaks_and_how_to_be_read():
    found = inventory_of(collect_chat_call, CALL)
    by_value = {text.value: text for text in found.texts}
    assert by_value["SEEN developer"].role is Role.SYSTEM
    assert by_value["SEEN user"].role is Role.USER
    assert by_value["SEEN refusal"].role is Role.ASSISTANT
    assert by_value["SEEN tool part"].role is Role.TOOL
    assert by_value['{"a":"SEEN"}'].form is Form.JSON
    assert by_value["SEEN custom"].form is Form.PROSE


@pytest.mark.parametrize(
    "messages", ["SEEN", {"role": "user", "content": "SEEN"}, ["SEEN", 5, None], [[{"x": "SEEN"}]]]
)
def test_unexpected_shapes_are_judged_string_by_string(messages):
    inventory_of(collect_chat_call, {"model": "m", "messages": messages})


def test_a_plain_call_needs_nothing_special():
    call = read({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    assert (call.model, call.stream, call.asks_usage, call.choices, call.max_output_tokens) == (
        "m",
        False,
        True,
        1,
        None,
    )
    assert (call.tools, call.server_tools, call.provider_state, call.unreadable_reply) == ((), (), (), None)


def test_flags_of_a_call():
    call = read(
        {
            "model": "m",
            "messages": CALL["messages"],
            "stream": True,
            "n": 3,
            "max_tokens": 10,
            "max_completion_tokens": 20.0,
            "top_logprobs": 2,
            "modalities": ["text", "audio"],
            "tools": [*CALL["tools"], {"type": "web_search_preview_2025_03_11"}],
            "web_search_options": {},
        }
    )
    assert (call.stream, call.asks_usage, call.asks_logprobs) == (True, False, True)
    assert (call.choices, call.max_output_tokens, call.unreadable_reply) == (3, 20, "audio")
    assert call.tools == ("web_search", "kept", "kept", "web_search")
    assert call.server_tools == ("web_search",)
    assert call.provider_state == (
        ("messages", 3, "content", 5, "file", "file_id"),
        ("messages", 4, "audio", "id"),
    )


def test_usage_that_the_client_asks_for_is_known():
    assert read({"model": "m", "stream": True, "stream_options": {"include_usage": True}}).asks_usage


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"n": -1}, "n"),
        ({"n": True}, "n"),
        ({"n": "2"}, "n"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"logprobs": "x"}, "logprobs"),
        ({"messages": {}}, "messages"),
        ({"modalities": "audio"}, "modalities"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": "x"}}, "include_usage"),
    ],
)
def test_what_the_gateway_relies_on_has_its_type(members, param):
    with pytest.raises(Fault) as raised:
        read({"model": "m", **members})
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)
