"""`prompt-injection`: what the author of a pack may say about refusing known attacks on a model's instructions."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

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
