import time
from contextlib import suppress

import pytest

from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.text.own_patterns import check_globs, check_patterns, compile_globs, own_shape, pattern_problem
from keeptrusts.policies.text.problems import InvalidSettingsError


@pytest.mark.parametrize(
    ("pattern", "message", "suggestion"),
    [
        ("[", "not a pattern of RE2", "look-around"),
        ("(?=a)a", "not a pattern of RE2", "look-around"),
        ("a+", "no upper bound", "{1,64}"),
        ("a{2,}", "no upper bound", "{1,64}"),
        ("(?:ab*){2}", "no upper bound", "{1,64}"),
        ("a{600}", "can match 600 characters", "{1,64}"),
        ("(?:a{60}){10}", "can match 600 characters", "{1,64}"),
        ("a?", "empty text", "at least one"),
        (r"\b", "empty text", "at least one"),
        ("a|", "empty text", "at least one"),
        ("x" * 1025, "1024 bytes", "split"),
        (r"a\Cb", "cannot be used on streams", "without"),
        (r"(?:\pL{300}){1,3}", "RE2", "look-around"),
        ("(?:" * 21 + "a" + ")" * 21, "nested deeper than 20", "without"),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern, message, suggestion):
    problem = pattern_problem(pattern)
    assert problem is not None
    assert message in problem[0]
    assert suggestion in problem[1]


@pytest.mark.parametrize("pattern", ["ACC-[0-9]{8}", r"(?i)\bproject [a-z]{2,20}\b", "^id$", r"\QA+B\E", "x" * 512])
def test_what_is_right(pattern):
    assert pattern_problem(pattern) is None


def test_every_problem_is_told_with_its_place():
    problems = check_patterns("detect_patterns", ["a+", "ok", "["])
    assert [problem.path for problem in problems] == ["detect_patterns[0]", "detect_patterns[2]"]


def test_there_is_an_end_to_patterns_and_to_their_size():
    assert "at most 100" in check_patterns("p", ["a"] * 101)[0].message
    assert "too large together" in check_patterns("p", [f"a.{{400}}{index}" for index in range(4)])[0].message
    assert check_patterns("p", [f"X{index}-[0-9]{{8}}" for index in range(100)]) == []


def test_all_patterns_together_have_an_end():
    [problem] = check_patterns("p", [str(index) * 1000 for index in range(10)] + ["é" * 512] * 7)
    assert (problem.path, problem.message) == ("p", "the patterns have 17168 bytes together; at most 16384 are allowed")
    assert "[0-9]{8}" in problem.suggestion


@pytest.mark.parametrize(
    "patterns",
    [
        ["a?" * 150 + f"X{index}" for index in range(30)],
        ["(?i)" + "k|s|" * 250 + f"X{index}" for index in range(16)],
        ["(?:a?b?c?" * 20 + "q" + ")?z?" * 20 + f"X{index}" for index in range(20)],
        ["|".join([f"{index:03}" + "y" * 497] * 2) for index in range(100)],
    ],
    ids=["optional", "alternatives", "nested", "refused"],
)
@pytest.mark.usefixtures("untraced")
def test_whatever_patterns_a_pack_has_they_are_judged_within_a_second_of_cpu_time(patterns):
    began = time.process_time()
    with suppress(InvalidSettingsError):
        PiiDetector.compile(PiiDetectorSpec(detect_patterns=tuple(patterns)))
    assert time.process_time() - began < 1


def test_globs():
    is_allowed = compile_globs(("*@example.com", "4242?*", "A.B"))
    assert is_allowed is not None
    assert [is_allowed(value) for value in ("anna@Example.com", "4242 4242", "a.b", "axb", "x@example.org")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert compile_globs(()) is None


def test_what_is_wrong_with_globs():
    assert [problem.path for problem in check_globs("v", ["a*", "**", "x" * 257, ""])] == ["v[1]", "v[2]", "v[3]"]
    assert len(list(check_globs("v", ["a"] * 1001))) == 1


def test_own_shapes_are_a_family_of_their_own():
    assert own_shape("custom", "a").family == "own"
