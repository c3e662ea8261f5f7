"""Names meant by patterns."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.policies.globs import Globs

PATTERNS = st.lists(st.text("ab.*-", min_size=1, max_size=6), max_size=6)


@given(PATTERNS, st.text("ab.-", max_size=8))
def test_a_name_is_meant_where_one_of_the_patterns_matches_it_whole(patterns, name):
    assert (name in Globs(patterns)) is any(fnmatchcase(name, pattern) for pattern in patterns)


@pytest.mark.parametrize("name", ["gpt-4o", "GPT-4O", "Gpt-4o-mini"])
def test_case_can_be_left_out_of_account(name):
    assert name in Globs(["GPT-4o*"], ignore_case=True)
    assert "gpt-4o" not in Globs(["GPT-4o*"])


def test_no_pattern_means_no_name():
    assert "" not in Globs([])


def test_a_pattern_of_many_stars_is_quickly_done():
    assert "a" * 127 not in Globs(["*a" * 60 + "b"])
