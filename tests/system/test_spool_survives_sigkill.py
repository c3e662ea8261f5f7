"""A process that is killed while it appends keeps every event that it had written when it said so."""

import os
import random
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from fakes.clock import FakeClock
from keeptrusts.contract.events import DecisionEvent, Gap
from keeptrusts.gateway.outbox import Outbox
from keeptrusts.runtime.records import EVENT, GAP
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool
from keeptrusts.runtime.spool_reader import SpoolReader

APPEND = """
import os, sys
from pathlib import Path
from fakes.events import ORIGIN, make_facts, make_outcome
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.runtime.clock import SystemClock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool

clock = SystemClock()
spool = Spool(Path(sys.argv[1]), boot_id="b", clock=clock, limits=SpoolLimits(segment_bytes=400_000))
outbox, source = Outbox(spool, boot_id="b"), compile_source(ORIGIN, is_audited=False)
while True:
    call = new_hex(clock.unix_ns())
    outbox.open(call, clock.unix_ns(), source, members_of(make_facts()))
    os.write(1, b"opened %b\\n" % call.encode())
    outbox.close(call, clock.unix_ns(), source, members_of(make_outcome()))
    os.write(1, b"closed %b\\n" % call.encode())
"""


def append_until_killed(directory, after_s):
    """What the process said it had done: opened and closed calls."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, "-c", APPEND, str(directory)], env=paths, stdout=subprocess.PIPE)
    said = process.stdout.readline()
    os.set_blocking(process.stdout.fileno(), False)
    ends = time.monotonic() + after_s
    while time.monotonic() < ends:
        said += process.stdout.read() or b""
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    os.set_blocking(process.stdout.fileno(), True)
    said += process.stdout.read()
    process.stdout.close()
    words = [line.split() for line in said.decode().splitlines(keepends=True) if line.endswith("\n")]
    return {call for word, call in words if word == "opened"}, {call for word, call in words if word == "closed"}


def check(directory, opened, closed):
    records = list(SpoolReader(directory, is_live=False).read())
    events = [msgspec.json.decode(record.payload, type=DecisionEvent) for record in records if record.kind == EVENT]
    gaps = [msgspec.json.decode(record.payload, type=Gap) for record in records if record.kind == GAP]
    calls = [event.request_id.removeprefix("req_") for event in events if event.error_code is None]
    interrupted = {event.request_id.removeprefix("req_") for event in events if event.error_code == "interrupted"}
    assert len(calls) == len(set(calls))
    assert closed <= set(calls), "an event that was acknowledged is gone"
    assert opened <= set(calls) | interrupted, "a call that went upstream left no trace"
    assert not interrupted & set(calls)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert gaps == []


def kill_often(directory, kills):
    chance = random.Random(20261123)
    opened, closed = set(), set()
    for _ in range(kills):
        more_opened, more_closed = append_until_killed(directory, chance.uniform(0.02, 0.25))
        opened |= more_opened
        closed |= more_closed
    spool = Spool(directory, boot_id="b", clock=FakeClock(), limits=SpoolLimits())
    Outbox(spool, boot_id="b").shut_down()  # records the call that the last kill cut off
    assert len(closed) > 100 * kills
    check(directory, opened, closed)


def test_a_killed_process_loses_no_event_that_it_acknowledged(tmp_path):
    kill_often(tmp_path / "0", 5)


@pytest.mark.slow
def test_a_process_killed_twenty_times_loses_no_event_that_it_acknowledged(tmp_path):
    kill_often(tmp_path / "0", 20)
