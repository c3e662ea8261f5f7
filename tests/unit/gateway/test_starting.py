"""What a gateway serves first, and when a later version is no step forward."""

import logging

import pytest

from fakes.clock import FakeClock
from fakes.packs import make_maker, make_pack, make_target
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.last_good import LastGood
from keeptrusts.gateway.settings import InvalidSettings
from keeptrusts.gateway.starting import make_rebuild, open_active, warn_of_identity

KEPT, GOOD, BAD = make_pack(version="1"), make_pack(version="2"), make_pack(chain=["nope"])
TWO_KEYS = make_pack(make_target(), make_target(id="other", model="o", secret_key_ref={"env": "OTHER_KEY"}))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pack.yaml"


@pytest.fixture
def last_good(tmp_path, path):
    return LastGood(tmp_path / "last-good", path)


def start(path, last_good, maker=None):
    return open_active(path, maker or make_maker(), last_good, FakeClock())


def served(active):
    snapshot = active.current()
    return snapshot.pack.pack.version, snapshot.source


def test_a_good_file_is_served_and_kept(path, last_good):
    path.write_bytes(GOOD)
    active, content = start(path, last_good)
    assert (served(active), content, active.rejection) == (("2", "file"), GOOD, None)
    assert active.current().applied_at == FakeClock().now()
    assert last_good.find() == GOOD


def test_a_bad_file_yields_to_the_last_good_pack_and_the_problems_are_told(path, last_good, caplog):
    last_good.keep(KEPT)
    path.write_bytes(BAD)
    active, content = start(path, last_good)
    assert (served(active), content) == (("1", "last_good"), BAD)
    assert [problem.code for problem in active.rejection.problems] == ["E001"]
    assert last_good.find() == KEPT
    assert "E001" in caplog.records[-1].facts["reason"]
    assert caplog.records[-1].facts["pack"] == "blue@1"


def test_a_bad_file_never_yields_to_a_pack_from_another_path(path, last_good, tmp_path):
    last_good.keep(KEPT)
    (tmp_path / "other.yaml").write_bytes(BAD)
    with pytest.raises(InvalidPack, match="E001"):
        start(tmp_path / "other.yaml", LastGood(tmp_path / "last-good", tmp_path / "other.yaml"))


def test_a_missing_file_yields_to_the_last_good_pack_and_that_is_told(path, last_good):
    last_good.keep(KEPT)
    active, content = start(path, last_good)
    assert (served(active), content) == (("1", "last_good"), None)
    assert [problem.code for problem in active.rejection.problems] == ["unreadable"]


def test_without_a_last_good_pack_a_bad_file_is_told_with_every_problem(path, last_good):
    path.write_bytes(make_pack(make_target(id=""), chain=["nope"]))
    with pytest.raises(InvalidPack) as refused:
        start(path, last_good)
    assert len(refused.value.problems) >= 2


def test_without_a_last_good_pack_a_missing_file_is_told_with_the_way_out(path, last_good):
    with pytest.raises(InvalidSettings, match="kt init") as refused:
        start(path, last_good)
    assert str(path) in str(refused.value)
    assert "No such file" in str(refused.value)


def test_a_directory_in_the_files_place_is_told(path, last_good):
    path.mkdir()
    with pytest.raises(InvalidSettings, match="Is a directory"):
        start(path, last_good)


@pytest.mark.parametrize("file", [BAD, None])
def test_a_torn_last_good_pack_is_as_none(path, last_good, file):
    last_good.keep(KEPT)
    [kept] = last_good._directory.iterdir()
    kept.write_bytes(KEPT[:-5])
    if file is not None:
        path.write_bytes(file)
    with pytest.raises((InvalidPack, InvalidSettings)):
        start(path, last_good)


def test_a_last_good_pack_that_this_version_cannot_serve_leaves_the_files_own_problems(path, last_good):
    last_good.keep(make_pack(chain=["of-another-version"]))
    path.write_bytes(make_pack(chain=["nope"]))
    with pytest.raises(InvalidPack, match="nope"):
        start(path, last_good)
    path.unlink()
    with pytest.raises(InvalidSettings, match="kt init"):
        start(path, last_good)


def test_a_pack_that_cannot_be_kept_is_served_all_the_same(path, tmp_path, caplog):
    (tmp_path / "file").touch()
    path.write_bytes(GOOD)
    active, _ = start(path, LastGood(tmp_path / "file" / "last-good", path))
    assert served(active) == ("2", "file")
    assert caplog.records[-1].levelno == logging.WARNING


@pytest.mark.parametrize("source", ["file", "last good"])
def test_a_secret_that_is_missing_at_the_start_is_a_warning(path, last_good, caplog, source):
    (path.write_bytes if source == "file" else last_good.keep)(TWO_KEYS)
    active, _ = start(path, last_good)
    assert [target.has_credential for target in active.current().targets] == [True, False]
    assert [record.facts["target"] for record in caplog.records if "secret missing" in record.message] == ["other"]


@pytest.mark.parametrize(("chain", "trusted", "warnings"), [("rbac", False, 1), ("rbac", True, 0), (None, False, 0)])
def test_rbac_that_nobody_can_satisfy_is_a_warning(caplog, chain, trusted, warnings):
    settings = {"policy": {"rbac": {"deny_if_missing": ["X-User-ID"]}}, "chain": ["rbac"]} if chain else {}
    active = open_active_of(make_pack(**settings), make_maker())
    warn_of_identity(active.current(), trusts_identity_headers=trusted)
    assert sum("--trust-identity-headers" in record.message for record in caplog.records) == warnings


def rebuilt(first, then, *, environment=None):
    maker = make_maker(environment)
    active = open_active_of(first, maker)
    return make_rebuild(active, maker, FakeClock())(then), active


def open_active_of(content, maker):
    return ActiveConfig(maker.make(content, source="last_good", applied_at=FakeClock().now(), counters={}))


def test_a_later_version_comes_from_the_file_and_keeps_the_counters():
    snapshot, active = rebuilt(KEPT, GOOD)
    assert (snapshot.label, snapshot.source) == ("blue@2", "file")
    assert snapshot.targets[0].counters is active.current().targets[0].counters


def test_a_later_version_whose_secret_is_missing_is_refused_with_the_way_out():
    with pytest.raises(InvalidPack) as refused:
        rebuilt(KEPT, TWO_KEYS)
    [problem] = refused.value.problems
    assert (problem.code, problem.path) == ("secret_missing", "providers.targets.other.secret_key_ref")
    assert "_FILE" in problem.suggestion
    assert "the variable OTHER_KEY" in problem.message
    assert str(problem).startswith("secret_missing providers")  # it has no place in the text


def test_a_secret_that_was_missing_before_is_no_reason_to_refuse():
    snapshot, _ = rebuilt(TWO_KEYS, TWO_KEYS)
    assert [target.has_credential for target in snapshot.targets] == [True, False]


def test_a_secret_that_vanished_is_a_reason(tmp_path):
    (tmp_path / "key").write_text("value")
    maker = make_maker({}, secrets_dir=tmp_path)
    content = make_pack(make_target(secret_key_ref={"file": "key"}))
    rebuild = make_rebuild(open_active_of(content, maker), maker, FakeClock())
    assert rebuild(content).targets[0].has_credential
    (tmp_path / "key").unlink()
    with pytest.raises(InvalidPack, match="secret"):
        rebuild(content)


def test_a_bad_version_is_refused_with_its_problems():
    with pytest.raises(InvalidPack, match="E001"):
        rebuilt(KEPT, BAD)
