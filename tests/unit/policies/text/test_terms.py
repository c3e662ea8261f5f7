"""Terms of the house: whole words in scripts that have them, any case, any script."""

import unicodedata

import pytest

from keeptrusts.contract.call import Form
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
from keeptrusts.policies.text.detector import compile_detector
from keeptrusts.policies.text.terms import MAX_ALL_BYTES, check_terms, term_shapes
from keeptrusts.policies.verdict import Rewrite


def redacted(text, *terms):
    verdict = DlpFilter.compile(DlpFilterSpec(blocked_terms=terms)).judge(text, Form.PROSE)
    return verdict.text if isinstance(verdict, Rewrite) else text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Falcon, FALCON; falcon", "[TERM], [TERM]; [TERM]"),
        ("falconry unfalcon falcon2 xfalcon", "falconry unfalcon falcon2 xfalcon"),
        ("project_falcon-x", "project_[TERM]-x"),
        ("falcone\u0301 falcon\u0301", "falcone\u0301 falcon\u0301"),
        ("éfalcon", "éfalcon"),
    ],
)
def test_whole_words_in_any_case(text, expected):
    assert redacted(text, "falcon") == expected


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("機密", "これは機密です", "これは[TERM]です"),
        ("기밀", "기밀은 기밀이다", "[TERM]은 [TERM]이다"),
        ("ลับ", "เอกสารลับมาก", "เอกสาร[TERM]มาก"),
        ("сокол", "Сокол и соколы", "[TERM] и соколы"),
        ("gizli bölüm", "GİZLİ bölüm değil, Gizli Bölüm", "GİZLİ bölüm değil, [TERM]"),
        ("C++", "in C++ or C+++, not MC++", "in [TERM] or [TERM]+, not MC++"),
        ("#secret", "a #secret, b#secret", "a [TERM], b[TERM]"),
    ],
)
def test_scripts_and_signs(term, text, expected):
    assert redacted(text, term) == expected


def test_both_forms_of_accents_and_any_blanks_between_words():
    for form in ("NFC", "NFD"):
        for term in ("NFC", "NFD"):
            text = unicodedata.normalize(form, "das  große\u00a0Café, bitte")
            assert redacted(text, unicodedata.normalize(term, "Große Café")) == "das  [TERM], bitte"


def test_of_terms_that_begin_alike_the_longest_that_is_a_word_counts():
    terms = ("falcon", "falcon nine", "falcon nine heavy", "fal")
    assert [len(shape.pattern.split("|")) for shape in term_shapes(terms)] == [1, 1, 1, 1]
    assert redacted("falcon nine heavy", *terms) == "[TERM]"
    assert redacted("falcon nine heavyweight fal", *terms) == "[TERM] heavyweight [TERM]"
    assert len(term_shapes(("falcon", "FALCON", "eagle"))) == 1


@pytest.mark.parametrize("separator", ["", " "])
def test_the_beginnings_of_as_many_terms_as_are_allowed_fit_the_automata(separator):
    terms = [f"wörk{separator}{index:03}{separator}secret" for index in range(1000)]
    assert not list(check_terms("blocked_terms", terms))
    sizes = [tail.search.__self__.ReverseProgramSize() for tail in compile_detector(term_shapes(terms)).tails]
    assert max(sizes) < 25_000  # beyond some 35,000 instructions RE2 falls back to a search a thousand times as slow


def test_terms_are_found_in_whichever_part_they_stand():
    terms = [f"secret {index:03}" for index in range(1000)]
    assert len(term_shapes(terms)) > 1
    for term in terms[::37]:
        assert redacted(f"of {term.upper()}.", *terms) == "of [TERM]."


def test_what_is_wrong_with_terms_is_told():
    problems = list(check_terms("blocked_terms", ["ok", "--", "x" * MAX_ALL_BYTES]))
    assert [problem.path for problem in problems] == ["blocked_terms[1]", "blocked_terms"]
