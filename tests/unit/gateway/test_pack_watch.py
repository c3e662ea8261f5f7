"""The pack of an instance: first, next, and kept."""

import logging

import pytest

from fakes.clock import FakeClock
from fakes.packs import ENVIRONMENT, make_pack, make_target
from keeptrusts.gateway.pack_watch import open_pack_watch
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import read_settings
from keeptrusts.runtime.tasks import background

pytestmark = pytest.mark.anyio

NEXT = make_pack(version="2.0.0")


def watch_in(folder, **environment):
    (folder / "pack.yaml").write_bytes(make_pack())
    settings = read_settings(ENVIRONMENT | environment, {"policy_config": folder / "pack.yaml", "name": "named"})
    return open_pack_watch(settings, Secrets(ENVIRONMENT, None), folder, "ab" * 16, FakeClock())


async def reload_and_collect(packs):
    told = []

    async def note(snapshot):
        told.append(snapshot.label)

    async def watch():
        await packs.run(note)

    async with background(watch):
        await packs.source.reload()
    return told


async def test_what_appears_is_served_kept_and_told(tmp_path):
    packs = watch_in(tmp_path)
    assert packs.active.current().label == "blue@1.0.0"
    (tmp_path / "pack.yaml").write_bytes(NEXT)
    assert await reload_and_collect(packs) == ["blue@2.0.0"]
    assert packs.last_good.find() == NEXT


async def test_a_pack_that_sends_its_credential_in_the_clear_is_refused_where_tls_is_required(tmp_path):
    packs = watch_in(tmp_path, KEEPTRUSTS_REQUIRE_TLS="true")
    (tmp_path / "pack.yaml").write_bytes(make_pack(make_target(base_url="http://10.0.0.1"), version="2.0.0"))
    assert await reload_and_collect(packs) == []
    [problem] = packs.active.rejection.problems
    assert (problem.code, problem.path) == ("tls_required", "providers.targets[0].base_url")
    assert "KEEPTRUSTS_REQUIRE_TLS" in problem.suggestion
    assert packs.active.current().label == "blue@1.0.0"


async def test_a_pack_that_cannot_be_kept_is_served_all_the_same(tmp_path, caplog):
    packs = watch_in(tmp_path)
    (kept,) = (tmp_path / "last-good").iterdir()
    kept.unlink()
    (tmp_path / "last-good").rmdir()
    (tmp_path / "last-good").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert await reload_and_collect(packs) == ["blue@1.0.0"]
    assert "could not be kept" in caplog.text
