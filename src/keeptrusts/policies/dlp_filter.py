"""`dlp-filter`: keeps credentials and terms of the house inside: redacts them, or refuses the text.

What is found, and how, stands in `text/`; this file knows the settings. It fails closed: unread means blocked.
"""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

from keeptrusts.policies.text.credentials import CREDENTIALS
from keeptrusts.policies.text.detector import compile_detector
from keeptrusts.policies.text.markers import compile_marker
from keeptrusts.policies.text.own_patterns import check_patterns, own_shape
from keeptrusts.policies.text.problems import InvalidSettingsError
from keeptrusts.policies.text.redaction import RedactingPolicy
from keeptrusts.policies.text.scan import Rules
from keeptrusts.policies.text.shapes import TERM
from keeptrusts.policies.text.terms import check_terms, term_shapes

CUSTOM = "custom"


class DlpFilterSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `dlp-filter`: own patterns (RE2) and terms, besides the built-in credentials."""

    detect_patterns: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1024)], ...], Meta(max_length=100)
    ] = ()
    blocked_terms: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...], Meta(max_length=1000)] = ()
    action: Literal["redact", "block"] = "redact"
    unreadable: Literal["block", "allow"] = "block"


class DlpFilter(RedactingPolicy):
    """Credentials, own patterns and terms."""

    kind = "dlp-filter"
    reason_code = "sensitive_data"

    @classmethod
    def compile(cls, spec: DlpFilterSpec) -> Self:
        """The running policy. Raises InvalidSettingsError with every problem."""
        problems = [
            *check_patterns("detect_patterns", spec.detect_patterns),
            *check_terms("blocked_terms", spec.blocked_terms),
        ]
        if problems:
            raise InvalidSettingsError(problems)
        builtin = (shape for shapes in CREDENTIALS.values() for shape in shapes)
        own = (own_shape(CUSTOM, pattern) for pattern in spec.detect_patterns)
        rules = Rules(
            marker=compile_marker("label", preserve_length=False, custom={}),
            blocking=(*CREDENTIALS, CUSTOM, TERM) if spec.action == "block" else (),
            is_allowed=None,
            reason_code=cls.reason_code,
        )
        return cls(
            compile_detector((*builtin, *own, *term_shapes(spec.blocked_terms))),
            rules,
            phases=("input", "output"),
            unreadable=spec.unreadable,
            can_rewrite=spec.action == "redact",
        )
