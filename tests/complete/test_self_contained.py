"""The project needs nothing beside it: no index's address, no path of somebody's machine, every package pinned."""

import re

import pytest

from complete.project import ROOT, name_of, pyproject, text_files

CONFIGURATION = ["pyproject.toml", "Makefile", ".ci/run", "requirements.lock", "requirements-dev.lock"]
OUTSIDE = re.compile(r"/(?:home|root|Users|work)/|\.\./shared\b|\.\./\.\./\.\./\.\./")


def pinned(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("name", CONFIGURATION)
def test_no_configuration_names_an_address(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"\b\w+://\S*|--(?:extra-)?index-url|--find-links (?!\\)", text) == []


def test_no_file_names_a_path_outside_the_project():
    assert [name_of(path) for path, text in text_files() if OUTSIDE.search(text)] == []


def test_the_locks_pin_every_package_that_the_project_names():
    runtime = named(pyproject()["project"]["dependencies"])
    development = named(pyproject()["dependency-groups"]["dev"]) | named(pyproject()["build-system"]["requires"])
    assert runtime - pinned("requirements.lock") == set()
    assert (runtime | development) - pinned("requirements-dev.lock") == set()


def test_both_locks_pin_the_same_versions():
    pins = [
        set(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / lock).read_text(), re.MULTILINE)) for lock in CONFIGURATION[3:]
    ]
    assert pins[0] - pins[1] == set()


@pytest.mark.parametrize("lock", CONFIGURATION[3:])
def test_every_pin_has_a_hash(lock):
    pins = re.split(r"^(?=[a-z0-9._-]+==)", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
