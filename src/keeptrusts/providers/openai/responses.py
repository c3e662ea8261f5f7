"""The Responses API: calls and whole replies."""

from typing import Any

from keeptrusts.contract.call import Call, Path, Role
from keeptrusts.providers.fields import read_count, read_flag, read_list, read_tier
from keeptrusts.providers.inventory import NEUTRAL, Inventory, Reader
from keeptrusts.providers.openai.chat import collect_format, collect_values
from keeptrusts.providers.openai.items import collect_items, state_of_items
from keeptrusts.providers.openai.parts import collect_part, state_of_parts
from keeptrusts.providers.openai.tools import TOOL_MEMBERS, collect_tools, describe_tools, iter_tools

_SETTINGS = frozenset({
    "audio", "background", "client_metadata", "conversation", "include", "modalities", "moderation",
    "previous_response_id",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier",
    "service_tier", "stream_options", "tool_choice", "truncation", "user", "context_management",
})  # fmt: skip
"""As in `chat.SETTINGS`."""

_ECHOES = frozenset({"instructions", "tools", "metadata", "text", "prompt", "usage", "billing", "incomplete_details"})
"""Members of a reply that say again what the call said, and what was judged there."""

_LOGPROBS = "message.output_text.logprobs"


def describe_responses(call: Call) -> None:
    tree = call.tree
    call.stream = read_flag(tree, "stream")
    call.max_output_tokens = read_count(tree, "max_output_tokens")
    call.service_tier = read_tier(tree)
    call.asks_logprobs = _LOGPROBS in read_list(tree, "include") or bool(read_count(tree, "top_logprobs"))
    if not TOOL_MEMBERS.isdisjoint(tree):
        call.tools, call.server_tools = describe_tools(tree)
    if "image_generation" in call.server_tools:
        call.unreadable_reply = "image"
    elif "audio" in read_list(tree, "modalities"):
        call.unreadable_reply = "audio"
    call.provider_state = _state_of(tree)


def collect_responses_call(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, _CALL_READERS, _SETTINGS, Role.USER)


def collect_responses_reply(tree: dict[str, Any], found: Inventory) -> None:
    collect_response((), tree, found)


def collect_response(path: Path, response: dict[str, Any], found: Inventory) -> None:
    """A response object, which lies deeper in the events of a stream."""
    for key, value in response.items():
        place = (*path, key)
        if key == "output":
            collect_items(found, place, value, Role.ASSISTANT)
        elif key == "error" and type(value) is dict:
            found.text((*place, "message"), value.get("message"), Role.ASSISTANT)
        elif key not in _ECHOES and key not in _SETTINGS and key not in NEUTRAL:
            found.strings(place, value, Role.ASSISTANT)


def _collect_input(found: Inventory, path: Path, value: Any) -> None:
    collect_items(found, path, value, Role.USER)


def _collect_instructions(found: Inventory, path: Path, value: Any) -> None:
    collect_items(found, path, value, Role.SYSTEM)


def _collect_text(found: Inventory, path: Path, value: Any) -> None:
    if type(value) is dict:
        collect_format(found, (*path, "format"), value.get("format"))


def _collect_prompt(found: Inventory, path: Path, value: Any) -> None:
    variables = value.get("variables") if type(value) is dict else None
    for name, variable in (variables if type(variables) is dict else {}).items():
        collect_part(found, (*path, "variables", name), variable, Role.USER)


_CALL_READERS: dict[str, Reader] = {
    "input": _collect_input,
    "instructions": _collect_instructions,
    "tools": collect_tools,
    "text": _collect_text,
    "prompt": _collect_prompt,
    "metadata": collect_values,
}


def _state_of(tree: dict[str, Any]) -> tuple[Path, ...]:
    """Where a call names an object that lives at the provider. `store` makes one and names none."""
    places: list[Path] = []
    if tree.get("previous_response_id"):
        places.append(("previous_response_id",))
    conversation = tree.get("conversation")
    if conversation:
        places.append(("conversation", "id") if type(conversation) is dict else ("conversation",))
    prompt = tree.get("prompt")
    if type(prompt) is dict:
        places += [("prompt", "id")] if prompt.get("id") else []
        variables = prompt.get("variables")
        if type(variables) is dict:
            places += [("prompt", "variables", *at[1:]) for at in _state_of_variables(variables)]
    if read_flag(tree, "background"):
        places.append(("background",))  # its answer can only be fetched from the provider later
    places += state_of_items(("input",), tree.get("input"))
    for index, tool in enumerate(iter_tools(tree)):
        places += _state_of_tool(("tools", index), tool)
    return tuple(places)


def _state_of_variables(variables: dict[str, Any]) -> list[Path]:
    return [(0, name, *at[1:]) for name, part in variables.items() for at in state_of_parts((), [part])]


def _state_of_tool(path: Path, tool: dict[str, Any]) -> list[Path]:
    places: list[Path] = []
    for key in ("vector_store_ids", "container", "environment", "input_image_mask", "skills"):
        value = tool.get(key)
        if type(value) is str or (type(value) is list and value):
            places.append((*path, key))
        elif type(value) is dict:
            places += [
                (*path, key, name) for name in ("file_id", "file_ids", "container_id", "skills") if value.get(name)
            ]
    return places
