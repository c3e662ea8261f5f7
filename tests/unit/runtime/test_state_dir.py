import os
import stat
import subprocess
import sys

import pytest

from fakes.clock import FakeClock
from keeptrusts.runtime.state_dir import StateDirError, find_holder, open_state_dir

HOLD = """
import sys
from pathlib import Path
from fakes.clock import FakeClock
from keeptrusts.runtime.state_dir import open_state_dir

with open_state_dir(Path(sys.argv[1]), "gateway-41002", FakeClock()):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(root):
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], env=paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder):
    holder.kill()
    holder.communicate(timeout=10)


def test_the_directory_is_private_even_where_it_was_not(tmp_path):
    (tmp_path / "gateway-41002").mkdir(mode=0o755)
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()) as (directory, _):
        assert directory == tmp_path / "gateway-41002"
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "lock").stat().st_mode) == 0o600


def test_a_held_lock_names_its_holder_and_what_to_do(tmp_path):
    holder = hold(tmp_path)
    try:
        with pytest.raises(StateDirError) as raised, open_state_dir(tmp_path, "gateway-41002", FakeClock()):
            pytest.fail("two processes hold one lock")
    finally:
        end(holder)
    assert f"in use by process {holder.pid} on {os.uname().nodename}, since 2026-11-23 14:00:00 UTC" in str(
        raised.value
    )
    assert "--state-dir" in str(raised.value)


def test_the_lock_ends_with_a_killed_process(tmp_path):
    end(hold(tmp_path))
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()) as (directory, _):
        assert find_holder(directory).pid == os.getpid()


def test_the_lock_ends_with_the_block_and_passes_to_no_child(tmp_path):
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with open_state_dir(tmp_path, "gateway-41002", FakeClock()):
            pass
    finally:
        end(child)


def test_two_gateways_share_a_root(tmp_path):
    with (
        open_state_dir(tmp_path, "gateway-41002", FakeClock()) as (one, _),
        open_state_dir(tmp_path, "gateway-41003", FakeClock()) as (other, _),
    ):
        assert one != other


def test_a_lock_file_that_says_nothing_is_a_lock_all_the_same(tmp_path):
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()) as (directory, _):
        (directory / "lock").write_bytes(b"\xff")
        with (
            pytest.raises(StateDirError, match="in use by a process"),
            open_state_dir(tmp_path, "gateway-41002", FakeClock()),
        ):
            pytest.fail("one lock held twice")


def test_a_root_that_cannot_be_used_says_which_setting_to_change(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StateDirError, match="KEEPTRUSTS_STATE_DIR"),
        open_state_dir(tmp_path / "file", "api", FakeClock()),
    ):
        pytest.fail("a file is no directory")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "Gateway", "gateway-1\n", "x" * 65])
def test_no_name_leads_elsewhere(tmp_path, name):
    with pytest.raises(ValueError, match="not the name"), open_state_dir(tmp_path, name, FakeClock()):
        pytest.fail("this name must not be taken")


def test_a_child_that_was_given_the_lock_holds_it_after_its_parent(tmp_path):
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()) as (_, lock):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    try:
        with pytest.raises(StateDirError, match="in use"), open_state_dir(tmp_path, "gateway-41002", FakeClock()):
            pytest.fail("the child holds the lock")
    finally:
        end(child)
    with open_state_dir(tmp_path, "gateway-41002", FakeClock()):
        pass
