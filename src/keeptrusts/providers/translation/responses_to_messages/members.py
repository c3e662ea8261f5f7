"""Which members of a call of the Responses API Anthropic's dialect can carry, most of them as in chat completions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS as CHAT
from keeptrusts.providers.translation.chat_to_messages.tools import carries_choice, carries_tools
from keeptrusts.providers.translation.members import Member, carried, left_out, refused
from keeptrusts.providers.translation.responses_to_messages.settings import (
    chat_choice,
    chat_format,
    chat_tool,
)

_LOGPROBS = "message.output_text.logprobs"
_REASONING = frozenset({"effort", "summary", "generate_summary"})
_TEXT = frozenset({"format", "verbosity"})


def _carries_tools(tools: Any) -> bool:
    return type(tools) is not list or carries_tools([chat_tool(tool) for tool in tools])


def _carries_choice(choice: Any) -> bool:
    return carries_choice(chat_choice(choice))


def _carries_text(text: Any) -> bool:
    if type(text) is not dict:
        return True
    wanted = chat_format(text.get("format"))
    return (
        text.keys() <= _TEXT
        and (wanted is None or CHAT["response_format"].takes(wanted))
        and (text.get("verbosity") is None or CHAT["verbosity"].takes(text["verbosity"]))
    )


def _carries_reasoning(reasoning: Any) -> bool:
    if type(reasoning) is not dict:
        return True
    effort = reasoning.get("effort")
    return reasoning.keys() <= _REASONING and (effort is None or CHAT["reasoning_effort"].takes(effort))


def _includes_no_logprobs(include: Any) -> bool:
    return type(include) is not list or _LOGPROBS not in include


def _is_padding(options: Any) -> bool:
    return type(options) is not dict or options.keys() <= {"include_obfuscation"}


_STATE = "an object at OpenAI"

MEMBERS: Mapping[str, Member] = MappingProxyType({
    "include": carried(
        "an answer has what Anthropic gives; refused: `message.output_text.logprobs`", _includes_no_logprobs
    ),
    "input": carried("`messages`, see below"),
    "instructions": carried("`system`, before what the input's messages add to it"),
    "max_output_tokens": carried("`max_tokens`"),
    "model": carried("the target's model"),
    "parallel_tool_calls": CHAT["parallel_tool_calls"],
    "reasoning": carried(
        "`effort` as above; `summary` is left out: thinking is shown as Anthropic shows it", _carries_reasoning
    ),
    "safety_identifier": CHAT["safety_identifier"],
    "service_tier": CHAT["service_tier"],
    "stream": CHAT["stream"],
    "stream_options": carried("`include_obfuscation` is left out: padding", _is_padding),
    "temperature": CHAT["temperature"],
    "text": carried("`format` as `response_format` above, `verbosity` as above", _carries_text),
    "tool_choice": carried("`tool_choice`: `required` is `any`; refused: all but functions", _carries_choice),
    "tools": carried(CHAT["tools"].note, _carries_tools),
    "top_p": CHAT["top_p"],
    "user": CHAT["user"],
    "client_metadata": left_out("labels for OpenAI, which the model does not see"),
    "max_tool_calls": left_out("bounds tools at OpenAI, none of which is carried"),
    "metadata": CHAT["metadata"],
    "prompt_cache_key": CHAT["prompt_cache_key"],
    "prompt_cache_options": CHAT["prompt_cache_options"],
    "prompt_cache_retention": CHAT["prompt_cache_retention"],
    "store": left_out("keeps the answer at OpenAI, where it was not given: `previous_response_id` is refused"),
    "access_programs": refused("OpenAI's service"),
    "background": refused("Anthropic answers at once; `false` is taken", False),
    "background_options": refused("Anthropic answers at once"),
    "context_management": refused("OpenAI's service"),
    "conversation": refused(_STATE),
    "image": refused("OpenAI's service"),
    "moderation": refused("OpenAI's service"),
    "previous_response_id": refused(_STATE),
    "prompt": refused(_STATE),
    "top_logprobs": CHAT["top_logprobs"],
    "truncation": refused("Anthropic cuts no conversation; `disabled` is taken", "disabled"),
})  # fmt: skip
