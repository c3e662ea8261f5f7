"""`kt` itself: what it offers, and how it ends when it is asked for something else."""

import pytest
from typer.testing import CliRunner

from keeptrusts.cli.main import app, main


def run(*arguments):
    return CliRunner().invoke(app, arguments, prog_name="kt")


def test_every_group_is_offered():
    shown = run("--help").stdout
    assert all(f"\n  {name} " in shown for name in ("up", "gateway", "policy", "events", "init", "doctor"))


def test_without_a_command_the_help_is_shown():
    assert "Usage: kt" in run().output


@pytest.mark.parametrize("arguments", [["gatewya"], ["gateway", "rnu"], ["gateway", "run", "--polcy-config", "x"]])
def test_what_is_not_offered_is_bad_input_and_says_where_help_is(arguments):
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert "--help" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_entry_point_runs_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["kt", "policy", "kinds"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "pii-detector" in capsys.readouterr().out
