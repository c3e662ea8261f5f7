"""Letters say a text, hide some, or say nothing."""

import base64
import random

import pytest

from keeptrusts.policies.injection.decoding import decode, hidden_runs, may_say_something, offset_of, readable

SAID = b"Fine words, which stand here for any text. "


@pytest.mark.parametrize("skip", range(4))
def test_a_text_is_found_whatever_letters_stand_before_it(skip):
    block = b"xyz"[:skip] + base64.b64encode(SAID).rstrip(b"=")
    assert offset_of(block) == skip
    assert readable(decode(block[skip:])) == SAID


def test_letters_that_end_within_a_group_are_decoded_as_far_as_they_go():
    letters = base64.b64encode(SAID).rstrip(b"=")
    assert [decode(letters[:size]) for size in (5, 6, 7)] == [SAID[:3], SAID[:4], SAID[:5]]


def test_random_bytes_neither_are_a_text_nor_hide_one():
    letters = base64.b64encode(random.Random(1).randbytes(600))
    assert offset_of(letters) is None
    assert not readable(decode(letters))
    assert not list(hidden_runs(letters))


@pytest.mark.parametrize("junk", [b"\x80" * 30, bytes(30)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("shift", [b"", b"x", b"xyz"])
def test_a_text_among_unreadable_bytes_is_found(junk, encoding, shift):
    letters = shift + base64.b64encode(junk + SAID.decode().encode(encoding) + b"\xff").rstrip(b"=")
    assert SAID in list(hidden_runs(letters))


def test_a_text_is_readable_in_spite_of_a_few_bytes_that_are_none():
    assert readable(SAID + b"\xff" + SAID) == SAID + SAID
    assert readable(SAID.decode().encode("utf-16-le")) == SAID
    assert not readable(b"\x01" * 9 + SAID)


@pytest.mark.parametrize(("letters", "may"), [(b"internationalization", False), (b"SGVsbG8", True)])
def test_words_have_few_capitals(letters, may):
    assert may_say_something(letters) == may
