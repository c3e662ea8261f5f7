"""What each way in which a call can fail means, and what to do about it: one sentence or two, for people."""

from collections.abc import Mapping
from types import MappingProxyType

from keeptrusts.contract.faults import Code

ADVICE: Mapping[Code, str] = MappingProxyType(
    {
        Code.INVALID_REQUEST: "A member of the call is missing or wrong. Correct what the message names.",
        Code.INVALID_JSON: "The body is not JSON. Correct it.",
        Code.DUPLICATE_KEY: "A key stands twice in one object, so readers would differ. Keep one of the two.",
        Code.TOO_DEEP: "The body is nested too deeply. Flatten it.",
        Code.TOO_MANY_VALUES: "The body holds too many values. Make it smaller.",
        Code.UNSUPPORTED_CONTENT_TYPE: "The body's type is not taken on this route. Send what the message names.",
        Code.UNSUPPORTED_ENCODING: "The body is compressed in a way that is not taken. Send it uncompressed.",
        Code.BODY_TOO_LARGE: "The body is larger than the pack allows. Make it smaller, or raise `max_body_bytes`.",
        Code.METHOD_NOT_ALLOWED: "The route does not take this method. Use one of the header `allow`.",
        Code.ROUTE_NOT_FOUND: "There is no such route. Look at the base URL of the client.",
        Code.ROUTE_NOT_OFFERED: "The provider has this route, and the gateway does not offer it. Use another one.",
        Code.ROUTE_NOT_SUPPORTED_BY_TARGET: (
            "The model's target speaks another dialect, in which the call, or what the message names of it, cannot be "
            "said. Leave that out, or ask for another model."
        ),
        Code.MODEL_NOT_FOUND: "No target offers the model. Ask for one that `GET /v1/models` lists.",
        Code.MISSING_KEY: "The call has no key. Give the gateway's token as the API key.",
        Code.INVALID_KEY: "The key is none of this gateway's. Give the gateway's token as the API key.",
        Code.CONFLICTING_KEYS: "Two headers carry different keys. Send one.",
        Code.FORBIDDEN: "This caller may not do this. Ask whoever runs the gateway.",
        Code.INPUT_BLOCKED: "A policy refuses what was sent. Take out what the message names.",
        Code.OUTPUT_BLOCKED: "A policy refuses what the model answered. Ask for something else.",
        Code.CONTENT_NOT_INSPECTABLE: (
            "The call carries something that policies cannot read. Send it as text, or let the policy pass it on."
        ),
        Code.LOGPROBS_NOT_INSPECTABLE: "Log probabilities would tell what a policy removes. Do not ask for them.",
        Code.SERVER_TOOL_NOT_ALLOWED: "The provider's own tools see texts that policies do not. Leave the tool out.",
        Code.PROVIDER_STATE_NOT_ALLOWED: (
            "The call refers to text that the provider keeps and policies have not read. Send the text itself."
        ),
        Code.MODEL_NOT_PRICED: "What the model costs is not known, so it cannot be counted. Give its target a `price`.",
        Code.NO_COMPLIANT_TARGET: "No target of the model keeps the promises that the pack asks for. Ask for another.",
        Code.PACK_DISABLED: "The pack says `enabled: false`. Whoever runs the gateway must enable it.",
        Code.BUDGET_EXCEEDED: "The day's money is spent. Wait until the budget's next day begins, or raise the cap.",
        Code.BUDGET_BUSY: "Calls under way hold what is left of the budget. Repeat the call when some have ended.",
        Code.RATE_LIMIT_EXCEEDED: "A rate of the pack is used up. Repeat the call after `retry-after`.",
        Code.DRAINING: "The gateway is shutting down. Repeat the call; another instance takes it.",
        Code.OVERLOADED: "The gateway has all that it can hold at once. Repeat the call after `retry-after`.",
        Code.AUDIT_UNAVAILABLE: (
            "What must be recorded cannot be. Repeat the call later; whoever runs the gateway looks at its disk."
        ),
        Code.LEDGER_UNAVAILABLE: (
            "What is spent cannot be kept. Repeat the call later; whoever runs the gateway looks at its disk."
        ),
        Code.TARGET_UNAVAILABLE: "The target has no credential. Set its secret where the gateway runs.",
        Code.BREAKER_OPEN: "The target failed too often and is left alone. Repeat the call after `retry-after`.",
        Code.INTERNAL: "A fault of the gateway. Repeat the call, and report it with its `request_id`.",
        Code.UPSTREAM_ERROR: "The provider gave no usable answer. Repeat the call.",
        Code.UPSTREAM_REFUSED_CREDENTIAL: "The provider refuses the gateway's credential. Correct the target's secret.",
        Code.UPSTREAM_UNREACHABLE: "No connection to the provider came about. Repeat the call.",
        Code.UPSTREAM_TIMEOUT: "The provider took longer than the target's `timeouts`. Repeat the call, or raise them.",
        Code.UPSTREAM_TRUNCATED: "The provider's answer broke off. Repeat the call.",
        Code.UPSTREAM_REDIRECT: "The provider answers with another address. Correct the target's `base_url`.",
        Code.RESPONSE_TOO_LARGE: "The answer is larger than the gateway reads at once. Ask for less, or stream it.",
    }
)
"""A sentence for each code; `docs/reference/errors.md` shows them."""
