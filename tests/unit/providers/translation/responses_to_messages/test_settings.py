"""Settings in the words of chat completions."""

from keeptrusts.providers.translation.responses_to_messages.settings import chat_choice, chat_settings, chat_tool


def test_settings_say_the_same_in_other_words():
    tree = {
        "input": "hi",
        "temperature": 0.5,
        "user": "u",
        "stream": True,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True}},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "description": None}],
        "tool_choice": {"type": "function", "name": "f"},
    }
    assert chat_settings(tree) == {
        "temperature": 0.5,
        "user": "u",
        "stream": True,
        "parallel_tool_calls": False,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}, "strict": True}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }


def test_a_mark_for_the_cache_stands_on_the_tool():
    mark = {"type": "ephemeral"}
    assert chat_tool({"type": "function", "name": "f", "cache_control": mark}) == {
        "type": "function",
        "function": {"name": "f"},
        "cache_control": mark,
    }


def test_what_is_no_setting_passes_as_it_is():
    assert chat_settings({"tools": 5, "text": 5, "reasoning": 5}) == {"tools": 5, "tool_choice": None}
    assert chat_tool({"type": "web_search"}) == {"type": "web_search"}
    assert chat_choice("auto") == "auto"
