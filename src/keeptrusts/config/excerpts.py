"""What may be shown of a pack's text: secrets masked, control characters escaped, short.

Works on lines and not on parsed values, so that text which is not even YAML is masked alike. When in doubt, it hides.
"""

import re
from collections.abc import Iterator, Sequence

from keeptrusts.contract.call import Path

MASK = "***"
WIDTH = 120
_SHOWN_VALUE = 40
_LOOK_BACK = 300  # lines

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # those of libyaml

_SENSITIVE = r"(?:key|secret|token|passw|credential|authorization|cookie)"
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)
_SENSITIVE_PAIR = re.compile(_SENSITIVE + r"[\w.-]{0,24}[\"']?\s{0,4}[:=]", re.IGNORECASE)
_NAME_BEFORE = re.compile(r"[\w.-]{0,64}\Z")
_HARMLESS = frozenset(
    {
        "api_key_header",
        "estimated_tokens",
        "max_in_flight_per_key",
        "max_output_tokens",
        "max_tokens",
        "token_rate_limit",
    }
)
_VARIABLE = r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,8}"
_REFERENCE = rf"(?:env|store)\s*:\s*[\"']?{_VARIABLE}[\"']?"
_REFERENCE_LINE = re.compile(rf"\s*(?:secret_key_ref\s*:\s*)?\{{?\s*{_REFERENCE}\s*\}}?\s*(?:#.*)?")
_NOTHING_TO_HIDE = re.compile(rf"\s*(?:\{{\s*{_REFERENCE}\s*\}}.*|#.*)?\Z", re.DOTALL)
_OPENS_SECRET = re.compile(
    _SENSITIVE + r"[\w.-]{0,24}[\"']?\s{0,4}:?\s{0,4}(?:[|>][-+0-9]{0,3})?\s{0,4}(?:#.*)?\Z", re.IGNORECASE
)
_LEAD = re.compile(r"\s*(?:-\s+)*(?:(?:[\w.-]{1,64}|\"[\w.-]{1,64}\"|'[\w.-]{1,64}')\s*:(?=\s|\Z))?")
_HARMLESS_LINE = re.compile(r"\s*(?:-\s+)?[A-Za-z_-]{1,40}\s*:\s+(?:-?[0-9.]{1,10}|true|false|null|~)\s*")
"""A key and a number, say. Where the text is YAML and the path is not a secret's, no part of a secret."""
_SHAPES = re.compile(
    r"sk-[\w-]{6,}|kt_(?:gk|ak)_\w*|(?:AKIA|ASIA)[A-Z0-9]{8,}|gh[pousr]_\w{10,}|github_pat_\w+|glpat-[\w-]+"
    r"|xox[a-z]-[\w-]+|AIza[\w-]{10,}|gsk_\w+|hf_\w{10,}|eyJ[\w-]{8,}(?:\.[\w-]*)*|-----BEGIN[^\n]*"
    r"|(?<=://)[^/@\s]+(?=@)|(?<=Bearer )\S+|(?<=Basic )\S+"
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=]{32,}")


def is_sensitive(name: str) -> bool:
    """Whether what stands under this key may be a secret."""
    return name not in _HARMLESS and _SENSITIVE_NAME.search(name) is not None


def hide(text: str) -> str:
    """The text without anything that has the shape of a credential."""
    return _LONG_RUN.sub(_hide_mixed, _SHAPES.sub(MASK, text))


def _hide_mixed(run: re.Match[str]) -> str:
    text = run[0]
    is_mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return MASK if is_mixed else text


