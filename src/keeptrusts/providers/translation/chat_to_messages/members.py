"""Which members of a chat completion call Anthropic's dialect can carry: the one table, also for the documentation.

A member that is not in the table is refused. So is a value that would be lost, where losing it changes the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from keeptrusts.providers.translation.chat_to_messages.thinking import EFFORTS
from keeptrusts.providers.translation.chat_to_messages.tools import carries_choice, carries_tools
from keeptrusts.providers.translation.fate import Fate, shown


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `note` says where it goes or why it does not; `takes` which values are not refused."""

    fate: Fate
    note: str
    takes: Callable[[Any], bool]


def find_obstacle(tree: dict[str, Any]) -> str | None:
    """The first member of a call, but for its messages, that cannot be carried and would change the answer."""
    for key, value in tree.items():
        member = MEMBERS.get(key)
        if value is not None and (member is None or not member.takes(value)):
            return shown(key)
    if tree.get("thinking") is not None and tree.get("reasoning_effort") is not None:
        return "reasoning_effort"  # two sayings about one thing
    return None


def _always(_value: Any) -> bool:
    return True


def _carried(note: str, takes: Callable[[Any], bool] = _always) -> Member:
    return Member(Fate.CARRIED, note, takes)


def _left_out(why: str) -> Member:
    return Member(Fate.LEFT_OUT, why, _always)


def _refused(why: str, *harmless: Any) -> Member:
    return Member(Fate.REFUSED, why, lambda value: value in harmless)


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
        return type(inner) is not dict or type(inner.get("schema")) is dict
    return value.get("type") == "text"


def _carries_stream_options(value: Any) -> bool:
    return type(value) is not dict or value.keys() <= {"include_usage", "include_obfuscation"}


_CACHE = "steers OpenAI's cache: what a call costs, not what it says. Mark parts with `cache_control` instead"

MEMBERS: Mapping[str, Member] = MappingProxyType({
    "messages": _carried("see below"),
    "model": _carried("the target's model"),
    "max_completion_tokens": _carried("`max_tokens`"),
    "max_tokens": _carried("`max_tokens`, where `max_completion_tokens` is not given"),
    "parallel_tool_calls": _carried("`false` is `tool_choice.disable_parallel_tool_use`"),
    "reasoning_effort": _carried("`thinking` and `output_config.effort`, see below", _is_effort),
    "response_format": _carried(
        "`json_schema` is `output_config.format`; refused: `json_object`, which has no equal there", _carries_format
    ),
    "safety_identifier": _carried("`metadata.user_id`"),
    "service_tier": _carried(
        "`auto` stays, `default` is `standard_only`; left out: other tiers, which say how soon to answer"
    ),
    "stop": _carried("`stop_sequences`; refused where one is only white space, which Anthropic does not take",
                     _stops_at_words),
    "stream": _carried("`stream`"),
    "stream_options": _carried("the answer's usage is always asked for; `include_obfuscation` is left out: padding",
                               _carries_stream_options),
    "temperature": _carried("`temperature`; refused above 1, where Anthropic's range ends", _is_mild),
    "thinking": _carried("`thinking`, Anthropic's own; refused beside `reasoning_effort`"),
    "tool_choice": _carried("`tool_choice`: `required` is `any`; refused: `allowed_tools`", carries_choice),
    "tools": _carried("`tools`; refused: any that is not a function", carries_tools),
    "top_k": _carried("`top_k`, Anthropic's own"),
    "top_p": _carried("`top_p`"),
    "user": _carried("`metadata.user_id`, where `safety_identifier` is not given"),
    "metadata": _left_out("labels for OpenAI's dashboard, which the model does not see"),
    "prediction": _left_out("makes an answer come sooner, not different"),
    "prompt_cache_key": _left_out(_CACHE),
    "prompt_cache_options": _left_out(_CACHE),
    "prompt_cache_retention": _left_out(_CACHE),
    "seed": _left_out("a wish that no provider promises to fulfil: each answer without it could come with it"),
    "store": _left_out("keeps the answer at OpenAI, where it was not given"),
    "audio": _refused("Anthropic's models do not speak"),
    "frequency_penalty": _refused("no equal; 0 is taken", 0),
    "function_call": _refused("the older form of `tool_choice`"),
    "functions": _refused("the older form of `tools`"),
    "logit_bias": _refused("no equal; `{}` is taken", {}),
    "logprobs": _refused("no equal; `false` is taken", False),
    "modalities": _refused("Anthropic's models write only; `[\"text\"]` is taken", ["text"]),
    "moderation": _refused("OpenAI's service"),
    "n": _refused("Anthropic gives one answer to a call; 1 is taken", 1),
    "presence_penalty": _refused("no equal; 0 is taken", 0),
    "top_logprobs": _refused("no equal; 0 is taken", 0),
    "verbosity": _refused("no equal; `medium`, which changes nothing, is taken", "medium"),
    "web_search_options": _refused("OpenAI's service"),
})  # fmt: skip
