"""No module grows past the size at which it has more than one reason to change."""

from complete.project import ROOT, name_of, project_files

LONGEST = 500


def test_no_module_is_longer_than_the_gate():
    modules = [path for path in project_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "src")]
    long = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}
