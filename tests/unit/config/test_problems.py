"""Problems are values that read well."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.problems import InvalidPack, Problem, format_path, format_problem, parse_path


def problem(**fields):
    given = {
        "code": "E002",
        "path": "pack.nam",
        "line": 3,
        "column": 5,
        "message": "this key is not known",
        "excerpt": "",
    }
    return Problem(**(given | fields))


def test_a_problem_reads_as_one_line():
    assert str(problem()) == "3:5: E002 pack.nam: this key is not known"
    assert str(problem(path="")) == "3:5: E002 this key is not known"


def test_a_problem_is_printed_with_its_line_and_the_way_out():
    told = problem(excerpt="nam: x", suggestion="did you mean `name`?")
    assert format_problem(told, "a.yaml") == (
        "a.yaml:3:5: E002 pack.nam: this key is not known\n    | nam: x\n    = did you mean `name`?"
    )
    assert format_problem(problem()) == "3:5: E002 pack.nam: this key is not known"


def test_warnings_are_told_by_their_code():
    assert not problem().is_warning
    assert problem(code="W001").is_warning


def test_a_refused_pack_tells_every_problem():
    refused = InvalidPack([problem(), problem(line=9)])
    assert str(refused).count("\n") == 1
    assert len(refused.problems) == 2


def test_a_problem_crosses_a_wire_unchanged():
    assert msgspec.json.decode(msgspec.json.encode(problem()), type=Problem) == problem()


def test_paths_read_as_people_write_them():
    assert format_path(()) == ""
    assert format_path(("policy", "pii-detector", "detect_patterns", 2)) == "policy.pii-detector.detect_patterns[2]"
    assert format_path(("headers", "a b")) == 'headers["a b"]'
    assert parse_path("detect_patterns[2].name") == ("detect_patterns", 2, "name")
    assert parse_path("") == ()


steps = st.lists(st.integers(0, 999) | st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), max_size=5)


@given(steps)
def test_a_path_is_read_back(path):
    assert parse_path(format_path(tuple(path))) == tuple(path)
