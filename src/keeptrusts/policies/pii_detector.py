"""`pii-detector`: finds personal data in what people and models read, and redacts it or refuses the text.

What is found, and how, stands in `text/`; this file knows the settings. It fails closed: unread means blocked.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Literal, Self

import msgspec

from keeptrusts.policies.text.checks import iban_module, phone_module
from keeptrusts.policies.text.detector import compile_detector
from keeptrusts.policies.text.markers import compile_marker
from keeptrusts.policies.text.own_patterns import check_globs, check_patterns, compile_globs, own_shape
from keeptrusts.policies.text.problems import InvalidSettingsError, SettingProblem
from keeptrusts.policies.text.redaction import RedactingPolicy
from keeptrusts.policies.text.scan import Rules
from keeptrusts.policies.text.shapes import ENTITIES, HEALTHCARE_KINDS, PCI_KINDS, Shape

CUSTOM = "custom"

EntityAction = Literal["redact", "block", "off"]
PatternName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Marker = Annotated[str, msgspec.Meta(max_length=64)]
Phases = Annotated[frozenset[Literal["input", "output"]], msgspec.Meta(min_length=1)]


class OwnPattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pattern with the name under which its finds are counted, marked and given an action."""

    name: PatternName
    pattern: str


class RedactionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the place of a find.

    `label` writes `[EMAIL]`, `asterisks` `****`, `partial` leaves the last four characters readable.
    """

    marker_format: Literal["label", "asterisks", "partial"] = "label"
    preserve_length: bool = False
    custom_markers: dict[str, Marker] = {}


class PiiDetectorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `pii-detector`. Own patterns without a name are counted as `custom`."""

    action: Literal["redact", "block"] = "redact"
    entities: dict[str, EntityAction] = {}
    pci_mode: bool = True
    healthcare_mode: bool = False
    detect_patterns: tuple[str | OwnPattern, ...] = ()
    allow_values: tuple[str, ...] = ()
    phases: Phases = frozenset({"input", "output"})
    redaction: RedactionSpec = RedactionSpec()
    unreadable: Literal["block", "allow"] = "block"


class PiiDetector(RedactingPolicy):
    """Personal data, found by shape and checksum."""

    kind = "pii-detector"
    reason_code = "pii_detected"

    @classmethod
    def compile(cls, spec: PiiDetectorSpec) -> Self:
        """The running policy. Raises InvalidSettingsError with every problem."""
        own = [named(pattern) for pattern in spec.detect_patterns]
        problems = [
            *check_patterns("detect_patterns", [pattern for _, pattern in own]),
            *check_globs("allow_values", spec.allow_values),
            *check_kinds(spec, [kind for kind, _ in own]),
        ]
        if problems:
            raise InvalidSettingsError(problems)
        actions = actions_of(spec, [kind for kind, _ in own])
        builtin = [shape for kind, shapes in ENTITIES.items() if kind in actions for shape in shapes]
        load_libraries(builtin)
        rules = Rules(
            marker=compile_marker(
                spec.redaction.marker_format,
                preserve_length=spec.redaction.preserve_length,
                custom=spec.redaction.custom_markers,
            ),
            blocking={kind for kind, action in actions.items() if action == "block"},
            is_allowed=compile_globs(spec.allow_values),
            reason_code=cls.reason_code,
        )
        return cls(
            compile_detector((*builtin, *(own_shape(kind, pattern) for kind, pattern in own if kind in actions))),
            rules,
            phases=spec.phases,
            unreadable=spec.unreadable,
            can_rewrite="redact" in actions.values(),
        )


def named(pattern: str | OwnPattern) -> tuple[str, str]:
    return (CUSTOM, pattern) if isinstance(pattern, str) else (pattern.name, pattern.pattern)


def actions_of(spec: PiiDetectorSpec, own: list[str]) -> dict[str, str]:
    """What happens to each kind that is on. A kind that `entities` names needs no mode."""
    modes = {"pci_mode": spec.pci_mode, "healthcare_mode": spec.healthcare_mode}
    off = {kind for mode, kinds in KINDS_OF_MODE.items() if not modes[mode] for kind in kinds}
    actions: dict[str, str] = {kind: spec.action for kind in (*ENTITIES, *own) if kind not in off}
    actions.update(spec.entities)
    return {kind: action for kind, action in actions.items() if action != "off"}


KINDS_OF_MODE = {"pci_mode": PCI_KINDS, "healthcare_mode": HEALTHCARE_KINDS}


def check_kinds(spec: PiiDetectorSpec, own: list[str]) -> Iterator[SettingProblem]:
    known = [*ENTITIES, *dict.fromkeys([*own, CUSTOM])]
    for setting, kinds in (("entities", spec.entities), ("redaction.custom_markers", spec.redaction.custom_markers)):
        for kind in kinds:
            if kind not in known:
                near = get_close_matches(kind, known, 1)
                suggestion = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                yield SettingProblem(f"{setting}.{kind}", "no such kind of data", suggestion, "detect_patterns")
    for index, pattern in enumerate(spec.detect_patterns):
        if isinstance(pattern, OwnPattern) and pattern.name in ENTITIES:
            path = f"detect_patterns[{index}].name"
            yield SettingProblem(path, f"{pattern.name} is a built-in kind", "choose another name")


def load_libraries(shapes: list[Shape]) -> None:
    """Now, and not in the middle of a first request."""
    kinds = {shape.kind for shape in shapes}
    if "phone" in kinds:
        phone_module()
    if "iban" in kinds:
        iban_module()
