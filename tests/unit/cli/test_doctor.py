"""`kt doctor`: what it prints, and how it ends."""

import json

import pytest
import typer
from typer.testing import CliRunner

from keeptrusts.cli.doctor import doctor
from keeptrusts.cli.init import PACK

app = typer.Typer()
app.command()(doctor)
TOKEN = "a-token-that-nobody-sees"
KEY = "sk-canary-that-nobody-sees"


@pytest.fixture
def run(tmp_path):
    pack = tmp_path / "policy-config.yaml"
    pack.write_text(PACK.format(name="team-a"))

    def run(*arguments, **environment):
        given = [
            "--policy-config",
            str(pack),
            "--state-dir",
            str(tmp_path / "state"),
            "--listen",
            "127.0.0.1:0",
            "--offline",
        ]
        return CliRunner(env={"OPENAI_API_KEY": KEY, "KEEPTRUSTS_GATEWAY_TOKEN": TOKEN} | environment).invoke(
            app, [*given, *map(str, arguments)], catch_exceptions=False
        )

    return run


def test_a_machine_where_all_is_well_is_told_so(run):
    ran = run()
    assert ran.exit_code == 0
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["ok"] * 7


def test_what_must_be_repaired_is_told_with_what_to_do(run):
    ran = run(OPENAI_API_KEY="")
    assert ran.exit_code == 1
    assert "bad     secret: openai: OPENAI_API_KEY is missing" in ran.stdout
    assert "        = set OPENAI_API_KEY, or OPENAI_API_KEY_FILE to a file's path\n" in ran.stdout


def test_no_secret_is_ever_shown(run):
    for arguments in ([], ["--json"]):
        ran = run(*arguments)
        assert TOKEN not in ran.stdout
        assert KEY not in ran.stdout


def test_programs_get_the_findings_as_json(run):
    findings = json.loads(run("--json").stdout)["findings"]
    assert [finding["check"] for finding in findings] == ["python", "state", "port", "token", "pack", "secret", "clock"]
    assert {finding["level"] for finding in findings} == {"ok"}


def test_a_senseless_address_is_bad_input(run):
    ran = run("--listen", "nowhere")
    assert (ran.exit_code, "HOST:PORT" in ran.stderr) == (2, True)
