"""The Makefile is the only list of commands, and it explains itself."""

import re
import subprocess

from complete.project import ROOT, markdown_files, name_of

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):(?!=)", MAKEFILE, re.MULTILINE))


def recipe(target: str) -> str:
    """What make would run for a target, without running it."""
    command = ["make", "--no-print-directory", "-n", "-o", ".venv/.ready", target]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_every_target_has_a_line_of_help():
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {line.split()[1] for line in shown.splitlines() if line.startswith("  make ")} == TARGETS


def test_every_target_is_phony():
    phony = set(" ".join(re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)).split())
    assert phony == TARGETS


def test_check_runs_all_that_lint_and_types_run():
    check = recipe("check")
    for target in ("lint", "types"):
        assert set(recipe(target).splitlines()) <= set(check.splitlines()), target


def test_check_runs_the_tests_once_all_of_them_and_test_the_quick_ones():
    [every] = [line for line in recipe("check").splitlines() if "pytest" in line]
    assert recipe("test").strip() == every.replace(" --cov", ' -m "not slow"')
    assert every.endswith("-m pytest -n auto --cov")


def test_pages_name_only_targets_that_exist():
    for page in markdown_files():
        named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= TARGETS, name_of(page)
