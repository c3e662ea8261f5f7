"""Messages: what is judged, what is not, and what routing learns."""

import pytest

from keeptrusts.contract.call import Role, Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.anthropic.dialect import ANTHROPIC
from keeptrusts.providers.anthropic.messages import collect_messages_call, collect_messages_reply, tool_family
from keeptrusts.providers.json_body import encode
from unit.providers.canaries import inventory_of, kinds

CALL = {
    "model": "claude-sonnet-5",
    "max_tokens": 64,
    "system": [{"type": "text", "text": "SEEN system", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "SEEN user"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "SEEN text", "citations": [{"cited_text": "SEEN", "document_title": "SEEN"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "kept", "data": "kept"}},
                {"type": "image", "source": {"type": "file", "file_id": "kept"}},
                {
                    "type": "document",
                    "title": "SEEN title",
                    "context": "SEEN context",
                    "source": {"type": "text", "media_type": "kept", "data": "SEEN document"},
                },
                {"type": "document", "title": "SEEN pdf", "source": {"type": "base64", "data": "kept"}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "SEEN in"}]}},
                {
                    "type": "search_result",
                    "source": "SEEN source",
                    "title": "SEEN result",
                    "content": [{"type": "text", "text": "SEEN hit"}],
                },
                {"type": "container_upload", "file_id": "kept"},
                {"type": "hologram", "text": "kept, unreadable"},
                "SEEN bare string",
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "SEEN thinking", "signature": "kept"},
                {"type": "redacted_thinking", "data": "kept"},
                {
                    "type": "tool_use",
                    "id": "kept",
                    "name": "kept",
                    "input": {"id": "SEEN", "a": [{"name": "SEEN"}], "n": 4},
                },
                {"type": "server_tool_use", "id": "kept", "name": "kept", "input": {"query": "SEEN query"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "kept",
                    "content": [
                        {
                            "type": "web_search_result",
                            "title": "SEEN page",
                            "url": "https://SEEN",
                            "encrypted_content": "kept",
                            "page_age": "kept",
                        }
                    ],
                },
                {
                    "type": "bash_code_execution_tool_result",
                    "content": {
                        "type": "bash_code_execution_result",
                        "stdout": "SEEN out",
                        "stderr": "SEEN err",
                        "content": [],
                    },
                },
                {"type": "mcp_tool_use", "name": "kept", "server_name": "kept", "input": {"x": "SEEN"}},
                {"type": "mcp_tool_result", "content": [{"type": "text", "text": "SEEN mcp"}]},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "kept", "content": "SEEN result"},
                {
                    "type": "tool_result",
                    "tool_use_id": "kept",
                    "content": [{"type": "text", "text": "SEEN part"}, {"type": "image", "source": {"data": "kept"}}],
                },
            ],
        },
    ],
    "tools": [
        {
            "name": "lookup",
            "description": "SEEN tool",
            "input_schema": {"type": "object", "properties": {"q": {"description": "SEEN q", "enum": ["kept"]}}},
            "input_examples": [{"name": "SEEN example"}],
        },
        {"type": "custom", "name": "second", "description": "SEEN second"},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "bash_20250124", "name": "bash"},
    ],
    "tool_choice": {"type": "tool", "name": "kept"},
    "mcp_servers": [{"type": "url", "url": "kept", "name": "kept", "authorization_token": "kept"}],
    "container": {
        "id": "kept",
        "skills": [{"type": "custom", "skill_id": "kept"}, {"type": "anthropic", "skill_id": "xlsx"}],
    },
    "metadata": {"user_id": "kept"},
    "stop_sequences": ["kept"],
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"description": "SEEN"}}},
    "unheard_of": {"x": "SEEN unknown member"},
    "stream": True,
}

REPLY = {
    "id": "kept",
    "type": "message",
    "role": "assistant",
    "model": "kept",
    "content": [
        {"type": "thinking", "thinking": "SEEN thinking", "signature": "kept"},
        {"type": "text", "text": "SEEN text", "citations": [{"type": "char_location", "cited_text": "SEEN cited"}]},
        {"type": "tool_use", "id": "kept", "name": "kept", "input": {"path": "SEEN"}},
        {"type": "web_fetch_tool_result", "content": {"type": "web_fetch_result", "url": "SEEN", "content": {
            "type": "document", "title": "SEEN", "source": {"type": "text", "data": "SEEN fetched"}}}},
        {"type": "from_the_future", "text": "kept, unreadable"},
    ],
    "stop_reason": "kept",
    "stop_sequence": "kept",
    "usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "kept"},
}  # fmt: skip


def read(tree, route=Route.MESSAGES):
    return ANTHROPIC.read_call(route, encode(tree), b"application/json")


def test_every_string_of_a_call_that_is_read_is_judged_and_no_other():
    found = inventory_of(collect_messages_call, CALL)
    assert kinds(found) == {
        ("messages", 1, "content", 1): "image",
        ("messages", 1, "content", 2): "image",
        ("messages", 1, "content", 4): "document",
        ("messages", 1, "content", 7): "container_upload",
        ("messages", 1, "content", 8): "hologram",
        ("messages", 3, "content", 1, "content", 1): "image",
    }


def test_every_string_of_a_reply_that_is_read_is_judged_and_no_other():
    assert kinds(inventory_of(collect_messages_reply, REPLY)) == {("content", 4): "from_the_future"}


@pytest.mark.parametrize("value", ["SEEN", {"type": "text", "text": "SEEN"}, ["SEEN"], [["SEEN"]]])
def test_unexpected_shapes_are_judged_string_by_string(value):
    inventory_of(collect_messages_call, {"model": "m", "system": value, "messages": value})


def test_texts_know_who_speaks():
    by_value = {text.value: text for text in inventory_of(collect_messages_call, CALL).texts}
    assert by_value["SEEN system"].role is Role.SYSTEM
    assert by_value["SEEN user"].role is Role.USER
    assert by_value["SEEN thinking"].role is Role.ASSISTANT
    assert by_value["SEEN part"].role is Role.TOOL


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.COUNT_TOKENS])
def test_flags_of_a_call(route):
    call = read(CALL, route)
    assert (call.stream, call.asks_usage, call.max_output_tokens, call.choices) == (True, True, 64, 1)
    assert call.tools == ("lookup", "second", "web_search", "bash", "mcp")
    assert call.server_tools == ("web_search", "mcp")
    assert call.provider_state == (
        ("container", "id"),
        ("container", "skills", 0, "skill_id"),
        ("messages", 1, "content", 2, "source", "file_id"),
        ("messages", 1, "content", 7, "file_id"),
    )


def test_a_container_may_be_named_by_its_identifier_alone():
    assert read({"model": "m", "container": "c"}).provider_state == (("container",),)


@pytest.mark.parametrize(
    "members", [{"stream": "x"}, {"max_tokens": "x"}, {"messages": "x"}, {"tools": {}}, {"model": None}]
)
def test_what_the_gateway_relies_on_has_its_type(members):
    with pytest.raises(Fault) as raised:
        read({"model": "m", **members})
    assert raised.value.code is Code.INVALID_REQUEST
    assert raised.value.param in members


def test_tools_are_known_without_their_version():
    assert [tool_family(kind) for kind in ("web_search_20250305", "code_execution_20260521", "mcp")] == [
        "web_search",
        "code_execution",
        "mcp",
    ]
