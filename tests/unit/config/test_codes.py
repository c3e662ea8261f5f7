"""Every code has a meaning."""

import re

from keeptrusts.config.codes import MEANINGS, Code


def test_every_code_has_a_meaning():
    assert set(MEANINGS) == set(Code)
    assert all(meaning.title and meaning.explanation and meaning.remedy for meaning in MEANINGS.values())


def test_codes_are_errors_or_warnings():
    assert all(re.fullmatch(r"[EW]0\d\d", code) for code in Code)
