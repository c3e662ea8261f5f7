"""What a policy answers, and what a policy is. Verdicts are values; one driver acts on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from msgspec import UnsetType

from keeptrusts.config.targets import DataPolicy
from keeptrusts.contract.call import Call, Form, Role
from keeptrusts.contract.identity import Identity

__all__ = [
    "ALLOW",
    "Allow",
    "Block",
    "CallPolicy",
    "Findings",
    "Flag",
    "Phase",
    "Rewrite",
    "TargetPolicy",
    "TextChannel",
    "TextPolicy",
    "Verdict",
]

Findings: TypeAlias = Mapping[str, int]
"""How often each kind of thing was found: `{"email": 2}`. Never the text itself."""


class Phase(StrEnum):
    """When a policy has its say. Phases run in this order; the chain orders policies within one."""

    INPUT = "input"
    ROUTING = "routing"
    ADMISSION = "admission"
    OUTPUT = "output"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Allow:
    """Nothing to object to."""


@dataclass(frozen=True, slots=True)
class Flag:
    """The text may pass as it is; what was found goes on record."""

    reason_code: str
    findings: Findings


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text may pass in this form."""

    text: str
    reason_code: str
    findings: Findings


@dataclass(frozen=True, slots=True)
class Block:
    """The call, or the rest of the answer, must not pass. `message` says why without quoting the text."""

    reason_code: str
    message: str
    findings: Findings = field(default_factory=dict)
    param: str | None = None  # the member of the call that it is about


Verdict: TypeAlias = Allow | Flag | Rewrite | Block

ALLOW = Allow()


class TextChannel(Protocol):
    """Judges one text that arrives in pieces.

    However the text is cut, the joined output equals what `TextPolicy.judge` makes of the whole text.
    """

    findings: dict[str, int]
    blocked: Block | None

    def feed(self, piece: str) -> str:
        """What may be released now. After a block: what stood before the offending text, then nothing."""

    def finish(self) -> str:
        """The rest, once no further piece can come."""


class TextPolicy(Protocol):
    """A policy that reads texts. Immutable and shared by all calls; never awaits, logs or raises.

    One that finds something and neither blocks nor can rewrite flags it.
    """

    kind: str
    phases: frozenset[Phase]
    roles: tuple[Role, ...] | None  # whose texts it reads, None: everybody's; a tuple, as members are slow to hash
    unreadable: Literal["block", "allow"]  # what to do with parts that it cannot read
    can_rewrite: bool
    reason_code: str  # of its flags, rewrites and blocks, such as "pii_detected"

    def judge(self, text: str, form: Form) -> Verdict:
        """Judge one whole, short text."""

    def open_channel(self, form: Form) -> TextChannel:
        """Judge one text piece by piece: a stream, or a long text in slices."""


class CallPolicy(Protocol):
    """A policy that looks at who calls and what for, and at no text. Immutable and shared, like a TextPolicy."""

    kind: str
    phases: frozenset[Phase]

    @property
    def identity_headers(self) -> tuple[str, ...]:
        """Headers, in lower case, that it asks an identity for."""

    def judge_call(self, call: Call, identity: Identity) -> Verdict:
        """Allow or block the call."""

    def permits_model(self, model: str, identity: Identity) -> bool:
        """Whether such a caller may ask for this model at all, whatever else the call says."""


class TargetPolicy(Protocol):
    """A policy that looks at what a target promises. Pure: asked once for each target of a pack."""

    kind: str
    phases: frozenset[Phase]

    def objection(self, promise: DataPolicy | UnsetType) -> str | None:
        """Why no call may go to a target with this promise; None where it complies."""
