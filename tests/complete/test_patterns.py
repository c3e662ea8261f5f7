"""Patterns of `re` do without possessive and atomic groups: Python before 3.11.5, such as Debian's, gets those wrong.

Where something inside of one backtracks, it matches less than it should, silently (bpo-106052). Possessive quantifiers
of a single character or set are right.
"""

import ast
import re
from pathlib import Path

import pytest

from complete.project import ROOT, project_files

CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What a quantifier cannot stand in: escapes and sets of characters."""

USES_RE = re.compile(r"^\s*(?:import re\b|from re import)", re.MULTILINE)
POSSESSIVE = re.compile(r"\)(?:[*+?]|\{[0-9,]*\})\+|\(\?>")


def pattern_modules() -> list[Path]:
    """The modules that use `re`."""
    sources = [path for path in project_files() if path.is_relative_to(ROOT / "src") and path.suffix == ".py"]
    return [
        path for path in sources if re.search(r"^\s*(?:import re\b|from re import)", path.read_text(), re.MULTILINE)
    ]


def constants(source: str) -> list[tuple[int, str]]:
    """Every text and every bytes of a module, but documentation, and its line."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    found = [(node.lineno, node.value) for node in nodes if isinstance(node.value, str | bytes)]
    return [(line, value.decode("latin-1") if isinstance(value, bytes) else value) for line, value in found]


def is_possessive(pattern: str) -> bool:
    return POSSESSIVE.search(CLASS.sub("x", pattern)) is not None


@pytest.mark.parametrize("pattern", [r"(?:a|b)*+c", r"(\d[x)])++", "(?:x)?+", "(ab){2,}+", "(?>a|b)c"])
def test_a_possessive_pattern_is_seen(pattern: str):
    assert is_possessive(pattern)


@pytest.mark.parametrize("pattern", [r"[)*+]+", r"\)++", r"(a+|b)*", r"[\])*+]", r"[^\"]*+"])
def test_an_ordinary_pattern_is_not_taken_for_one(pattern: str):
    assert not is_possessive(pattern)


def test_no_pattern_is_possessive():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in pattern_modules()
        for line, value in constants(path.read_text())
        if is_possessive(value)
    ]
    assert len(pattern_modules()) > 10
    assert found == []
