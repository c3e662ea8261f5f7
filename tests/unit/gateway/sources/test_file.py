"""A pack in a file: every change is seen once, a bad one is told, and whoever asks gets an answer."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from fakes.packs import make_pack, make_snapshot
from keeptrusts.config.problems import InvalidPack
from keeptrusts.config.targets import SecretRef
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.sources import file as file_source
from keeptrusts.gateway.sources.file import FileSource, unreadable

pytestmark = pytest.mark.anyio

ONE, TWO = make_pack(version="1"), make_pack(version="2")
PATIENCE_S = 5


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "pack.yaml"
    path.write_bytes(ONE)
    return path


def source_of(path, *, secrets=None, build=make_snapshot, served=ONE, look_every_s=60.0):
    return FileSource(path, secrets or Secrets({}, None), build, served, look_every_s=look_every_s)


def told(version):
    return version.pack.pack.version if isinstance(version, Snapshot) else version.problems[0].code


async def versions(source, *changes):
    """What the source yields after each change, looked at by force."""
    seen = []
    follow = source.versions()
    async with asyncio.timeout(PATIENCE_S):
        for change in changes:
            change()
            source.nudge()
            seen.append(told(await anext(follow)))
    await follow.aclose()
    return seen


@asynccontextmanager
async def followed(source):
    """The source, with somebody who takes its versions."""
    taken = []

    async def take():
        async for version in source.versions():
            taken.append(told(version))  # noqa: PERF401 - it never ends by itself

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(take())
        await asyncio.sleep(0)
        yield taken
        task.cancel()


async def test_good_bad_good_is_told_in_order(path):
    seen = await versions(
        source_of(path),
        lambda: path.write_bytes(b"nonsense: ["),
        lambda: path.write_bytes(TWO),
        lambda: path.write_bytes(ONE),
    )
    assert seen == ["E006", "2", "1"]


async def test_a_file_that_is_back_as_it_was_is_built_again_so_that_the_refusal_ends(path):
    seen = await versions(source_of(path), lambda: path.write_bytes(b"["), lambda: path.write_bytes(ONE))
    assert seen == ["E006", "1"]


async def test_swapped_links_are_followed(tmp_path):
    """As Kubernetes swaps a ConfigMap: the path stays, the directory behind it is another."""
    for name, content in (("v1", ONE), ("v2", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pack.yaml").write_bytes(content)
    data, link = tmp_path / "..data", tmp_path / "pack.yaml"
    data.symlink_to("v1")
    link.symlink_to("..data/pack.yaml")

    def swap():
        (tmp_path / "..tmp").symlink_to("v2")
        (tmp_path / "..tmp").rename(data)

    assert await versions(source_of(link), swap) == ["2"]


async def test_a_file_that_is_gone_is_told_and_so_is_its_return(path):
    seen = await versions(source_of(path), path.unlink, lambda: path.write_bytes(ONE), lambda: path.write_bytes(TWO))
    assert seen == ["unreadable", "1", "2"]


async def test_a_file_that_is_a_directory_now_is_told(path):
    def replace():
        path.unlink()
        path.mkdir()

    assert await versions(source_of(path), replace) == ["unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told(path):
    assert await versions(source_of(path), lambda: path.chmod(0)) == ["unreadable"]


def test_why_a_file_is_unreadable_is_said_with_the_way_out():
    [problem] = unreadable(PermissionError(13, "Permission denied")).problems
    assert "Permission denied" in problem.message
    assert problem.suggestion
    assert unreadable(OSError()).problems[0].message.endswith("OSError")


async def test_an_error_of_our_own_while_building_ends_nothing(path, caplog):
    builds = iter([ZeroDivisionError("4111"), make_snapshot(TWO)])

    def build(content):
        found = next(builds)
        if isinstance(found, Exception):
            raise found
        return found

    assert await versions(source_of(path, build=build), lambda: None, lambda: None) == ["internal_error", "2"]
    assert [record.message for record in caplog.records] == ["the pack could not be built"]


async def test_reload_answers_when_the_version_is_served(path):
    source = source_of(path)
    async with followed(source) as taken:
        path.write_bytes(TWO)
        assert await source.reload() is None
        assert taken == ["2"]


async def test_reload_applies_even_what_did_not_change(path):
    source = source_of(path)
    async with followed(source) as taken:
        assert await source.reload() is None
        assert await source.reload() is None
        assert taken == ["1", "1"]


async def test_reload_gives_the_problems_of_a_bad_pack(path):
    source = source_of(path)
    async with followed(source):
        path.write_bytes(make_pack(chain=["nope"]))
        refused = await source.reload()
        assert isinstance(refused, InvalidPack)
        assert refused.problems[0].code == "E001"


async def test_reload_of_a_file_that_is_gone_is_no_success(path):
    source = source_of(path)
    async with followed(source):
        path.unlink()
        refused = await source.reload()
        assert refused.problems[0].code == "unreadable"


async def test_everybody_who_asks_at_once_is_answered(path):
    source = source_of(path)
    async with followed(source) as taken, asyncio.TaskGroup() as group:
        asked = [group.create_task(source.reload()) for _ in range(5)]
    assert [task.result() for task in asked] == [None] * 5
    assert 1 <= len(taken) <= 5


async def test_whoever_stops_waiting_holds_up_nobody(path):
    source = source_of(path)
    async with followed(source), asyncio.TaskGroup() as group:
        gone, stays = group.create_task(source.reload()), group.create_task(source.reload())
        await asyncio.sleep(0)
        gone.cancel()
    assert stays.result() is None


async def test_a_reload_that_comes_in_the_very_moment_of_a_regular_look_is_answered(path):
    """The look begins by its own clock; the nudge that came meanwhile is taken with it."""

    class OnTheTick(FileSource):
        async def _wait(self):
            await super()._wait()
            return False

    source = OnTheTick(path, Secrets({}, None), make_snapshot, ONE)
    async with followed(source):
        assert await source.reload() is None


async def test_a_secret_whose_file_changed_is_a_new_version(path, tmp_path):
    (tmp_path / "key").write_text("first-value")
    secrets = Secrets({}, tmp_path)
    secrets.find(SecretRef(file="key"))
    source = source_of(path, secrets=secrets, look_every_s=0.001)
    (tmp_path / "key").write_text("second-value")
    async with followed(source) as taken:
        await looked_at(source, 3)
    assert taken == ["1"]


async def looked_at(source, times):
    """Wait for so many regular looks."""
    look, looks = source._look, []
    source._look = lambda: looks.append(1) or look()
    while len(looks) < times:  # noqa: ASYNC110 - a look happens in a thread
        await asyncio.sleep(0.001)


async def test_without_a_signal_the_file_is_looked_at_again_and_again_and_a_change_is_told_once(path):
    source = source_of(path, look_every_s=0.001)
    path.write_bytes(b"[")
    async with followed(source) as taken:
        await looked_at(source, 4)
    assert taken == ["E006"]


def test_it_is_looked_at_every_second():
    assert file_source.LOOK_EVERY_S == 1.0


async def test_a_file_that_was_not_there_at_the_start_is_not_told_twice(path):
    path.unlink()
    source = source_of(path, served=None, look_every_s=0.001)
    async with followed(source) as taken:
        await looked_at(source, 3)
        assert taken == []
        path.write_bytes(TWO)
        await source.reload()
        assert taken == ["2"]
