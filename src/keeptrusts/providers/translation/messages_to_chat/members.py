"""Every member of a messages call, and what becomes of it on the way to a chat target: one table.

The page docs/translation.md shows the same table; a test compares them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keeptrusts.providers.translation.fate import Fate, shown
from keeptrusts.providers.translation.messages_to_chat import conversation, settings, tools
from keeptrusts.providers.translation.messages_to_chat.blocks import find_in_content
from keeptrusts.providers.translation.messages_to_chat.member import Check, Member


def _carried(note: str, check: Check | None = None) -> Member:
    return Member(Fate.CARRIED, note, check)


def _left_out(note: str, check: Check | None = None) -> Member:
    return Member(Fate.LEFT_OUT, note, check)


def _refused(note: str) -> Member:
    return Member(Fate.REFUSED, note)


MEMBERS: Mapping[str, Member] = MappingProxyType({
    "model": _carried("the target's model"),
    "messages": _carried("see below", conversation.find_in_messages),
    "system": _carried("the first message", find_in_content),
    "max_tokens": _carried("`max_completion_tokens`; refused: 0, which asks for no answer", settings.find_in_limit),
    "stream": _carried("`stream`, with `stream_options.include_usage`"),
    "temperature": _carried("`temperature`"),
    "top_p": _carried("`top_p`"),
    "stop_sequences": _carried("`stop`; refused: more than 4, which OpenAI does not take", settings.find_in_stops),
    "tools": _carried("functions; refused: tools of any other type, see below", tools.find_in_tools),
    "tool_choice": _carried("`tool_choice` and `parallel_tool_calls`", tools.find_in_choice),
    "metadata": _carried("`user_id` is `user`, hashed if longer than 64 characters", settings.find_in_metadata),
    "thinking": _carried("`budget_tokens` is a `reasoning_effort`, see below"),
    "output_config": _carried(
        "`format` is a strict `response_format`, `effort` a `reasoning_effort`, see below", settings.find_in_config
    ),
    "output_format": _carried("as `output_config.format`", settings.find_in_format),
    "cache_control": _left_out("OpenAI caches prompts unasked"),
    "service_tier": _left_out("says which capacity serves the call, not what it answers"),
    "speed": _left_out("as `service_tier`"),
    "diagnostics": _left_out("asks about Anthropic's cache"),
    "workspace_id": _left_out("says whose credential it is, at Anthropic"),
    "anthropic_version": _left_out("the version of the dialect"),
    "anthropic_beta": _left_out("features of the dialect; their own members are judged"),
    "betas": _left_out("as `anthropic_beta`"),
    "context_management": _left_out("former thinking is never sent; refused: other edits", settings.find_in_edits),
    "inference_geo": _left_out("`global`; refused: any other place", settings.find_in_geography),
    "top_k": _refused("changes sampling, and chat completions have nothing like it"),
    "container": _refused("lives at Anthropic"),
    "mcp_servers": _refused("are called by Anthropic"),
    "compaction": _refused("is done by Anthropic"),
    "thread": _refused("lives at Anthropic"),
    "fallbacks": _refused("name models of Anthropic"),
    "fallback_credit_token": _refused("is redeemed by Anthropic"),
    "billing_policy": _refused("says who pays, at Anthropic"),
    "user_profile_id": _refused("says for whom the call is made, at Anthropic"),
})  # fmt: skip


def find_obstacle(tree: dict[str, Any]) -> str | None:
    """The first member that cannot be carried, as a place such as `messages[2].content[0].source`."""
    for name, value in tree.items():
        member = MEMBERS.get(name)
        if member is None:
            return shown(name)
        found = member.find_obstacle(value)
        if found is not None:
            return name + found
    return None
