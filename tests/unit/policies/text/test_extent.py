"""The extent of a pattern, held against RE2 itself."""

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.policies.text.extent import has_text_edge, loosen, necessary_chars, prefixes, source, width
from keeptrusts.policies.text.shapes import ENTITIES
from keeptrusts.policies.text.syntax import parse_pattern

atoms = st.sampled_from(["a", "b", "[ab]", r"\d", ".", r"\b", "é", "(?i:a)", "1"])
patterns = st.recursive(
    atoms,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})")
        | st.tuples(inner, st.sampled_from(["?", "{2}", "{1,3}", "{0,2}"])).map(lambda it: f"(?:{it[0]}){it[1]}")
    ),
    max_leaves=6,
)
texts = st.lists(st.sampled_from(["a", "b", "1", "é", " ", "A"]), max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(pattern=patterns, text=texts)
def test_every_beginning_of_a_match_is_a_prefix_and_every_match_is_as_long_as_told(pattern, text):
    tree = parse_pattern(pattern)
    least, most = width(tree)
    beginnings = re2.compile(prefixes(tree))
    gate = necessary_chars(tree)
    for start in range(len(text) + 1):
        found = re2.compile(pattern).match(text, start)
        if found is None:
            continue
        value = found.group()
        assert least <= len(value) <= most
        assert gate is None or set(value) & gate
        assert re2.compile(source(tree)).fullmatch(value)
        assert all(beginnings.fullmatch(value[:end]) for end in range(len(value) + 1))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a", (1, 1)),
        ("a{2,5}", (2, 5)),
        ("a+", (1, None)),
        ("(?:ab|c)*", (0, None)),
        (r"\b", (0, 0)),
        (r"\b*", (0, 0)),
        ("(?:a{3}){2}|b", (1, 6)),
    ],
)
def test_width(pattern, expected):
    assert width(parse_pattern(pattern)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"[a-z]{1,9}@[a-z]{2}", "@"),
        (r"ACC-\d{4}", "0123456789"),
        (r"[3-5]\d", "345"),
        ("a|b", "ab"),
        (r"\pL{3}", None),
        ("(?i)abc", None),
        (r"\d?x", "x"),
    ],
)
def test_necessary_chars(pattern, expected):
    assert necessary_chars(parse_pattern(pattern)) == (None if expected is None else frozenset(expected))


def test_text_edges_are_seen_at_any_depth():
    assert has_text_edge(parse_pattern("a(?:b|(?:c$){1})"))
    assert not has_text_edge(parse_pattern(r"\ba(?:b|c)\b"))


def test_a_beginning_of_a_long_pattern_nests_no_deeper_than_re2_allows():
    assert re2.compile(prefixes(parse_pattern("abcdefghij" * 100))).fullmatch("abcde")


@pytest.mark.parametrize("kind", ENTITIES)
def test_built_in_shapes_are_bounded_and_searched_only_where_they_can_be(kind):
    for shape in ENTITIES[kind]:
        _, most = width(parse_pattern(shape.pattern))
        assert most is not None
        assert most <= 512
        assert necessary_chars(parse_pattern(shape.pattern)) is not None


@settings(max_examples=200, deadline=None)
@given(pattern=patterns, text=texts, times=st.integers(9, 20))
def test_a_loosened_pattern_takes_whatever_the_pattern_takes(pattern, text, times):
    tree = parse_pattern(f"(?:{pattern}){{1,{times}}}")
    found = re2.compile(source(tree)).fullmatch(text)
    assert found is None or re2.compile(source(loosen(tree))).fullmatch(text)
    assert re2.compile(prefixes(tree)).fullmatch(text) is None or re2.compile(prefixes(loosen(tree))).fullmatch(text)
