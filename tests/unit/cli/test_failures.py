"""What keeps a gateway from running is told in plain lines, with what to do."""

import errno
from pathlib import Path

import pytest
import typer

from keeptrusts.cli.failures import explain_os_error, explain_stop, fail, fail_over_pack, told_plainly
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway.http.server import CannotListen
from keeptrusts.gateway.settings import InvalidSettings
from keeptrusts.policies.catalog import load_pack
from keeptrusts.runtime.state_dir import StateDirError

NO_ROOM = OSError(errno.ENOSPC, "No space left on device", "/state/spool")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (InvalidSettings("--grace is odd: say 30"), 2, "kt: --grace is odd: say 30"),
        (CannotListen("cannot listen there: go elsewhere"), 1, "kt: cannot listen there: go elsewhere"),
        (StateDirError("in use: stop it"), 1, "kt: in use: stop it"),
        (NO_ROOM, 1, "kt: /state/spool: No space left on device; see who owns it and whether its disk has room"),
        (ExceptionGroup("jobs", [NO_ROOM]), 1, "kt: the gateway stopped: /state/spool: No space left on device; see"),
    ],
)
def test_each_failure_is_one_plain_line_and_an_exit_code(capsys, raised, code, said):
    with pytest.raises(typer.Exit) as ended, told_plainly():
        raise raised
    out, err = capsys.readouterr()
    assert (ended.value.exit_code, out) == (code, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_what_is_no_failure_to_start_passes():
    with pytest.raises(KeyError), told_plainly():
        raise KeyError("a mistake in the program keeps its trace")
    with told_plainly():
        pass


def test_every_problem_of_a_pack_is_told_with_its_place_its_line_and_the_way_out(capsys):
    with pytest.raises(InvalidPack) as refused:
        load_pack("pack: {name: a, version: 1}\npolicies: {chian: []}\nproviders: {targets: []}\n")
    with pytest.raises(typer.Exit) as ended:
        fail_over_pack(refused.value, Path("team\x1b.yaml"))
    err = capsys.readouterr().err
    assert ended.value.exit_code == 2
    assert "team\\x1b.yaml:2:12: E002 policies.chian" in err
    assert "    | policies: {chian: []}\n    = did you mean `chain`?" in err
    assert err.count("team\\x1b.yaml:") == len(refused.value.problems) > 1
    assert err.endswith("kt: the pack is not valid, and no earlier one is at hand: nothing was started\n")


def test_a_systems_refusal_without_a_file_still_says_what_to_do():
    told = explain_os_error(OSError(errno.EMFILE, "Too many open files"))
    assert told == "the system refused: Too many open files; `kt doctor` looks for the cause"
    assert "TimeoutError" in explain_os_error(TimeoutError())


def test_a_failed_job_is_named_by_type_and_place_and_never_by_its_text():
    with pytest.raises(RuntimeError) as failed:
        raise RuntimeError("a caller's words")
    told = explain_stop(ExceptionGroup("outer", [ExceptionGroup("inner", [failed.value])]))
    assert told.startswith("the gateway stopped over an error of its own, RuntimeError at test_failures.py:")
    assert "caller" not in told
    assert "report it" in told


def test_a_failure_without_a_place_is_told_all_the_same():
    assert "RuntimeError: start it again" in explain_stop(ExceptionGroup("jobs", [RuntimeError()]))


def test_the_message_goes_to_standard_error(capsys):
    with pytest.raises(typer.Exit) as ended:
        fail("no", 3)
    assert ended.value.exit_code == 3
    assert capsys.readouterr() == ("", "kt: no\n")
