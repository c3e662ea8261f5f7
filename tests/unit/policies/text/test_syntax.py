import pytest

from keeptrusts.policies.text.syntax import Atom, Choice, Edge, Repeat, Run, UnsupportedSyntaxError, parse_pattern


def test_the_tree_of_a_pattern():
    tree = parse_pattern(r"a(?:b|\d{2,3})?$")
    assert isinstance(tree, Run)
    first, optional, end = tree.items
    assert first == Atom("a", frozenset("a"))
    assert isinstance(optional, Repeat)
    assert (optional.least, optional.most) == (0, 1)
    assert isinstance(optional.item, Choice)
    assert end == Edge("$")


@pytest.mark.parametrize(
    ("pattern", "atoms"),
    [
        (r"[]a]", ["[]a]"]),
        (r"[^]\]]", [r"[^]\]]"]),
        (r"[[:alpha:]-]", ["[[:alpha:]-]"]),
        (r"\pL\p{Greek}", [r"\pL", r"\p{Greek}"]),
        (r"\x41\x{1F600}", [r"\x41", r"\x{1F600}"]),
        (r"\Qa.b\E", ["a", r"\.", "b"]),
        (r"(?i)a(?-i)b", ["(?i:a)", "b"]),
        (r"(?i:a)b", ["(?i:a)", "b"]),
        (r"(?s).", ["(?s:.)"]),
        (r"\01", [r"(?:\01)"]),
        ("a{x", ["a", r"\{", "x"]),
    ],
)
def test_atoms(pattern, atoms):
    def texts(node):
        match node:
            case Atom(text):
                return [text]
            case Run(items):
                return [text for item in items for text in texts(item)]
        return []

    assert texts(parse_pattern(pattern)) == atoms


@pytest.mark.parametrize("pattern", [r"\C", "(" * 60 + "a" + ")" * 60])
def test_what_cannot_be_told_is_said(pattern):
    with pytest.raises(UnsupportedSyntaxError):
        parse_pattern(pattern)
