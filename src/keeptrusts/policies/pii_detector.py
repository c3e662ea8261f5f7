"""`pii-detector`: finds personal data in what people and models read, and redacts it or refuses the text.

What is found, and how, stands in `text/`; this file knows the settings. It fails closed: unread means blocked.
"""

from typing import Annotated, Literal

import msgspec

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
