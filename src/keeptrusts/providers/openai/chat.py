"""Chat completions: calls and whole replies."""

from typing import Any

from keeptrusts.contract.call import Call, Path, Role
from keeptrusts.providers.fields import read_count, read_flag, read_list, read_object, read_tier
from keeptrusts.providers.inventory import NEUTRAL, Inventory, Reader
from keeptrusts.providers.openai.parts import ASSISTANT, USER, collect_content, collect_message, state_of_parts
from keeptrusts.providers.openai.tools import TOOL_MEMBERS, collect_function, collect_tools, describe_tools

SETTINGS = frozenset({
    "audio", "function_call", "include", "logit_bias", "modalities", "moderation", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "safety_identifier", "service_tier", "stop",
    "store", "stream_options", "thinking", "tool_choice", "truncation", "user", "verbosity", "web_search_options",
})  # fmt: skip
"""Members of a call with strings that steer the provider and that no person or model reads.

`user` and its likes are identifiers, which are never rewritten; `stop` is compared with output and not read.
`metadata` is shown to people at the provider, and is judged. So is every member that is not known.
"""

_REPLY_SETTINGS = frozenset({"usage", "system_fingerprint", "service_tier", "provider", "x_groq"})


_RARE = TOOL_MEMBERS | {
    "n", "best_of", "max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "modalities", "service_tier",
}  # fmt: skip


def describe_chat(call: Call) -> None:
    if "stream" in call.tree:
        describe_stream(call)
    if not _RARE.isdisjoint(call.tree):
        _describe_rare(call)
    call.provider_state = _state_of_messages(read_list(call.tree, "messages"))


def _describe_rare(call: Call) -> None:
    tree = call.tree
    call.choices = max(1, read_count(tree, "n") or 1, read_count(tree, "best_of") or 1)
    limits = (read_count(tree, "max_completion_tokens"), read_count(tree, "max_tokens"))
    call.max_output_tokens = max((limit for limit in limits if limit is not None), default=None)
    call.service_tier = read_tier(tree)
    call.asks_logprobs = read_flag(tree, "logprobs") or bool(read_count(tree, "top_logprobs"))
    call.tools, call.server_tools = describe_tools(tree)
    call.unreadable_reply = next((kind for kind in ("audio", "image") if kind in read_list(tree, "modalities")), None)


def describe_stream(call: Call) -> None:
    """Whether the reply is to be a stream, and whether that will tell its usage."""
    call.stream = read_flag(call.tree, "stream")
    if call.stream:
        call.asks_usage = read_flag(read_object(call.tree, "stream_options"), "include_usage")


def collect_chat_call(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, _CALL_READERS, SETTINGS, USER)


def collect_chat_reply(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, _REPLY_READERS, _REPLY_SETTINGS, ASSISTANT)


def collect_messages(found: Inventory, path: Path, messages: Any) -> None:
    if type(messages) is not list:
        found.text(path, messages, Role.USER)
        return
    for index, message in enumerate(messages):
        collect_message(found, (*path, index), message)


def collect_choices(found: Inventory, path: Path, choices: Any) -> None:
    for index, choice in enumerate(choices if type(choices) is list else ()):
        place = (*path, index)
        if type(choice) is not dict:
            found.text(place, choice, Role.ASSISTANT)
            continue
        for key, value in choice.items():
            if key == "message":
                collect_message(found, (*place, key), value)
            elif value is not None and key not in NEUTRAL:
                found.strings((*place, key), value, ASSISTANT)


def collect_format(found: Inventory, path: Path, response_format: Any) -> None:
    """`response_format`, or `text.format` of the Responses API: the descriptions of a schema."""
    if type(response_format) is dict:
        for holder in (response_format.get("json_schema"), response_format):
            if type(holder) is dict:
                place = path if holder is response_format else (*path, "json_schema")
                found.text((*place, "description"), holder.get("description"), Role.SYSTEM)
                found.schema((*place, "schema"), holder.get("schema"))


def collect_prediction(found: Inventory, path: Path, prediction: Any) -> None:
    if type(prediction) is dict:
        collect_content(found, (*path, "content"), prediction.get("content"), Role.ASSISTANT)


def collect_functions(found: Inventory, path: Path, functions: Any) -> None:
    for index, function in enumerate(functions if type(functions) is list else ()):
        if type(function) is dict:
            collect_function(found, (*path, index), function)


def collect_values(found: Inventory, path: Path, values: Any) -> None:
    """`metadata` and its likes: every value is a text, whatever its key."""
    found.arguments(path, values, Role.USER)


def _state_of_messages(messages: list[Any]) -> tuple[Path, ...]:
    places: list[Path] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            continue
        content, audio = message.get("content"), message.get("audio")
        if type(content) is list:
            places += state_of_parts(("messages", index, "content"), content)
        if type(audio) is dict and audio.get("id"):
            places.append(("messages", index, "audio", "id"))
    return tuple(places)


_CALL_READERS: dict[str, Reader] = {
    "messages": collect_messages,
    "tools": collect_tools,
    "functions": collect_functions,
    "response_format": collect_format,
    "prediction": collect_prediction,
    "metadata": collect_values,
}

_REPLY_READERS: dict[str, Reader] = {"choices": collect_choices}
