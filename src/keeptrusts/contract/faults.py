"""What can go wrong with a call, once and by name. How it looks on the wire is the edge's matter."""

from enum import StrEnum


class Code(StrEnum):
    """Why a call was refused or failed: the `code` of the error that the client reads."""

    # The client's request cannot be read or is not offered.
    INVALID_REQUEST = "invalid_request"
    INVALID_JSON = "invalid_json"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    TOO_MANY_VALUES = "too_many_values"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BODY_TOO_LARGE = "body_too_large"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    ROUTE_NOT_FOUND = "route_not_found"
    ROUTE_NOT_OFFERED = "route_not_offered"
    ROUTE_NOT_SUPPORTED_BY_TARGET = "route_not_supported_by_target"
    MODEL_NOT_FOUND = "model_not_found"
    # The caller may not.
    MISSING_KEY = "missing_key"
    INVALID_KEY = "invalid_key"
    CONFLICTING_KEYS = "conflicting_keys"
    FORBIDDEN = "forbidden"
    # A policy or the pack says no.
    INPUT_BLOCKED = "input_blocked"
    OUTPUT_BLOCKED = "output_blocked"
    CONTENT_NOT_INSPECTABLE = "content_not_inspectable"
    LOGPROBS_NOT_INSPECTABLE = "logprobs_not_inspectable"
    SERVER_TOOL_NOT_ALLOWED = "server_tool_not_allowed"
    PROVIDER_STATE_NOT_ALLOWED = "provider_state_not_allowed"
    MODEL_NOT_PRICED = "model_not_priced"
    NO_COMPLIANT_TARGET = "no_compliant_target"
    PACK_DISABLED = "pack_disabled"
    BUDGET_EXCEEDED = "budget_exceeded"
    BUDGET_BUSY = "budget_busy"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    # We cannot now.
    DRAINING = "draining"
    OVERLOADED = "overloaded"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    TARGET_UNAVAILABLE = "target_unavailable"
    BREAKER_OPEN = "breaker_open"
    INTERNAL = "internal_error"
    # The provider failed.
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_REFUSED_CREDENTIAL = "upstream_refused_credential"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_TRUNCATED = "upstream_truncated"
    UPSTREAM_REDIRECT = "upstream_redirect"
    RESPONSE_TOO_LARGE = "response_too_large"


class Fault(Exception):
    """A failure that we can explain to the caller. `message` never quotes the caller's text.

    `retry_after_s`: when the same call can succeed, in whole seconds, where that is known.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        param: str | None = None,
        policy: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.policy = policy
        self.retry_after_s = retry_after_s
