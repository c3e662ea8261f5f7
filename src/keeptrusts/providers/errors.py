"""Errors that providers send, read into one form and written in the shape of the client's SDK.

Their texts may quote the prompt: policies judge them like any output, and they are cut.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from keeptrusts.contract.faults import Code

MAX_MESSAGE_BYTES = 2048

_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,128}")

POLICY_CODES = frozenset({
    Code.INPUT_BLOCKED, Code.OUTPUT_BLOCKED, Code.CONTENT_NOT_INSPECTABLE, Code.LOGPROBS_NOT_INSPECTABLE,
    Code.SERVER_TOOL_NOT_ALLOWED, Code.PROVIDER_STATE_NOT_ALLOWED, Code.MODEL_NOT_PRICED, Code.NO_COMPLIANT_TARGET,
})  # fmt: skip
"""Refusals by a policy: the same call would be refused again."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """A provider's error. Only `message` is free text; the others are single words, or None."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None


def read_error(body: bytes, content_type: bytes) -> ErrorText:
    """The error of either dialect, or of a server that speaks neither. Never fails."""
    try:
        tree = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ErrorText(_plain_message(body, content_type))
    if type(tree) is list and tree:  # Google's endpoint puts the error into a list
        tree = tree[0]
    error = tree.get("error", tree) if type(tree) is dict else tree
    if type(error) is not dict:
        return ErrorText(_cut(error if type(error) is str else ""))
    message = next((error[key] for key in ("message", "detail", "error") if type(error.get(key)) is str), "")
    kind = _word(error.get("type")) or _word(error.get("status"))
    return ErrorText(_cut(message), kind, _word(error.get("param")), _word(error.get("code")))


def render_error(dialect: Literal["openai", "anthropic"], error: ErrorText, request_id: str) -> bytes:
    """The error as a body in the client's dialect, with the provider's own type and code."""
    if dialect == "anthropic":
        inner: dict[str, Any] = {"type": error.type or "api_error", "message": error.message}
        if error.code is not None:
            inner["code"] = error.code
        return msgspec.json.encode({"type": "error", "error": inner, "request_id": request_id})
    inner = {"message": error.message, "type": error.type or "server_error", "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": {**inner, "request_id": request_id}})


def named(policy: str | None) -> dict[str, str]:
    """The member of an error that says which policy blocked, where one did."""
    return {} if policy is None else {"policy": policy}


def is_budget(code: Code) -> bool:
    """Whether a refusal is about money: `budget_exceeded`, `budget_busy`."""
    return code.value.startswith("budget_")


def openai_type(code: Code) -> str:
    """The `type` of an error of ours inside a stream."""
    if code in POLICY_CODES:
        return "policy_violation"
    return "insufficient_quota" if is_budget(code) else "server_error"


def anthropic_type(code: Code) -> str:
    """The `type` of an error of ours inside a stream, as Anthropic's SDK knows it."""
    if code in POLICY_CODES:
        return "invalid_request_error"
    if is_budget(code):
        return "rate_limit_error"
    return "timeout_error" if code is Code.UPSTREAM_TIMEOUT else "api_error"


def _plain_message(body: bytes, content_type: bytes) -> str:
    if b"html" in content_type.lower() or body.lstrip()[:1] == b"<":
        return "The provider answered with a web page instead of an error."
    return _cut(body[: MAX_MESSAGE_BYTES * 2].decode("utf-8", "replace"))


def _cut(message: str) -> str:
    message = message.strip() or "The provider gave no reason."
    return message.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")


def _word(value: Any) -> str | None:
    if type(value) is int:
        return str(value)
    return value if type(value) is str and _WORD.fullmatch(value) else None
