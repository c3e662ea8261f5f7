"""The Responses API: what is judged, what is not, and what routing learns."""

import pytest

from keeptrusts.contract.call import Form, Role, Route
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.openai.dialect import OPENAI
from keeptrusts.providers.openai.responses import collect_responses_call, collect_responses_reply
from unit.providers.canaries import inventory_of, kinds

CALL = {
    "model": "gpt-5",
    "instructions": "SEEN instructions",
    "input": [
        {"role": "user", "content": "SEEN easy message"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "SEEN developer"}]},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "data:kept"},
                {"type": "input_file", "filename": "SEEN.pdf", "file_data": "kept"},
                {"type": "input_file", "file_id": "kept"},
            ],
        },
        {"type": "function_call", "call_id": "kept", "name": "kept", "arguments": '{"a":"SEEN"}'},
        {"type": "function_call_output", "call_id": "kept", "output": "SEEN output"},
        {"type": "function_call_output", "call_id": "kept", "output": [{"type": "input_text", "text": "SEEN part"}]},
        {"type": "custom_tool_call", "call_id": "kept", "name": "kept", "input": "SEEN custom input"},
        {"type": "custom_tool_call_output", "call_id": "kept", "output": "SEEN custom output"},
        {
            "type": "reasoning",
            "id": "kept",
            "encrypted_content": "kept",
            "summary": [{"type": "summary_text", "text": "SEEN summary"}],
            "content": [{"type": "reasoning_text", "text": "SEEN reasoning"}],
        },
        {"type": "local_shell_call", "action": {"type": "SEEN", "command": ["SEEN ls"], "env": {"name": "SEEN"}}},
        {"type": "local_shell_call_output", "id": "kept", "output": "SEEN shell"},
        {"type": "shell_call", "action": {"commands": ["SEEN command"]}},
        {
            "type": "shell_call_output",
            "output": [{"stdout": "SEEN out", "stderr": "SEEN err", "outcome": {"type": "exit"}}],
        },
        {"type": "apply_patch_call", "operation": {"type": "update_file", "path": "SEEN path", "diff": "SEEN diff"}},
        {"type": "apply_patch_call_output", "output": "SEEN patched"},
        {"type": "computer_call", "action": {"type": "type", "text": "SEEN typed"}},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "kept"}},
        {"type": "file_search_call", "queries": ["SEEN query"], "results": [{"filename": "SEEN", "text": "SEEN hit"}]},
        {"type": "web_search_call", "action": {"type": "search", "query": "SEEN search"}},
        {
            "type": "code_interpreter_call",
            "container_id": "kept",
            "code": "SEEN code",
            "outputs": [{"type": "logs", "logs": "SEEN logs"}, {"type": "image", "url": "kept"}],
        },
        {"type": "image_generation_call", "result": "kept", "revised_prompt": "SEEN revised"},
        {"type": "mcp_call", "name": "kept", "server_label": "kept", "arguments": '["SEEN"]', "output": "SEEN mcp"},
        {
            "type": "mcp_list_tools",
            "tools": [{"name": "kept", "description": "SEEN d", "input_schema": {"title": "kept"}}],
        },
        {"type": "mcp_approval_request", "name": "kept", "arguments": '{"x":"SEEN"}'},
        {"type": "mcp_approval_response", "approval_request_id": "kept", "reason": "SEEN reason"},
        {"type": "compaction", "encrypted_content": "kept"},
        {"type": "item_reference", "id": "kept"},
        {"type": "from_the_future", "text": "kept, unreadable"},
        "SEEN bare string",
    ],
    "tools": [
        {"type": "function", "name": "lookup", "description": "SEEN", "parameters": {"items": {"description": "SEEN"}}},
        {
            "type": "custom",
            "name": "patch",
            "description": "SEEN custom",
            "format": {"type": "grammar", "definition": "kept"},
        },
        {
            "type": "namespace",
            "name": "crm",
            "description": "SEEN ns",
            "tools": [{"name": "find", "description": "SEEN in ns"}],
        },
        {"type": "mcp", "server_label": "kept", "server_url": "https://kept", "server_description": "SEEN server"},
        {"type": "file_search", "vector_store_ids": ["kept"]},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["kept"]}},
        {"type": "web_search"},
        {"type": "local_shell"},
        {"type": "shell"},
        {"type": "shell", "environment": {"type": "local"}},
    ],
    "text": {
        "format": {"type": "json_schema", "name": "kept", "description": "SEEN f", "schema": {"description": "SEEN"}}
    },
    "prompt": {
        "id": "kept",
        "version": "kept",
        "variables": {"id": "SEEN v", "w": {"type": "input_text", "text": "SEEN w"}},
    },
    "metadata": {"id": "SEEN metadata"},
    "previous_response_id": "kept",
    "conversation": {"id": "kept"},
    "include": ["message.output_text.logprobs"],
    "reasoning": {"effort": "kept", "summary": "kept"},
    "user": "kept",
    "prompt_cache_key": "kept",
    "background": True,
    "unheard_of": ["SEEN"],
}

