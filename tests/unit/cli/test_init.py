"""`kt init` writes what works, and overwrites nothing."""

import pytest
import typer
from typer.testing import CliRunner

from keeptrusts.cli.init import init
from keeptrusts.cli.pack_tests import list_cases, make_chain, run_case
from keeptrusts.policies.catalog import judge_pack

app = typer.Typer()
app.command()(init)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_what_is_written_is_valid_and_its_cases_pass(tmp_path):
    ran = run(tmp_path / "new" / "team-blue")
    assert ran.exit_code == 0
    folder = tmp_path / "new" / "team-blue"
    judged = judge_pack((folder / "policy-config.yaml").read_bytes())
    assert judged.problems == judged.warnings == ()
    assert judged.accepted().pack.name == "team-blue"
    chain = make_chain(judged.accepted())
    assert all(case.expected.is_met_by(run_case(case, chain)) for case in list_cases(folder / "tests"))


@pytest.mark.parametrize("existing", ["policy-config.yaml", "tests/pii.json"])
def test_nothing_that_exists_is_touched(tmp_path, existing):
    file = tmp_path / existing
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    ran = run(tmp_path)
    assert (ran.exit_code, "nothing was written" in ran.stderr) == (1, True)
    assert file.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_a_dangling_link_is_not_written_through(tmp_path):
    (tmp_path / "policy-config.yaml").symlink_to(tmp_path / "elsewhere")
    assert run(tmp_path).exit_code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_the_name_is_the_directorys_unless_it_cannot_be(tmp_path):
    assert run(tmp_path / "My Team!").exit_code == 0
    assert "name: my-gateway\n" in (tmp_path / "My Team!" / "policy-config.yaml").read_text()
    assert run(tmp_path / "x", "--name", "team-red").exit_code == 0
    assert "name: team-red\n" in (tmp_path / "x" / "policy-config.yaml").read_text()
    assert run(tmp_path / "y", "--name", "a: b\n").exit_code == 2
    assert not (tmp_path / "y").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    ran = run(tmp_path / "file" / "below")
    assert (ran.exit_code, "cannot write" in ran.stderr) == (1, True)
