"""Decision events with sensible defaults: override what the test is about."""

from keeptrusts.contract.events import Attempt, CallFacts, Origin, Outcome, PolicyOutcome
from keeptrusts.contract.usage import Usage

ORIGIN = Origin(
    gateway_name="team-alpha-prod",
    instance_id="i_01a20937",
    config_name="team-alpha-prod",
    pack_version="0.1.0",
    config_digest="sha256:" + "ab" * 32,
    team="alpha",
    environment="prod",
)


def make_facts(**changes) -> CallFacts:
    defaults = {
        "decision": "allow",
        "route": "/v1/chat/completions",
        "key_id": "gk_c0123456789a",
        "model": "gpt-4o-mini",
        "provider": "openai",
        "target_id": "openai-primary",
        "usage": Usage(input_tokens=120),
        "cost_micros": 35,
    }
    return CallFacts(**{**defaults, **changes})


def make_outcome(**changes) -> Outcome:
    facts = make_facts()
    defaults = {
        **{name: getattr(facts, name) for name in CallFacts.__struct_fields__},
        "status": 200,
        "attempts": (Attempt(target_id="openai-primary", status=200, ms=801.2),),
        "policies": (PolicyOutcome(kind="pii-detector", phase="input", verdict="allow"),),
        "usage": Usage(input_tokens=120, output_tokens=28),
        "latency_ms": 812.4,
        "first_byte_ms": 790.0,
        "overhead_ms": 0.31,
    }
    return Outcome(**{**defaults, **changes})
