"""A chat completion call as a call of Anthropic's Messages. Every member it writes stands in the table of members."""

from collections.abc import Mapping
from typing import Any

from keeptrusts.contract.call import Call, Changes
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.fields import read_count
from keeptrusts.providers.json_body import encode, replace_at
from keeptrusts.providers.translation.chat_to_messages.messages import write_messages
from keeptrusts.providers.translation.chat_to_messages.thinking import EFFORTS, write_effort
from keeptrusts.providers.translation.chat_to_messages.tools import tools_used, write_choice, write_tools

DEFAULT_MAX_TOKENS = 4096
"""Sent where neither the call nor the target sets a limit, which Anthropic demands: all its models allow this one."""

DEFAULT_MAX_TOKENS_THINKING = 16384
"""The same where the model is asked to think, which counts as output: all that think allow this one."""

_SAME = ("stream", "temperature", "top_p", "top_k", "thinking")
"""Members that have the same name and meaning."""

_TIERS = {"auto": "auto", "default": "standard_only"}


def write_call(call: Call, *, model: str, changes: Changes, max_output_tokens: int | None) -> bytes:
    """The body to send. Raises Fault(INVALID_REQUEST) for a call that is not of the OpenAI dialect."""
    tree = replace_at(call.tree, changes) if changes else call.tree
    system, turns = write_messages(tree.get("messages"))
    limit = _read_limit(tree)
    limit = max_output_tokens if limit is None else limit
    return encode(write_body(tree, system, turns, model=model, limit=limit))


def write_body(
    settings: Mapping[str, Any],
    system: list[dict[str, Any]],
    turns: list[dict[str, Any]],
    *,
    model: str,
    limit: int | None,
) -> dict[str, Any]:
    """The whole body; `settings` are members of a chat completion call, whatever else the client's call was."""
    effort = _read_effort(settings)
    thinks = effort not in {None, "none"} or bool(settings.get("thinking"))
    if limit is None:
        limit = DEFAULT_MAX_TOKENS_THINKING if thinks else DEFAULT_MAX_TOKENS
    body: dict[str, Any] = {"model": model, "max_tokens": limit}
    if system:
        body["system"] = system
    body["messages"] = turns
    _add_tools(body, settings)
    body.update((key, settings[key]) for key in _SAME if settings.get(key) is not None)
    _add_settings(body, settings)
    if effort is not None:
        body.update(write_effort(effort, model, limit, continues=_brings_results(turns)))
    schema = _read_schema(settings.get("response_format"))
    if schema is not None:
        body["output_config"] = {**body.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
    return body


def _read_limit(tree: dict[str, Any]) -> int | None:
    """The newer name counts. A call's bound is reckoned from the larger of both."""
    limit = read_count(tree, "max_completion_tokens")
    return read_count(tree, "max_tokens") if limit is None else limit


def _read_effort(tree: Mapping[str, Any]) -> str | None:
    effort = tree.get("reasoning_effort")
    if effort is None or (type(effort) is str and effort in EFFORTS):
        return effort
    raise Fault(
        Code.INVALID_REQUEST, f"`reasoning_effort` must be one of {', '.join(EFFORTS)}.", param="reasoning_effort"
    )


def _brings_results(turns: list[dict[str, Any]]) -> bool:
    return bool(turns) and any(block["type"] == "tool_result" for block in turns[-1]["content"])


def _add_tools(body: dict[str, Any], tree: Mapping[str, Any]) -> None:
    choice, is_parallel = tree.get("tool_choice"), tree.get("parallel_tool_calls") is not False
    if tree.get("tools"):
        body["tools"] = write_tools(tree["tools"])
        if choice is not None or not is_parallel:
            body["tool_choice"] = write_choice(choice, is_parallel=is_parallel)
    elif choice == "required" or type(choice) is dict:  # demands what is not there: Anthropic says so
        body["tool_choice"] = write_choice(choice, is_parallel=is_parallel)
    else:
        used = tools_used(body["messages"])
        if used:
            body.update(tools=used, tool_choice={"type": "none"})


def _add_settings(body: dict[str, Any], tree: Mapping[str, Any]) -> None:
    stop = tree.get("stop")
    if stop:
        body["stop_sequences"] = [stop] if type(stop) is str else stop
    user = tree.get("safety_identifier") or tree.get("user")
    if user:
        body["metadata"] = {"user_id": user}
    tier = tree.get("service_tier")
    if type(tier) is str and tier in _TIERS:
        body["service_tier"] = _TIERS[tier]


def _read_schema(response_format: Any) -> dict[str, Any] | None:
    """The schema that the answer must fulfil. What the format is for is said in the schema: both are the model's."""
    if response_format is None or (type(response_format) is dict and response_format.get("type") == "text"):
        return None
    inner = response_format.get("json_schema") if type(response_format) is dict else None
    schema = inner.get("schema") if type(inner) is dict else None
    if type(inner) is not dict or type(schema) is not dict:
        raise Fault(
            Code.INVALID_REQUEST,
            "`response_format` must be of type text, or json_schema with a `schema`.",
            param="response_format",
        )
    said = [text for text in (inner.get("description"), schema.get("description")) if type(text) is str and text]
    return {**schema, "description": "\n\n".join(said)} if said else schema
