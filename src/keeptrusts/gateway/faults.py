"""How a fault looks on the wire: its status, and a body in the shape of the client's SDK."""

from typing import Any, NamedTuple

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.http.refusals import JSON_LINE, Malformed, Refusal


class Rendering(NamedTuple):
    """One code on the wire. `retry` says whether the same call can succeed later."""

    status: int
    openai_type: str
    retry: bool = False


_REQUEST = "invalid_request_error"
_POLICY = "policy_violation"
_SERVER = "server_error"

RENDERINGS: dict[Code, Rendering] = {
    Code.INVALID_REQUEST: Rendering(400, _REQUEST),
    Code.INVALID_JSON: Rendering(400, _REQUEST),
    Code.DUPLICATE_KEY: Rendering(400, _REQUEST),
    Code.TOO_DEEP: Rendering(400, _REQUEST),
    Code.TOO_MANY_VALUES: Rendering(400, _REQUEST),
    Code.UNSUPPORTED_CONTENT_TYPE: Rendering(415, _REQUEST),
    Code.UNSUPPORTED_ENCODING: Rendering(415, _REQUEST),
    Code.BODY_TOO_LARGE: Rendering(413, _REQUEST),
    Code.METHOD_NOT_ALLOWED: Rendering(405, _REQUEST),
    Code.ROUTE_NOT_FOUND: Rendering(404, _REQUEST),
    Code.ROUTE_NOT_OFFERED: Rendering(404, _REQUEST),
    Code.ROUTE_NOT_SUPPORTED_BY_TARGET: Rendering(400, _REQUEST),
    Code.MODEL_NOT_FOUND: Rendering(404, _REQUEST),
    Code.MISSING_KEY: Rendering(401, "authentication_error"),
    Code.INVALID_KEY: Rendering(401, "authentication_error"),
    Code.CONFLICTING_KEYS: Rendering(401, "authentication_error"),
    Code.FORBIDDEN: Rendering(403, "permission_error"),
    Code.INPUT_BLOCKED: Rendering(400, _POLICY),
    Code.OUTPUT_BLOCKED: Rendering(400, _POLICY),
    Code.CONTENT_NOT_INSPECTABLE: Rendering(400, _POLICY),
    Code.LOGPROBS_NOT_INSPECTABLE: Rendering(400, _POLICY),
    Code.SERVER_TOOL_NOT_ALLOWED: Rendering(400, _POLICY),
    Code.PROVIDER_STATE_NOT_ALLOWED: Rendering(400, _POLICY),
    Code.MODEL_NOT_PRICED: Rendering(403, _POLICY),
    Code.NO_COMPLIANT_TARGET: Rendering(400, _POLICY),
    Code.PACK_DISABLED: Rendering(503, _SERVER),
    Code.BUDGET_EXCEEDED: Rendering(429, "insufficient_quota"),
    Code.RATE_LIMIT_EXCEEDED: Rendering(429, "rate_limit_error", retry=True),
    Code.BUDGET_BUSY: Rendering(429, "rate_limit_error", retry=True),
    Code.DRAINING: Rendering(503, _SERVER, retry=True),
    Code.OVERLOADED: Rendering(503, _SERVER, retry=True),
    Code.AUDIT_UNAVAILABLE: Rendering(503, _SERVER, retry=True),
    Code.LEDGER_UNAVAILABLE: Rendering(503, _SERVER, retry=True),
    Code.TARGET_UNAVAILABLE: Rendering(503, _SERVER),
    Code.BREAKER_OPEN: Rendering(503, _SERVER, retry=True),
    Code.INTERNAL: Rendering(500, _SERVER, retry=True),
    Code.UPSTREAM_ERROR: Rendering(502, _SERVER, retry=True),
    Code.UPSTREAM_REFUSED_CREDENTIAL: Rendering(502, _SERVER),
    Code.UPSTREAM_UNREACHABLE: Rendering(502, _SERVER, retry=True),
    Code.UPSTREAM_TIMEOUT: Rendering(504, _SERVER, retry=True),
    Code.UPSTREAM_TRUNCATED: Rendering(502, _SERVER, retry=True),
    Code.UPSTREAM_REDIRECT: Rendering(502, _SERVER),
    Code.RESPONSE_TOO_LARGE: Rendering(502, _SERVER),
}

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    415: "invalid_request_error",
    417: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def status_of(fault: Fault) -> int:
    return RENDERINGS[fault.code].status


def render_body(fault: Fault, request_id: str, *, anthropic: bool) -> bytes:
    """The error as JSON, in Anthropic's shape on its routes and in OpenAI's everywhere else."""
    rendering = RENDERINGS[fault.code]
    error: dict[str, Any] = {"message": fault.message, "param": fault.param, "code": fault.code}
    if fault.policy is not None:
        error["policy"] = fault.policy
    return _body(rendering.status, rendering.openai_type, error, request_id, anthropic=anthropic)


def render_refusal(fault: Fault, request_id: str, *, anthropic: bool) -> Refusal:
    """The answer to a request whose body is not read."""
    headers = JSON_LINE + _identity_lines(request_id, anthropic=anthropic) + retry_header(fault)
    return Refusal(status_of(fault), headers, render_body(fault, request_id, anthropic=anthropic))


def render_malformed(malformed: Malformed, request_id: str, *, anthropic: bool) -> Refusal:
    """The answer to a call whose body could not be taken."""
    status = malformed.status
    is_ours = status in {500, 503}
    error = {"message": malformed.message, "param": None, "code": malformed.code}
    body = _body(status, _SERVER if is_ours else _REQUEST, error, request_id, anthropic=anthropic)
    identity = _identity_lines(request_id, anthropic=anthropic)
    retry = b"retry-after: 1\r\n" if status == 503 else b"x-should-retry: false\r\n"
    return Refusal(status, JSON_LINE + identity + retry, body)


def _identity_lines(request_id: str, *, anthropic: bool) -> bytes:
    line = b"x-request-id: %b\r\n" % request_id.encode()
    return line + b"request-id: %b\r\n" % request_id.encode() if anthropic else line


def _body(status: int, openai_type: str, error: dict[str, Any], request_id: str, *, anthropic: bool) -> bytes:
    if anthropic:
        error = {"type": _ANTHROPIC_TYPES.get(status, "api_error"), **error}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
    return msgspec.json.encode({"error": {"type": openai_type, **error, "request_id": request_id}})


def retry_header(fault: Fault) -> bytes:
    """Tells SDKs whether to repeat the call; some repeat a 409, a 429 and every 5xx unless told not to."""
    rendering = RENDERINGS[fault.code]
    if not rendering.retry:
        return b"x-should-retry: false\r\n"
    seconds = 1 if fault.retry_after_s is None and rendering.status == 503 else fault.retry_after_s
    after = b"" if seconds is None else b"retry-after: %d\r\n" % seconds
    return b"x-should-retry: true\r\n" + after if rendering.status == 429 else after
