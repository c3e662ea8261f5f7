"""Terms of the house: whole words in scripts that have them, any case, any script."""

import unicodedata

import pytest

from keeptrusts.contract.call import Form
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
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


def test_what_is_wrong_with_terms_is_told():
    problems = list(check_terms("blocked_terms", ["ok", "--", "x" * MAX_ALL_BYTES]))
    assert [problem.path for problem in problems] == ["blocked_terms[1]", "blocked_terms"]
