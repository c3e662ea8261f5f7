"""`tests/unit` mirrors `src/keeptrusts` in both directions; exceptions stand in pyproject.toml, with their reasons."""

from complete.project import ROOT, project_files, pyproject

SOURCE = ROOT / "src" / "keeptrusts"
UNIT = ROOT / "tests" / "unit"


def modules() -> set[str]:
    files = [path for path in project_files() if path.is_relative_to(SOURCE) and path.suffix == ".py"]
    return {path.relative_to(SOURCE).as_posix() for path in files if path.name != "__init__.py"}


def tested() -> set[str]:
    """The modules that tests/unit has a file for, by the file's name."""
    files = [path for path in project_files() if path.is_relative_to(UNIT) and path.name.startswith("test_")]
    return {path.relative_to(UNIT).with_name(path.name.removeprefix("test_")).as_posix() for path in files}


def exempt() -> dict[str, str]:
    table: dict[str, str] = pyproject()["tool"]["keeptrusts"]["mirror"]["exempt"]
    return table


def test_every_module_has_a_test_file_of_its_own():
    assert sorted(modules() - tested() - set(exempt())) == []


def test_every_unit_test_file_belongs_to_a_module():
    assert sorted(tested() - modules()) == []


def test_every_exception_is_a_module_without_a_test_file_and_says_why():
    assert sorted(set(exempt()) - modules()) == []
    assert sorted(set(exempt()) & tested()) == []
    assert all(len(reason.split()) >= 3 for reason in exempt().values())
