"""The pack that was served last: whole or not at all."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.gateway.last_good import LastGood

ORIGIN = Path("/etc/keeptrusts/pack.yaml")


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "last-good"


@pytest.fixture
def last_good(directory):
    return LastGood(directory, ORIGIN)


def test_what_is_kept_is_found_by_the_next_process(directory, last_good):
    last_good.keep(b"pack: one")
    assert LastGood(directory, ORIGIN).find() == b"pack: one"


def test_nothing_is_found_where_nothing_was_kept(directory, last_good):
    assert last_good.find() is None
    directory.mkdir()
    assert last_good.find() is None


@pytest.mark.parametrize("other", ["/etc/keeptrusts/other.yaml", "/srv/pack.yaml", "pack.yaml"])
def test_a_pack_never_stands_in_for_another_file(directory, last_good, other):
    last_good.keep(b"pack: one")
    assert LastGood(directory, Path(other)).find() is None
    LastGood(directory, Path(other)).keep(b"pack: two")
    assert last_good.find() is None
    assert len(list(directory.iterdir())) == 1


def test_a_relative_path_is_the_same_file_as_the_absolute_one(directory):
    LastGood(directory, Path("pack.yaml")).keep(b"pack: one")
    assert LastGood(directory, Path.cwd() / "pack.yaml").find() == b"pack: one"


def test_only_the_last_one_is_kept(directory, last_good):
    for content in (b"one", b"two", b"one", b"one"):
        last_good.keep(content)
        assert last_good.find() == content
        assert len(list(directory.iterdir())) == 1


def test_the_directory_is_private(directory, last_good):
    last_good.keep(b"pack")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("torn", [b"", b"pack: on", b"pack: two", b"pack: one\n"])
def test_a_torn_or_changed_file_is_never_loaded(directory, last_good, torn):
    last_good.keep(b"pack: one")
    next(directory.iterdir()).write_bytes(torn)
    assert last_good.find() is None


@settings(max_examples=25)
@given(content=st.binary(min_size=1, max_size=50), cut=st.integers(0, 49), flip=st.integers(1, 255))
def test_no_damage_goes_unnoticed(tmp_path_factory, content, cut, flip):
    directory = tmp_path_factory.mktemp("state") / "last-good"
    last_good = LastGood(directory, ORIGIN)
    last_good.keep(content)
    at = cut % len(content)
    [path] = directory.iterdir()
    for damaged in (content[:at], content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :], content + b"x"):
        path.write_bytes(damaged)
        assert last_good.find() is None


def test_damage_is_repaired_when_the_pack_is_kept_again(directory, last_good):
    last_good.keep(b"pack: one")
    next(directory.iterdir()).write_bytes(b"")
    last_good.keep(b"pack: one")
    assert last_good.find() == b"pack: one"


def crash_after_rename(directory, last_good):
    """Two whole packs, as a crash between renaming and removing leaves them; the digests sort both ways."""
    last_good.keep(b"old")
    [old] = directory.iterdir()
    os.utime(old, (1, 1))
    other = directory.parent / "other"
    LastGood(other, ORIGIN).keep(b"new")
    [new] = other.iterdir()
    return old, new.rename(directory / new.name)


def test_after_a_crash_between_two_packs_the_newer_one_counts(directory, last_good):
    old, new = crash_after_rename(directory, last_good)
    assert last_good.find() == b"new"
    os.utime(old, (3_000_000_000, 3_000_000_000))
    assert last_good.find() == b"old"
    os.utime(new, (4_000_000_000, 4_000_000_000))
    assert last_good.find() == b"new"


def test_what_a_crash_left_is_cleared_away(directory, last_good):
    crash_after_rename(directory, last_good)
    (directory / "0123.new").write_bytes(b"half")
    last_good.keep(b"new")
    assert len(list(directory.iterdir())) == 1
    assert last_good.find() == b"new"


def test_a_draft_is_no_pack(directory, last_good):
    last_good.keep(b"pack")
    [path] = directory.iterdir()
    path.rename(path.with_suffix(".new"))
    assert last_good.find() is None


def test_a_directory_that_cannot_be_made_is_the_callers_to_judge(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        LastGood(tmp_path / "file" / "last-good", ORIGIN).keep(b"pack")
    assert LastGood(tmp_path / "file" / "last-good", ORIGIN).find() is None
