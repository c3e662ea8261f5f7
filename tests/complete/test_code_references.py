"""Every `file::name` that a page names is in the code, so that the pages stay true."""

import ast
import re
from pathlib import Path

import pytest

from complete.project import ROOT, markdown_files, name_of

REFERENCE = re.compile(r"`((?:src|tests|benchmarks)/[\w./-]+?\.py)(?:::([\w.]+))?`")
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def references(page: Path) -> set[tuple[str, str]]:
    return {(file, name or "") for file, name in REFERENCE.findall(page.read_text(encoding="utf-8"))}


ALL = sorted({(name_of(page), *reference) for page in markdown_files() for reference in references(page)})


def names_in(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """The names that a module or a class defines, each with what it defines in turn."""
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, DEFINITIONS):
            found[node.name] = node.body
        elif isinstance(node, ast.Assign):
            found.update({target.id: [] for target in node.targets if isinstance(target, ast.Name)})
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = []
    return found


def is_defined(file: Path, dotted: str) -> bool:
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    for name in dotted.split("."):
        names = names_in(body)
        if name not in names:
            return False
        body = names[name]
    return True


@pytest.mark.parametrize(("page", "file", "name"), ALL)
def test_what_a_page_names_is_in_the_code(page, file, name):
    assert (ROOT / file).is_file(), f"{page} names {file}, which does not exist"
    if name:
        assert is_defined(ROOT / file, name), f"{page} names {file}::{name}, which the file does not define"


def test_methods_functions_and_constants_are_found_and_others_are_not(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text("LIMIT: int = 1\nclass Box:\n    async def open(self): ...\ndef close(): ...\n")
    assert [is_defined(file, name) for name in ("LIMIT", "Box", "Box.open", "close")] == [True] * 4
    assert [is_defined(file, name) for name in ("open", "Box.close", "Lid", "close.x")] == [False] * 4


def test_the_architecture_names_the_steps_of_its_paths():
    named = {(file, name) for page, file, name in ALL if page == "ARCHITECTURE.md" and name}
    assert len(named) >= 20
