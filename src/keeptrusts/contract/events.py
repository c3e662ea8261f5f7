"""What a gateway notes about each request: who, under which version, what was decided, what it cost; never the text.

These are wire types: fields are only ever added, with a default, and every released shape stays readable.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from keeptrusts.contract.usage import Usage

__all__ = [
    "Attempt",
    "CallFacts",
    "Decision",
    "DecisionEvent",
    "Gap",
    "LossReason",
    "OpenRecord",
    "Origin",
    "Outcome",
    "PolicyOutcome",
    "PolicyVerdict",
    "SpoolRecord",
]

Decision: TypeAlias = Literal["allow", "redact", "block"]
"""The worst verdict of a call: block, then redact, then allow."""

PolicyVerdict: TypeAlias = Literal["allow", "flag", "redact", "block"]
"""What one policy said. `flag` is an allow with findings."""

LossReason: TypeAlias = Literal["overflow", "expired", "corrupt", "write_failed"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one target. `status` is None where no answer came; `ms` is how long it took."""

    target_id: str
    status: int | None = None
    ms: float = 0.0


class PolicyOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy said in one phase. Findings are counts, never text; `policy_error` counts its failures."""

    kind: str
    phase: str
    verdict: PolicyVerdict
    reason_code: str | None = None
    findings: dict[str, int] = {}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event comes from: the same for every call of one key under one snapshot."""

    gateway_name: str
    gateway_id: str | None = None
    instance_id: str
    configuration_id: str | None = None
    configuration_version: int | None = None
    config_name: str
    pack_version: str
    config_digest: str
    team: str | None = None
    environment: str | None = None


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call before it goes upstream. `usage` and `cost_micros` are then estimates.

    `cost_micros` is None where the target has no price; `user` and `key_id` where nobody named one. `spend_bucket` and
    `spend_day` say what the cost was counted in, where `spend-limit` counts.
    """

    decision: Decision
    reason_code: str | None = None
    client_request_id: str | None = None
    route: str
    stream: bool = False
    key_id: str | None = None
    user: str | None = None
    model: str | None = None
    provider: str | None = None
    target_id: str | None = None
    usage: Usage = Usage()
    cost_micros: int | None = None
    spend_bucket: str | None = None
    spend_day: str | None = None


class Outcome(CallFacts, frozen=True, kw_only=True):
    """What is known of a call at its end. Times are milliseconds from its arrival, `overhead_ms` is ours alone.

    `status` is None where no answer was begun, `error_code` where nothing went wrong.
    """

    status: int | None = None
    error_code: str | None = None
    attempts: tuple[Attempt, ...] = ()
    policies: tuple[PolicyOutcome, ...] = ()
    latency_ms: float = 0.0
    first_byte_ms: float | None = None
    overhead_ms: float = 0.0


class DecisionEvent(Outcome, frozen=True, kw_only=True, tag_field="event_type", tag="decision"):
    """The record of one request.

    `seq` grows by one per spool, `boot_id` changes with each start; `timestamp` is when the request arrived (UTC).
    """

    version: int = 1
    id: str
    seq: int
    boot_id: str
    timestamp: datetime
    request_id: str
    gateway_name: str
    gateway_id: str | None = None
    instance_id: str
    configuration_id: str | None = None
    configuration_version: int | None = None
    config_name: str
    pack_version: str
    config_digest: str
    team: str | None = None
    environment: str | None = None


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="gap"):
    """A declared loss: the events `first_seq` to `last_seq`, both included, are gone from this spool."""

    version: int = 1
    id: str
    seq: int
    boot_id: str
    timestamp: datetime
    first_seq: int
    last_seq: int
    count: int
    reason: LossReason


class OpenRecord(CallFacts, frozen=True, kw_only=True, tag_field="event_type", tag="open"):
    """A call is on its way upstream. Without a decision event of the same `request_id` it was interrupted.

    `is_audited`: its event must not be lost.
    """

    version: int = 1
    boot_id: str
    timestamp: datetime
    request_id: str
    is_audited: bool = False
    origin: Origin


SpoolRecord: TypeAlias = DecisionEvent | Gap | OpenRecord
"""Everything that stands in a spool; `msgspec.json.Decoder(SpoolRecord)` reads it."""
