import csv
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_facts, make_outcome
from keeptrusts.cli import events
from keeptrusts.contract.faults import Fault
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool

FOLLOW = "import sys; from keeptrusts.cli.events import app; app(sys.argv[1:])"


@contextmanager
def running(*arguments):
    """`kt events ...` as a process of its own."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", FOLLOW, *map(str, arguments)]
    process = subprocess.Popen(command, env=paths, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def state(tmp_path):
    """A gateway's state: one call that is still open, and three that ended. The gateway goes on running."""
    directory = tmp_path / "gateway-41002" / "spool" / "0"
    spool = Spool(directory, boot_id="b", clock=FakeClock(), limits=SpoolLimits())
    outbox, source = Outbox(spool, boot_id="b"), compile_source(ORIGIN, is_audited=False)
    outbox.open(new_hex(START_NS), START_NS, source, members_of(make_facts()))
    for model, decision in (("gpt-4o-mini", "allow"), ("=cmd|x", "redact"), ("\x1b[2Jgone", "block")):
        outbox.close(new_hex(START_NS), START_NS, source, members_of(make_outcome(model=model, decision=decision)))
    yield tmp_path
    outbox.shut_down()


def run(*arguments, code=0):
    result = CliRunner().invoke(events.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_people_get_a_table(state):
    lines = run("tail", "--state-dir", state).stdout.splitlines()
    assert lines[0].startswith("TIME (UTC)")
    assert [line.split()[2] for line in lines[1:]] == ["allow", "redact", "block"]
    assert "\\x1b[2Jgone" in lines[3]


def test_programs_get_json_lines(state):
    lines = run("tail", "--json", "--state-dir", state, "--limit", 2).stdout.splitlines()
    assert [json.loads(line)["decision"] for line in lines] == ["redact", "block"]


def test_events_are_chosen_by_what_they_say(state):
    lines = run("tail", "--json", "--decision", "block", "--state-dir", state).stdout.splitlines()
    assert [json.loads(line)["model"] for line in lines] == ["\x1b[2Jgone"]
    assert run("tail", "--json", "--key", "nobody", "--state-dir", state).stdout == ""


def test_following_prints_events_as_they_come_and_ends_quietly(tmp_path):
    directory = tmp_path / "gateway-41002" / "spool" / "0"
    spool = Spool(directory, boot_id="b", clock=FakeClock(), limits=SpoolLimits(segment_bytes=4000))
    outbox, source = Outbox(spool, boot_id="b"), compile_source(ORIGIN, is_audited=False)
    outbox.close(new_hex(START_NS), START_NS, source, members_of(make_outcome(model="before")))
    with running("tail", "--follow", "--json", "--state-dir", tmp_path) as process:
        assert json.loads(process.stdout.readline())["model"] == "before"
        for n in range(10):
            outbox.close(new_hex(START_NS), START_NS, source, members_of(make_outcome(model=f"m{n}")))
        assert [json.loads(process.stdout.readline())["model"] for _ in range(10)] == [f"m{n}" for n in range(10)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
    outbox.shut_down()


def test_an_export_can_be_opened_as_a_spreadsheet(state, tmp_path):
    file = tmp_path / "events.csv"
    run("export", "--format", "csv", "-o", file, "--state-dir", state)
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["model"] for row in rows] == ["gpt-4o-mini", "'=cmd|x", "\x1b[2Jgone"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_export_keeps_to_its_period(state):
    assert len(run("export", "--since", "2026-11-23", "--state-dir", state).stdout.splitlines()) == 3
    assert run("export", "--until", "2026-11-23T14:00:00Z", "--state-dir", state).stdout == ""


def fill_audited(outbox):
    """How many events the spool takes before it must refuse."""
    source, count = compile_source(ORIGIN, is_audited=True), 0
    while count < 1000:
        try:
            outbox.close(new_hex(START_NS), START_NS, source, members_of(make_outcome()))
        except Fault:
            break
        count += 1
    return count


def test_what_was_exported_can_be_released_to_a_gateway_that_is_full(tmp_path):
    limits = SpoolLimits(max_bytes=40_000, segment_bytes=4000)
    spool = Spool(tmp_path / "gateway-1" / "spool" / "0", boot_id="b", clock=FakeClock(), limits=limits)
    outbox = Outbox(spool, boot_id="b")
    count = fill_audited(outbox)
    assert count < 1000
    assert "kt events export --release" in spool.complaint
    file = tmp_path / "kept.jsonl"
    run("export", "--state-dir", tmp_path, "-o", file, "--release")
    assert len(file.read_text().splitlines()) == count
    spool.tidy()
    assert spool.complaint == ""
    assert fill_audited(outbox) >= count - 10
    outbox.shut_down()


def test_what_the_api_awaits_is_not_ours_to_release(tmp_path):
    directory = tmp_path / "gateway-1" / "spool" / "0"
    Spool(directory, boot_id="b", clock=FakeClock(), limits=SpoolLimits(), awaits_upload=True).close()
    result = run("export", "--state-dir", tmp_path, "-o", tmp_path / "kept", "--release", code=1)
    assert "hands its events to the API" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "--release"], "--release goes with --output"),
        (["export", "--release", "-o", "/dev/null", "--since", "1h"], "--release goes with --output"),
        (["export", "--since", "yesterday"], "--since 'yesterday': expected a time"),
        (["tail", "--listen", "x"], "expected PORT or HOST:PORT"),
        (["tail", "--listen", "1"], "no events of a gateway on port 1"),
    ],
)
def test_bad_input_ends_with_2_and_the_way_out(state, arguments, message):
    assert message in run(*arguments, "--state-dir", state, code=2).stderr


def test_a_file_that_cannot_be_written_ends_with_1(state, tmp_path):
    assert "cannot write" in run("export", "-o", tmp_path / "no" / "file", "--state-dir", state, code=1).stderr
