"""What steers an answer besides its prompt: limits, sampling, the form of the answer, how much to think."""

import hashlib
import re
from typing import Any

from keeptrusts.providers.fields import read_count, read_list, read_object
from keeptrusts.providers.translation.messages_to_chat.blocks import invalid
from keeptrusts.providers.translation.messages_to_chat.strict_schema import is_strict

MAX_STOPS = 4
MAX_USER = 64
LOW_BUDGET, MEDIUM_BUDGET = 4096, 16384
"""Budgets of thinking tokens below which an effort is low, or medium."""

EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""`output_config.effort` as the `reasoning_effort` that every model takes which takes one."""

_THINKS = re.compile(r"(?:.*/)?(?:o\d|gpt-oss|gpt-(?:[5-9]|\d\d)|gemini-(?:2\.5|[3-9]))(?!.*-chat)")
"""Models that take a `reasoning_effort`; any other would refuse the call because of it."""


def find_in_limit(limit: Any) -> str | None:
    """A limit of 0 asks for no answer at all: it warms a cache."""
    return "" if limit == 0 and type(limit) is int else None


def find_in_stops(stops: Any) -> str | None:
    return "" if type(stops) is list and len(stops) > MAX_STOPS else None


def find_in_metadata(metadata: Any) -> str | None:
    return "" if type(metadata) is dict and metadata.keys() - {"user_id"} else None


def find_in_config(config: Any) -> str | None:
    """A form that strict mode cannot hold the answer to, or a member that is not known."""
    if type(config) is not dict:
        return None
    if config.keys() - {"effort", "format"}:
        return ""
    effort = config.get("effort")
    if type(effort) is str and effort not in EFFORTS:
        return ".effort"
    found = find_in_format(config.get("format"))
    return None if found is None else f".format{found}"


def find_in_format(form: Any) -> str | None:
    if type(form) is not dict:
        return None
    if form.keys() - {"type", "schema"} or form.get("type") != "json_schema":
        return ""
    return None if is_strict(form.get("schema")) else ".schema"


def find_in_edits(management: Any) -> str | None:
    """Clearing former thinking is what happens anyway; other edits change what the model sees."""
    edits = management.get("edits") if type(management) is dict else None
    for edit in edits if type(edits) is list else ():
        kind = edit.get("type") if type(edit) is dict else None
        if type(kind) is not str or not kind.startswith("clear_thinking_"):
            return ".edits"
    return "" if type(management) is dict and management.keys() - {"edits"} else None


def find_in_geography(region: Any) -> str | None:
    return None if region == "global" else ""


def write_settings(tree: dict[str, Any], model: str, max_output_tokens: int | None) -> dict[str, Any]:
    """The members of a chat call. Raises Fault(INVALID_REQUEST) for values of a wrong type."""
    written: dict[str, Any] = {}
    limit = read_count(tree, "max_tokens")
    limit = max_output_tokens if limit is None else limit
    if limit is not None:
        written["max_completion_tokens"] = limit
    for name in ("temperature", "top_p"):
        if tree.get(name) is not None:
            written[name] = tree[name]
    stops = read_list(tree, "stop_sequences")
    if stops:
        written["stop"] = stops
    user = read_object(tree, "metadata").get("user_id")
    if user is not None:
        written["user"] = _write_user(user)
    config = read_object(tree, "output_config")
    form = config.get("format") or tree.get("output_format")
    if form is not None:
        written["response_format"] = _write_format(form)
    effort = _find_effort(config, read_object(tree, "thinking"))
    if effort is not None and _THINKS.match(model):
        written["reasoning_effort"] = effort
    return written


def _write_user(user: Any) -> str:
    """OpenAI takes at most 64 characters: as many as there are in the digest of a longer identifier."""
    if type(user) is not str:
        raise invalid("metadata.user_id", "must be a string")
    return user if len(user) <= MAX_USER else hashlib.sha256(user.encode()).hexdigest()


def _write_format(form: Any) -> dict[str, Any]:
    if type(form) is not dict or type(form.get("schema")) is not dict:
        raise invalid("output_config.format", "must be an object with a `schema`")
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": form["schema"]}}


def _find_effort(config: dict[str, Any], thinking: dict[str, Any]) -> str | None:
    """What the client says in words comes before what it says in tokens."""
    effort = config.get("effort")
    if type(effort) is str and effort in EFFORTS:
        return EFFORTS[effort]
    budget = read_count(thinking, "budget_tokens") if thinking.get("type") == "enabled" else None
    if budget is None:
        return None
    if budget < LOW_BUDGET:
        return "low"
    return "medium" if budget < MEDIUM_BUDGET else "high"
