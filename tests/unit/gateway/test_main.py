"""The composition root: what it opens, in which order it refuses, and what follows a change."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import pytest

from fakes.clients import connect, get, post
from fakes.packs import make_pack, make_target
from keeptrusts.config.problems import InvalidPack
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.last_good import LastGood
from keeptrusts.gateway.main import open_gateway
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.serving import find_token
from keeptrusts.gateway.settings import InvalidSettings, read_settings
from keeptrusts.runtime.state_dir import StateDirError

pytestmark = pytest.mark.anyio

NAME = "KEEPTRUSTS_GATEWAY_TOKEN"
TOKEN, NEW_TOKEN = "a-token-of-the-gateway", "the-next-token-of-it"
CONTENT = make_pack(make_target())


def settings_in(folder, environment=None, *, content=CONTENT, **flags):
    pack = folder / "pack.yaml"
    if content is not None:
        pack.write_bytes(content)
    given = {"policy_config": pack, "state_dir": folder / "state", "listen": "127.0.0.1:0", "grace": 1} | flags
    return read_settings({"OPENAI_KEY": "sk-canary-credential"} | (environment or {}), given)


@asynccontextmanager
async def calling(gateway):
    connection = await connect(gateway.port)
    yield connection
    connection.close()


async def ask(gateway, request):
    async with asyncio.timeout(5), calling(gateway) as connection:
        return await connection.ask(request)


def reload(token=None):
    return post("/keeptrusts/config/reload", token=token)


async def test_a_gateway_serves_while_its_block_lasts_and_cleans_up_behind_it(tmp_path):
    async with open_gateway(settings_in(tmp_path)) as gateway:
        health = await ask(gateway, get("/health"))
        assert json.loads(health.body)["config"]["name"] == "blue"
        port = gateway.port
    with pytest.raises(OSError, match=str(port)):
        await connect(port)
    async with open_gateway(settings_in(tmp_path)) as gateway:
        assert (await ask(gateway, get("/healthz"))).status == 200


async def test_two_gateways_do_not_share_a_state_directory(tmp_path):
    async with open_gateway(settings_in(tmp_path)):
        with pytest.raises(StateDirError, match="in use"):
            async with open_gateway(settings_in(tmp_path)):
                pass


async def refused(kind, settings):
    with pytest.raises(kind) as raised:
        async with open_gateway(settings):
            pass
    return str(raised.value)


async def test_what_cannot_work_is_refused_before_anything_is_opened(tmp_path):
    message = await refused(InvalidSettings, settings_in(tmp_path, listen="0.0.0.0:0"))
    assert NAME in message
    assert not (tmp_path / "state").exists()


async def test_a_bad_pack_without_a_last_good_one_is_refused_with_its_problems(tmp_path):
    assert "E001" in await refused(InvalidPack, settings_in(tmp_path, content=make_pack(chain=["nope"])))
    assert "kt init" in await refused(
        InvalidSettings, settings_in(tmp_path / "", content=None, policy_config=tmp_path / "x")
    )


async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(tmp_path):
    message = await refused(InvalidSettings, settings_in(tmp_path, {"HTTPS_PROXY": "ftp://user:canary@proxy:1"}))
    assert message.startswith("HTTPS_PROXY: ")
    assert "canary" not in message


async def test_a_change_is_applied_and_kept_for_the_next_start(tmp_path):
    settings = settings_in(tmp_path)
    changed = make_pack(version="2.0.0")
    async with open_gateway(settings) as gateway:
        settings.policy_config.write_bytes(changed)
        answer = await ask(gateway, reload())
        assert (answer.status, json.loads(answer.body)["config"]) == (200, "blue@2.0.0")
    assert LastGood(tmp_path / "state" / "gateway-0" / "last-good", settings.policy_config).find() == changed


async def test_a_bad_change_changes_nothing_and_the_next_start_serves_what_was_good(tmp_path):
    settings = settings_in(tmp_path)
    async with open_gateway(settings) as gateway:
        settings.policy_config.write_bytes(make_pack(chain=["nope"], version="2.0.0"))
        answer = await ask(gateway, reload())
        assert (answer.status, json.loads(answer.body)["problems"][0]["code"]) == (422, "E001")
        health = json.loads((await ask(gateway, get("/health"))).body)
        assert (health["status"], health["config"]["pack_version"]) == ("degraded", "1.0.0")
        assert "E001" in health["config"]["rejected"][0]
    async with open_gateway(settings) as gateway:
        health = json.loads((await ask(gateway, get("/health"))).body)
        assert (health["config"]["source"], health["config"]["pack_version"]) == ("last_good", "1.0.0")


async def test_a_token_whose_file_changed_is_taken_and_an_unusable_one_is_not(tmp_path, caplog):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    async with open_gateway(settings_in(tmp_path, {f"{NAME}_FILE": str(file)})) as gateway:
        assert (await ask(gateway, reload(TOKEN))).status == 200
        file.write_text(NEW_TOKEN)
        assert (await ask(gateway, reload(TOKEN))).status == 200
        assert (await ask(gateway, reload(TOKEN))).status == 401
        for unusable in ("brief", "two words of a token", ""):
            file.write_text(unusable)
            assert (await ask(gateway, reload(NEW_TOKEN))).status == 200
        assert (await ask(gateway, reload(NEW_TOKEN))).status == 200
    [told] = {record.facts["reason"] for record in caplog.records if record.levelno == logging.ERROR}
    assert "too short" in told
    assert "brief" not in told


async def test_admin_calls_have_an_address_of_their_own_where_one_is_given(tmp_path):
    async with open_gateway(settings_in(tmp_path, admin_listen="127.0.0.1:0")) as gateway:
        assert (await ask(gateway, get("/keeptrusts/config"))).status == 404
        admin = await connect(gateway.servers[1].port)
        assert (await admin.ask(get("/keeptrusts/config"))).status == 200
        assert (await admin.ask(get("/v1/models/gpt-4o-mini"))).status == 404
        admin.close()


async def test_a_drain_ends_idle_connections_and_accepts_no_more(tmp_path):
    async with open_gateway(settings_in(tmp_path)) as gateway, calling(gateway) as connection:
        assert (await connection.ask(get("/readyz"))).status == 200
        await gateway.drain()
        await asyncio.sleep(0)
        assert connection.is_lost
        with pytest.raises(OSError, match=str(gateway.port)):
            await connect(gateway.port)


async def test_events_are_written_where_the_state_is(tmp_path):
    async with open_gateway(settings_in(tmp_path)):
        spool = tmp_path / "state" / "gateway-0" / "spool"
        assert spool.is_dir()
        assert (tmp_path / "state" / "gateway-0").stat().st_mode & 0o777 == 0o700


def token_of(environment):
    return find_token(read_settings(environment, {"policy_config": "pack.yaml"}), Secrets(environment, None))


def test_the_token_comes_from_the_variable_or_its_twin(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    assert token_of({}) is None
    assert token_of({NAME: TOKEN}) == token_of({f"{NAME}_FILE": str(tmp_path / "token")}) == Secret(TOKEN)


@pytest.mark.parametrize("variable", [NAME, f"{NAME}_FILE"])
def test_a_token_that_is_set_and_cannot_be_used_does_not_leave_the_gateway_open(tmp_path, variable):
    value = "my secret canary" if variable == NAME else str(tmp_path / "gone")
    with pytest.raises(InvalidSettings, match=variable) as raised:
        token_of({variable: value})
    assert "canary" not in str(raised.value)
