"""What a plain YAML scalar means: the core schema of YAML 1.2, where `yes` is text and `0o14` is twelve."""

import math
import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_FIRST = frozenset("0123456789+-.~nNtTfF")
_LARGEST = 2**63 - 1
_MOST_DIGITS = 64


class OddNumber(ValueError):
    """A number that no setting could mean: not finite, or beyond 64 bits."""


def read_scalar(text: str) -> Scalar:
    """The value of a plain scalar. Raises OddNumber."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise OddNumber("is not a finite number")
    based = _BASED.fullmatch(text) is not None
    if not (based or _FLOAT.fullmatch(text)):
        return text
    if len(text) > _MOST_DIGITS:
        raise OddNumber("is a number with too many digits")
    if based or _INT.fullmatch(text):
        return _bounded(int(text, 0) if based else int(text))
    value = float(text)
    if not math.isfinite(value):
        raise OddNumber("is not a finite number")
    return value


def _bounded(value: int) -> int:
    if abs(value) > _LARGEST:
        raise OddNumber("is a number beyond 64 bits")
    return value
