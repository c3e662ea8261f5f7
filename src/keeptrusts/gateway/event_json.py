"""Parts of an event as JSON text. Events are put together from these: most of a call's facts are known as text anyway.

A test holds what comes of it against the types of `contract.events`.
"""

from functools import lru_cache

import msgspec

from keeptrusts.contract.events import PolicyOutcome, PolicyVerdict
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.judging import Tally

_encode = msgspec.json.Encoder().encode


def quoted(word: str | None) -> str:
    """A JSON string, or null. Only for words whose grammar has nothing to escape, as all names, ids and codes have."""
    return "null" if word is None else f'"{word}"'


def text_json(text: str | None) -> str:
    """Any text as a JSON string, or null."""
    return "null" if text is None else _encode(text).decode()


def or_null(number: int | None) -> int | str:
    return "null" if number is None else number


def boolean(value: bool) -> str:
    return "true" if value else "false"


def usage_json(usage: Usage) -> str:
    return _encode(usage).decode()


def outcome_json(outcome: PolicyOutcome) -> str:
    if outcome.findings:
        return _encode(outcome).decode()
    return _without_findings(outcome.kind, outcome.phase, outcome.verdict, outcome.reason_code)


def tally_json(tally: Tally) -> str:
    """The `PolicyOutcome` that a tally amounts to."""
    if tally.findings:
        return _encode(tally.outcome()).decode()
    return _without_findings(tally.policy.kind, tally.phase, tally.verdict, tally.reason_code)


@lru_cache(maxsize=1024)
def _without_findings(kind: str, phase: str, verdict: PolicyVerdict, reason_code: str | None) -> str:
    """Nearly all outcomes of a configuration are the same few."""
    outcome = PolicyOutcome(kind=kind, phase=phase, verdict=verdict, reason_code=reason_code)
    return _encode(outcome).decode()
