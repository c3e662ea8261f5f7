"""Which members of a chat completion call Anthropic's dialect can carry: the one table, also for the documentation.

A member that is not in the table is refused. So is a value that would be lost, where losing it changes the answer.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keeptrusts.providers.translation.chat_to_messages.schemas import can_hold
from keeptrusts.providers.translation.chat_to_messages.thinking import EFFORTS
from keeptrusts.providers.translation.chat_to_messages.tools import carries_choice, carries_tools
from keeptrusts.providers.translation.members import Member, carried, find_refused, left_out, refused


def find_obstacle(tree: dict[str, Any]) -> str | None:
    """The first member of a call, but for its messages, that cannot be carried and would change the answer."""
    found = find_refused(tree, MEMBERS)
    if found is None and tree.get("thinking") is not None and tree.get("reasoning_effort") is not None:
        return "reasoning_effort"  # two sayings about one thing
    return found


def _is_effort(effort: Any) -> bool:
    return type(effort) is str and effort in EFFORTS


def _is_mild(temperature: Any) -> bool:
    return type(temperature) not in {int, float} or temperature <= 1


def _stops_at_words(stop: Any) -> bool:
    stops = stop if type(stop) is list else [stop]
    return not any(type(text) is str and (not text or text.isspace()) for text in stops)


def _carries_format(value: Any) -> bool:
    if type(value) is not dict:
        return True
    if value.get("type") == "json_schema":
        inner = value.get("json_schema")
        return type(inner) is not dict or can_hold(inner.get("schema"))
    return value.get("type") == "text"


def _carries_stream_options(value: Any) -> bool:
    return type(value) is not dict or value.keys() <= {"include_usage", "include_obfuscation"}


_CACHE = "steers OpenAI's cache: what a call costs, not what it says. Mark parts with `cache_control` instead"

MEMBERS: Mapping[str, Member] = MappingProxyType({
    "messages": carried("see below"),
    "model": carried("the target's model"),
    "max_completion_tokens": carried("`max_tokens`"),
    "max_tokens": carried("`max_tokens`, where `max_completion_tokens` is not given"),
    "parallel_tool_calls": carried("`false` is `tool_choice.disable_parallel_tool_use`"),
    "reasoning_effort": carried("`thinking` and `output_config.effort`, see below", _is_effort),
    "response_format": carried(
        "`json_schema` is `output_config.format`; refused: schemas beyond Anthropic's, and `json_object`: no equal",
        _carries_format,
    ),
    "safety_identifier": carried("`metadata.user_id`"),
    "service_tier": carried(
        "`auto` stays, `default` is `standard_only`; left out: other tiers, which say how soon to answer"
    ),
    "stop": carried("`stop_sequences`; refused where one is only white space, which Anthropic does not take",
                     _stops_at_words),
    "stream": carried("`stream`"),
    "stream_options": carried("the answer's usage is always asked for; `include_obfuscation` is left out: padding",
                               _carries_stream_options),
    "temperature": carried("`temperature`; refused above 1, where Anthropic's range ends", _is_mild),
    "thinking": carried("`thinking`, Anthropic's own; refused beside `reasoning_effort`"),
    "tool_choice": carried("`tool_choice`: `required` is `any`; refused: `allowed_tools`", carries_choice),
    "tools": carried("`tools`; refused: all but functions, and `strict` with a schema beyond Anthropic's",
                     carries_tools),
    "top_k": carried("`top_k`, Anthropic's own"),
    "top_p": carried("`top_p`"),
    "user": carried("`metadata.user_id`, where `safety_identifier` is not given"),
    "metadata": left_out("labels for OpenAI's dashboard, which the model does not see"),
    "prediction": left_out("makes an answer come sooner, not different"),
    "prompt_cache_key": left_out(_CACHE),
    "prompt_cache_options": left_out(_CACHE),
    "prompt_cache_retention": left_out(_CACHE),
    "seed": left_out("a wish that no provider promises to fulfil: each answer without it could come with it"),
    "store": left_out("keeps the answer at OpenAI, where it was not given"),
    "audio": refused("Anthropic's models do not speak"),
    "frequency_penalty": refused("no equal; 0 is taken", 0),
    "function_call": refused("the older form of `tool_choice`"),
    "functions": refused("the older form of `tools`"),
    "logit_bias": refused("no equal; `{}` is taken", {}),
    "logprobs": refused("no equal; `false` is taken", False),
    "modalities": refused("Anthropic's models write only; `[\"text\"]` is taken", ["text"]),
    "moderation": refused("OpenAI's service"),
    "n": refused("Anthropic gives one answer to a call; 1 is taken", 1),
    "presence_penalty": refused("no equal; 0 is taken", 0),
    "top_logprobs": refused("no equal; 0 is taken", 0),
    "verbosity": refused("no equal; `medium`, which changes nothing, is taken", "medium"),
    "web_search_options": refused("OpenAI's service"),
})  # fmt: skip
