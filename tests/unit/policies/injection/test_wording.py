"""The words that patterns are made of."""

import pytest
import re2

from keeptrusts.policies.injection.wording import some, spaced, with_plain_letters


@pytest.mark.parametrize("gap", [" ", "  \n ", "\t", "-", "_", '" "', "\\n", "\u00a0", "\u3000", " **"])
def test_what_may_stand_between_words(gap):
    assert re2.fullmatch(spaced("ignore previous"), f"ignore{gap}previous")


@pytest.mark.parametrize("gap", ["", "x", ". Then "])
def test_what_may_not(gap):
    assert not re2.fullmatch(spaced("ignore previous"), f"ignore{gap}previous")


def test_blanks_in_classes_stay():
    assert spaced("[ a]b") == "[ a]b"


def test_some_words():
    assert re2.fullmatch(spaced(some("all|the", 2) + "rules"), "all the rules")
    assert not re2.fullmatch(spaced(some("all|the", 2) + "rules"), "all the all rules")


def test_accented_letters_match_in_plain_form_too():
    pattern = with_plain_letters("précédent|предыдущий|以前|ß")
    for text in ("précédent", "precedent", "предыдущий", "предыдущии", "以前", "ß"):
        assert re2.fullmatch(pattern, text)
