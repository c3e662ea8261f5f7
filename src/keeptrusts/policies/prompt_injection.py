"""`prompt-injection`: refuses known attacks on a model's instructions, or puts them on record.

What is an attack, and what may hide one, stands in `injection/`; this file knows the settings. It reads what users
and tools say. It fails closed: unread means blocked.
"""

from typing import Annotated, Literal, Self, TypeAlias

import msgspec
from msgspec import Meta

from keeptrusts.contract.call import Form, Role
from keeptrusts.policies.injection.attacks import Attacks, compile_attacks
from keeptrusts.policies.injection.disguises import Latin, Plain, encode
from keeptrusts.policies.injection.encoding import holds_block
from keeptrusts.policies.injection.readings import DecodedReading, Reading
from keeptrusts.policies.text.own_patterns import check_patterns
from keeptrusts.policies.text.problems import InvalidSettingsError
from keeptrusts.policies.verdict import ALLOW, Block, Flag, Phase, TextChannel, Verdict

Pattern: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]


class Encoding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which disguises are taken off before looking."""

    decode_base64: bool = True
    normalize_unicode: bool = True
    detect_homoglyphs: bool = True


class Detection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Own attack patterns (RE2), besides the built-in ones."""

    attack_patterns: Annotated[tuple[Pattern, ...], Meta(max_length=100)] = ()


class InjectionResponse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to a call with an attack in it, and what its sender reads."""

    action: Literal["block", "flag"] = "block"
    message: Annotated[str, Meta(min_length=1, max_length=500)] = (
        "The request looks like an attempt at prompt injection."
    )


class PromptInjectionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `prompt-injection`. `unreadable` says what to do with parts that hold no text, such as images."""

    encoding: Encoding = Encoding()
    detection: Detection = Detection()
    scope: Annotated[tuple[Literal["user", "tool_results"], ...], Meta(min_length=1)] = ("user", "tool_results")
    response: InjectionResponse = InjectionResponse()
    unreadable: Literal["block", "allow"] = "block"


ROLES = {"user": Role.USER, "tool_results": Role.TOOL}


class PromptInjection:
    """Known attacks, also in disguise. Immutable and shared by all calls."""

    kind = "prompt-injection"
    reason_code = "prompt_injection"
    phases = frozenset({Phase.INPUT})
    can_rewrite = False

    def __init__(self, spec: PromptInjectionSpec, attacks: Attacks, tables: tuple[Plain, ...]) -> None:
        self.roles: tuple[Role, ...] | None = tuple(ROLES[name] for name in spec.scope)
        self.unreadable = spec.unreadable
        self.attacks = attacks
        self.tables = tables
        self.decodes = spec.encoding.decode_base64
        self.blocks = spec.response.action == "block"
        self.message = spec.response.message

    @classmethod
    def compile(cls, spec: PromptInjectionSpec) -> Self:
        """The running policy. Raises InvalidSettingsError with every problem."""
        problems = check_patterns("detection.attack_patterns", spec.detection.attack_patterns)
        if problems:
            raise InvalidSettingsError(problems)
        return cls(spec, compile_attacks(spec.detection.attack_patterns), tables_of(spec.encoding))

    def judge(self, text: str, form: Form) -> Verdict:  # noqa: ARG002 - what escapes hide is said in the documentation
        data = encode(text)
        if text.isascii() and not self.attacks.may_be_in(data) and not (self.decodes and holds_block(data)):
            return ALLOW
        channel = InjectionChannel(self)
        channel.take(text, final=True)
        if channel.blocked is not None:
            return channel.blocked
        return Flag(self.reason_code, channel.findings) if channel.findings else ALLOW

    def open_channel(self, form: Form) -> TextChannel:  # noqa: ARG002 - as above
        return InjectionChannel(self)


class InjectionChannel:
    """One text. Each kind of attack counts once, whichever disguise it was found in."""

    def __init__(self, policy: PromptInjection) -> None:
        self.policy = policy
        reading = DecodedReading if policy.decodes else Reading
        self.reading = reading(policy.attacks, policy.tables, first=policy.blocks)
        self.findings: dict[str, int] = {}
        self.blocked: Block | None = None

    def feed(self, piece: str) -> str:
        return self.take(piece, final=False)

    def finish(self) -> str:
        return self.take("", final=True)

    def take(self, piece: str, *, final: bool) -> str:
        if self.blocked is not None:
            return ""
        for kind in self.reading.look(piece, final=final):
            self.findings[kind] = 1
        if not (self.findings and self.policy.blocks):
            return piece
        self.blocked = Block(self.policy.reason_code, self.policy.message, self.findings)
        return ""


def tables_of(encoding: Encoding) -> tuple[Plain, ...]:
    """How characters are read, each way once; shared by all packs, as they fill up with what was seen."""
    return (
        *((PLAIN,) if encoding.normalize_unicode else ()),
        *((LATIN[encoding.normalize_unicode],) if encoding.detect_homoglyphs else ()),
    )


PLAIN = Plain()
LATIN = {normalize: Latin(normalize=normalize) for normalize in (True, False)}
