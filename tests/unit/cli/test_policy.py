"""`kt policy`: what it prints, and how it ends."""

import json

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from keeptrusts.cli.init import CASES, PACK
from keeptrusts.cli.policy import app
from keeptrusts.policies.catalog import CATALOG

SOUND = PACK.format(name="team-a")
CALL = '{"messages": [{"role": "user", "content": "4111 1111 1111 1111"}]}'
CASE = '{"name": "a card", "input": ' + CALL + ', "expected": {"verdict": "%s"}}'


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def pack(tmp_path):
    file = tmp_path / "policy-config.yaml"
    file.write_text(SOUND)
    return file


def broken(tmp_path, name="broken.yaml"):
    file = tmp_path / name
    file.write_text(SOUND.replace("pii-detector\n", "pii-detectr\n", 1).replace("version:", "versoin:"))
    return file


def test_a_sound_pack_is_told_so(pack):
    ran = run("lint", pack)
    assert (ran.exit_code, ran.stdout) == (0, f"{pack}: team-a 0.1.0 is valid\n")


def test_every_problem_is_printed_with_file_place_line_and_way_out(pack, tmp_path):
    bad = broken(tmp_path)
    ran = run("lint", pack, bad)
    assert ran.exit_code == 2
    assert f"{pack}: team-a 0.1.0 is valid\n" in ran.stdout
    assert (
        f"{bad}:10:7: E001 policies.chain[0]: there is no policy of the kind `pii-detectr`\n"
        "    | - pii-detectr\n"
        "    = did you mean `pii-detector`?\n"
    ) in ran.stdout
    assert f"{bad}:5:3: E002 pack.versoin" in ran.stdout
    assert ran.stdout.endswith(f"{bad}: refused, problems: 3, warnings: 1\n")


def test_warnings_do_not_refuse(tmp_path):
    file = tmp_path / "warned.yaml"
    file.write_text(SOUND.replace("    - pii-detector\n", ""))
    ran = run("lint", file)
    assert ran.exit_code == 0
    assert "W001 policy.pii-detector" in ran.stdout
    assert ran.stdout.endswith("is valid, warnings: 1\n")


def test_programs_get_the_problems_as_json(pack, tmp_path):
    ran = run("lint", "--json", pack, broken(tmp_path))
    good, bad = json.loads(ran.stdout)["files"]
    assert (good["valid"], good["problems"], bad["valid"], ran.exit_code) == (True, [], False, 2)
    assert bad["problems"][0].keys() == {"code", "path", "line", "column", "message", "excerpt", "suggestion"}


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path):
    ran = run("lint", tmp_path / "nope.yaml")
    assert (ran.exit_code, ran.stderr) == (2, f"kt: cannot read {tmp_path}/nope.yaml: No such file or directory\n")


def test_nothing_in_a_pack_or_its_name_reaches_the_terminal_raw(tmp_path):
    file = tmp_path / "a\x1b[31m.yaml"
    file.write_text('pack: {name: "[link=x]\\e]8;;evil\\a", version: 1}\n')
    ran = run("lint", file)
    assert "\x1b" not in ran.stdout
    assert "\x07" not in ran.stdout
    assert "a\\x1b[31m.yaml:1:14: E004" in ran.stdout
    assert "[link=x]" in ran.stdout


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path):
    file = tmp_path / "huge.yaml"
    file.write_bytes(b"a" * 3_000_000)
    assert "262,145 bytes" in run("lint", file).stdout


def test_the_printed_schema_judges_packs(pack):
    schema = json.loads(run("schema").stdout)
    assert jsonschema_rs.meta.is_valid(schema)
    assert jsonschema_rs.is_valid(
        schema,
        {
            "pack": {"name": "a", "version": "1"},
            "providers": {"targets": [{"id": "a", "provider": "openai", "model": "m"}]},
        },
    )
    assert not jsonschema_rs.is_valid(schema, {"pack": {"name": "A", "version": "1"}, "providers": {"targets": []}})


def test_kinds_lists_every_policy_and_says_which_wait():
    lines = run("kinds").stdout.splitlines()
    waits = [line.endswith("(not supported yet)") for line in lines]
    assert [line.split()[0] for line in lines] == list(CATALOG)
    assert waits == [kind.compile is None for kind in CATALOG.values()]


def test_explain_knows_kinds_and_codes_and_suggests_names():
    assert "policy.audit-logger" in run("explain", "audit-logger").stdout
    assert run("explain", "e004").stdout.startswith("E004: wrong type or value")
    ran = run("explain", "pii-detectr")
    assert (ran.exit_code, "did you mean `pii-detector`?" in ran.stderr) == (2, True)


def test_cases_beside_a_pack_pass(pack, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "pii.json").write_text(CASES)
    ran = run("test", pack)
    assert ran.exit_code == 0
    assert ran.stdout.endswith("3 passed, 0 failed\n")


def test_a_case_that_turns_out_otherwise_is_told_with_both_verdicts(pack, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "one.json").write_text(CASE % "allow")
    ran = run("test", pack)
    assert ran.exit_code == 1
    assert "FAIL  a card\n      expected: allow\n      got:      block (pii_detected)\n" in ran.stdout
    assert ran.stdout.endswith("0 passed, 1 failed\n")


def test_the_default_pack_is_the_one_in_this_directory(pack, tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "one.json").write_text(CASE % "block")
    monkeypatch.chdir(tmp_path)
    assert run("test").stdout == "ok    a card\n1 passed, 0 failed\n"


def test_no_cases_bad_cases_and_a_bad_pack_are_bad_input(pack, tmp_path):
    assert "no cases" in run("test", pack).stderr
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "one.json").write_text("{}")
    ran = run("test", pack)
    assert (ran.exit_code, "one.json" in ran.stderr) == (2, True)
    ran = run("test", broken(tmp_path))
    assert (ran.exit_code, "E001" in ran.stdout) == (2, True)


def test_explain_knows_the_errors_of_calls():
    told = run("explain", "budget_exceeded").stdout
    assert told.startswith("budget_exceeded: an error of calls, status 429")
    assert "fails again" in told
    assert "can succeed later" in run("explain", "breaker_open").stdout
    assert "budget_exceeded" in run("explain", "budget_exceded").stderr
    assert "unpriced" in run("explain", "E005").stdout
