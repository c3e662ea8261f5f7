"""Findings are collected once per place, in the order of the text, up to a bound."""

from keeptrusts.config.codes import Code
from keeptrusts.config.report import MOST_PROBLEMS, Report
from keeptrusts.config.source import read_source


def report_on(text):
    return Report(read_source(text.encode()))


def test_a_finding_has_place_excerpt_and_path():
    report = report_on("a:\n  b: 1\n")
    report.add(Code.UNKNOWN_KEY, ("a", "b"), "why", "what", at_key=True)
    (problem,) = report.problems()
    assert (problem.line, problem.column, problem.path, problem.excerpt) == (2, 3, "a.b", "b: 1")


def test_the_first_finding_of_a_code_at_a_place_stays():
    report = report_on("a: 1")
    report.add(Code.WRONG_VALUE, ("a",), "first")
    report.add(Code.WRONG_VALUE, ("a",), "second")
    report.add(Code.BAD_REFERENCE, ("a",), "third")
    assert [problem.message for problem in report.problems()] == ["first", "third"]


def test_findings_come_in_the_order_of_the_text_and_warnings_apart():
    report = report_on("a: 1\nb: 2\n")
    report.add(Code.WRONG_VALUE, ("b",), "later")
    report.add(Code.NO_POLICY, ("a",), "only a warning")
    report.add(Code.WRONG_VALUE, ("a",), "earlier")
    assert [problem.message for problem in report.problems()] == ["earlier", "later"]
    assert [problem.message for problem in report.warnings()] == ["only a warning"]
    assert report.below(("a",)) == [()]
    assert not report.below(("c",))


def test_complaints_of_the_reader_are_findings():
    assert [problem.code for problem in report_on("a: 1\na: 2\n").problems()] == ["E006"]


def test_the_list_ends_and_says_so():
    report = report_on("a: 1")
    for index in range(MOST_PROBLEMS + 50):
        report.add(Code.UNKNOWN_KEY, (f"k{index}",), "why")
    assert report.is_full
    assert len(report.problems()) == MOST_PROBLEMS
    assert [problem.code for problem in report.warnings()] == ["W006"]


def test_nothing_that_was_typed_reaches_a_terminal_raw():
    report = report_on('"a\\u001b[1m": 1\n')
    report.add(Code.UNKNOWN_KEY, ("a\x1b[1m",), "why \x1b[2m", "sk-abcdefghijkl\x07")
    (problem,) = report.problems()
    assert "\x1b" not in repr(problem).replace("\\x1b", "")
    assert problem.path == '["a\\x1b[1m"]'
    assert problem.suggestion == "***\\x07"