def escape(text: str) -> str:
    """The text with everything escaped that a terminal could act on or that cannot be seen."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def show(value: object, path: Path) -> str:
    """A value as a message may quote it."""
    if any(isinstance(step, str) and is_sensitive(step) for step in path):
        return "this value"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`"
    return f"`{shorten(str(value))}`"


def shorten(text: str) -> str:
    """A name or value, hidden, escaped, and cut to a length that fits a message."""
    shown = escape(hide(_mask_pairs(text[: 8 * _SHOWN_VALUE])))
    return shown if len(shown) <= _SHOWN_VALUE else shown[: _SHOWN_VALUE - 1] + "…"


class Excerpts:
    """Gives the lines of one text, fit to be shown. A line is masked once, however many problems stand in it."""

    def __init__(self, text: str) -> None:
        self._lines = _LINE_BREAK.split(text)
        self._masked: dict[int, str] = {}

    def of(self, line: int, column: int, path: Path) -> str:
        """The line of a problem at `path`. `line` and `column` count from 1; a line that is not there is empty."""
        index = line - 1
        if not 0 <= index < len(self._lines):
            return ""
        names = [step for step in path if isinstance(step, str) and is_sensitive(step)]
        if path and not names and _HARMLESS_LINE.fullmatch(self._lines[index]):
            return self._lines[index].strip()
        text = self._mask(index)
        if names and not _REFERENCE_LINE.fullmatch(text) and not _is_masked_after(text, names):
            text = _mask_value(text)
        return _window(text, column)

    def _mask(self, index: int) -> str:
        if index not in self._masked:
            text = _mask_pairs(self._lines[index])
            if _is_below_secret(self._lines, index) and not _REFERENCE_LINE.fullmatch(text):
                text = _mask_value(text)
            self._masked[index] = hide(text).strip()
        return self._masked[index]


def _mask_pairs(text: str) -> str:
    """Hides everything behind the first sensitive key of a line that has a value, comments included."""
    for end in _sensitive_pairs(text):
        if not _NOTHING_TO_HIDE.match(text, end):
            return f"{text[:end]} {MASK}"
    return text


def _is_masked_after(text: str, names: Sequence[str]) -> bool:
    """Whether the mask stands where the value of one of these keys began; what is before it belongs to others."""
    return any(text.endswith(f"{name}: {MASK}") for name in names)


def _mask_value(text: str) -> str:
    """Leaves only the dash and the key that a line begins with."""
    lead = _LEAD.match(text)
    kept = lead[0] if lead else ""
    return f"{kept} {MASK}" if text[len(kept) :].strip() else text


def _sensitive_pairs(text: str) -> Iterator[int]:
    """Where the values of sensitive keys begin."""
    for pair in _SENSITIVE_PAIR.finditer(text):
        before = _NAME_BEFORE.search(text[max(0, pair.start() - 64) : pair.start()])
        name = (before[0] if before else "") + pair[0].rstrip("=: \t\"'")
        if name not in _HARMLESS:
            yield pair.end()


def _is_below_secret(lines: Sequence[str], index: int) -> bool:
    """Whether the line belongs to a sensitive key in a line above: by indentation, or because that key had no value."""
    above = [line for line in lines[max(0, index - _LOOK_BACK) : index] if line.strip()]
    if above and _OPENS_SECRET.search(above[-1][-2 * WIDTH :]):
        return True
    level = _level(lines[index])
    for line in reversed(above):
        if _level(line) < level:
            level = _level(line)
            if next(_sensitive_pairs(line[-1000:]), None) is not None:
                return True
    return False


def _level(line: str) -> int:
    """How far in a line stands. A list's item belongs to a key at the same indentation."""
    text = line.lstrip()
    return 2 * (len(line) - len(text)) + text.startswith("-")


def _window(text: str, column: int) -> str:
    """At most WIDTH characters around the column, escaped."""
    start = 0 if len(text) <= WIDTH else max(0, min(column, len(text)) - WIDTH // 2)
    cut = text[start : start + WIDTH]
    shown = ("…" if start else "") + escape(cut)
    is_cut = start + len(cut) < len(text) or len(shown) > WIDTH
    return shown[: WIDTH - 1] + "…" if is_cut else shown