REPLY = {
    "id": "kept",
    "object": "response",
    "status": "kept",
    "model": "kept",
    "instructions": "kept: the client's own",
    "metadata": {"a": "kept"},
    "tools": [{"type": "function", "name": "kept", "description": "kept"}],
    "reasoning": {"effort": "kept"},
    "text": {"format": {"type": "text"}},
    "error": {"code": "kept", "message": "SEEN error"},
    "output_text": "SEEN helper",
    "output": [
        {
            "type": "message",
            "id": "kept",
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "SEEN answer",
                    "logprobs": [{"token": "kept"}],
                    "annotations": [{"type": "file_citation", "file_id": "kept", "filename": "SEEN", "title": "SEEN"}],
                },
                {"type": "refusal", "refusal": "SEEN refusal"},
            ],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "SEEN"}], "encrypted_content": "kept"},
        {"type": "function_call", "name": "kept", "arguments": '{"q":"SEEN"}', "call_id": "kept"},
        {"type": "image_generation_call", "result": "kept"},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 1}},
}


def test_every_string_of_a_call_that_is_read_is_judged_and_no_other():
    found = inventory_of(collect_responses_call, CALL)
    assert kinds(found) == {
        ("input", 2, "content", 0): "input_image",
        ("input", 2, "content", 1): "input_file",
        ("input", 2, "content", 2): "input_file",
        ("input", 16, "output"): "image",
        ("input", 19, "outputs", 1): "image",
        ("input", 20, "result"): "image",
        ("input", 27): "from_the_future",
    }


def test_every_string_of_a_reply_that_is_read_is_judged_and_no_other():
    assert kinds(inventory_of(collect_responses_reply, REPLY)) == {("output", 3, "result"): "image"}


def test_texts_know_who_speaks_and_how_to_be_read():
    by_value = {text.value: text for text in inventory_of(collect_responses_call, CALL).texts}
    assert by_value["SEEN instructions"].role is Role.SYSTEM
    assert by_value["SEEN developer"].role is Role.SYSTEM
    assert by_value["SEEN easy message"].role is Role.USER
    assert by_value["SEEN output"].role is Role.TOOL
    assert by_value["SEEN code"].role is Role.ASSISTANT
    assert by_value['["SEEN"]'].form is Form.JSON


@pytest.mark.parametrize("value", ["SEEN", {"text": "SEEN"}, [["SEEN"]]])
def test_unexpected_shapes_are_judged_string_by_string(value):
    inventory_of(collect_responses_call, {"model": "m", "input": value, "instructions": value})


def test_flags_of_a_call():
    call = OPENAI.read_call(Route.RESPONSES, encode({**CALL, "max_output_tokens": 9}), b"application/json")
    assert call.asks_logprobs
    assert call.max_output_tokens == 9
    assert call.server_tools == ("mcp", "file_search", "code_interpreter", "web_search", "shell")
    assert call.tools[:4] == ("lookup", "patch", "namespace", "find")
    assert call.provider_state == (
        ("previous_response_id",),
        ("conversation", "id"),
        ("prompt", "id"),
        ("background",),
        ("input", 2, "content", 2, "file_id"),
        ("input", 19, "container_id"),
        ("input", 26, "id"),
        ("tools", 5, "vector_store_ids"),
        ("tools", 6, "container", "file_ids"),
    )


def test_storing_is_not_naming_what_is_stored():
    call = OPENAI.read_call(Route.RESPONSES, b'{"model":"m","input":"hi","store":true}', b"application/json")
    assert call.provider_state == ()
