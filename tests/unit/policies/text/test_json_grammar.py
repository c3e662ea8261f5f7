import json

from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.policies.text.json_grammar import MAX_DEPTH, Expect, Grammar


def accepts(tokens):
    """Whether a row of tokens (`k` a string, `1` a number) is a document, by our grammar."""
    grammar = Grammar()
    for token in tokens:
        if token in {"k", "1"}:
            if token == "k" and grammar.expect in {Expect.KEY, Expect.KEY_OR_END}:
                grammar.take_key()
            elif grammar.expect in {Expect.VALUE, Expect.VALUE_OR_END}:
                grammar.take_value()
            else:
                return False
        elif not grammar.take(ord(token)):
            return False
    return grammar.expect is Expect.NOTHING


def is_json(tokens):
    try:
        json.loads(" ".join('"k"' if token == "k" else token for token in tokens))
    except ValueError:
        return False
    return True


@given(st.lists(st.sampled_from([*"{}[]:,k1", "k", "1"]), max_size=9))
def test_what_is_a_document_is_what_json_says(tokens):
    assert accepts(tokens) == is_json(tokens)


def test_depth_has_an_end():
    grammar = Grammar()
    assert all(grammar.take(0x5B) for _ in range(MAX_DEPTH))
    assert not grammar.take(0x5B)
