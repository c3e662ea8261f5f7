"""A case is a file, its name the sentence: a pack, a line of ten dashes, and what judging it gives.

That is either every problem and warning, as `kt policy lint` prints them, or JSON that the accepted pack must contain.
"""

import json
from pathlib import Path

import msgspec
import pytest

from keeptrusts.config.codes import Code
from keeptrusts.config.problems import format_problem
from keeptrusts.policies.catalog import judge_pack

CASES = sorted(Path(__file__).parent.glob("*.case"))


def split(case):
    source, expected = case.read_text(encoding="utf-8").split("\n" + "-" * 10 + "\n")
    return source + "\n", expected.strip()


def contains(actual, expected):
    """Whether everything expected is there; mappings may hold more, lists may not."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(contains(actual.get(key), value) for key, value in expected.items())
    if isinstance(expected, list):
        same_length = isinstance(actual, list) and len(actual) == len(expected)
        return same_length and all(map(contains, actual, expected))
    return actual == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_judges(case):
    source, expected = split(case)
    judged = judge_pack(source)
    if expected.startswith("{"):
        assert judged.problems == judged.warnings == ()
        assert contains(json.loads(msgspec.json.encode(judged.accepted())), json.loads(expected))
    else:
        told = [format_problem(problem) for problem in (*judged.problems, *judged.warnings)]
        assert "\n".join(told) == expected


def test_every_code_has_a_case_but_the_one_that_ends_a_long_list():
    shown = "\n".join(split(case)[1] for case in CASES)
    assert [code for code in Code if f": {code} " not in shown] == [Code.MORE_PROBLEMS]
