"""The gateway's own pages: what they say, and to whom."""

import json

import anthropic
import httpx2
import openai
import pytest

from fakes.gateways import open_memory_gateway
from fakes.packs import make_pack, make_target
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import TokenCallers

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-gateway"
KEY = {"x_api_key": TOKEN.encode()}
BAD = InvalidPack([Problem(code="E001", path="policies.chain[0]", line=1, column=2, message="no", excerpt="")])
CONTENT = make_pack(
    make_target(aliases=["small", "gpt-4o-m*"]),
    make_target(id="other", model="meta/llama-3:8b"),
    make_target(id="keyless", model="claude-haiku-4-5", provider="anthropic", secret_key_ref={"env": "NOT_SET"}),
    chain=["audit-logger"],
)
ADMIN = ["/keeptrusts/config", "/keeptrusts/providers/metrics"]


def gateway_in(directory, *, token=None):
    return open_memory_gateway(directory, content=CONTENT, callers=TokenCallers(Secret(token)) if token else None)


async def page(gateway, path, method="GET", **options):
    line = await gateway.ask(method, path, **options)
    return line.status, json.loads(line.body)


async def test_strangers_see_of_health_only_status_and_version(tmp_path):
    async with gateway_in(tmp_path, token=TOKEN) as gateway:
        for options in ({}, {"x_api_key": b"a-wrong-token"}):
            status, content = await page(gateway, "/health", peer="10.0.0.1", **options)
            assert (status, set(content)) == (200, {"status", "version"})
        assert "providers" in (await page(gateway, "/health", peer="10.0.0.1", **KEY))[1]
        assert "providers" in (await page(gateway, "/health", peer="127.0.0.1"))[1]


async def test_without_a_token_details_are_for_this_machine_only(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        assert set((await page(gateway, "/health", peer="10.0.0.1"))[1]) == {"status", "version"}
        assert "providers" in (await page(gateway, "/health", peer="::1"))[1]


async def test_probes_say_when_nothing_can_be_served(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        assert (await page(gateway, "/readyz"))[0] == 200
        gateway.gauges.is_draining = True
        assert await page(gateway, "/readyz") == (503, {"status": "not ready"})
        assert (await page(gateway, "/health"))[0] == 503
        assert await page(gateway, "/healthz") == (200, {"status": "alive"})


def over(answer):
    """An HTTP client that every answer comes to."""

    def send(request):
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body)

    return httpx2.Client(transport=httpx2.MockTransport(send))


async def test_both_sdks_read_the_list_of_models(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        answer = await gateway.ask("GET", "/v1/models")
    expected = ["gpt-4o-mini", "small", "meta/llama-3:8b", "claude-haiku-4-5"]
    with openai.OpenAI(base_url="http://gateway/v1", api_key="k", http_client=over(answer)) as sdk:
        assert [model.id for model in sdk.models.list()] == expected
    with anthropic.Anthropic(base_url="http://gateway", api_key="k", http_client=over(answer)) as sdk:
        models = list(sdk.models.list())
        assert [model.id for model in models] == expected
        assert models[0].created_at.year == 2026


@pytest.mark.parametrize("name", ["gpt-4o-mini", "small", "meta/llama-3:8b", "meta%2Fllama-3%3A8b"])
@pytest.mark.parametrize("prefix", ["/v1/models/", "/models/", "/openai/v1/models/"])
async def test_one_model_is_found_by_its_name(tmp_path, prefix, name):
    async with gateway_in(tmp_path) as gateway:
        status, content = await page(gateway, prefix + name)
    assert (status, content["object"], content["type"]) == (200, "model", "model")
    assert content["owned_by"] == "openai"


@pytest.mark.parametrize("name", ["nope", "gpt-4o-m*", "*", "", "%00", "small/"])
async def test_a_model_that_is_not_listed_is_not_found(tmp_path, name):
    async with gateway_in(tmp_path) as gateway:
        status, content = await page(gateway, f"/v1/models/{name}")
    assert (status, content["error"]["code"]) == (404, "model_not_found")


async def test_a_caller_sees_what_its_key_may_do(tmp_path):
    async with gateway_in(tmp_path, token=TOKEN) as gateway:
        status, content = await page(gateway, "/keeptrusts/me", **KEY)
    assert status == 200
    assert content["config"] == {"name": "blue", "pack_version": "1.0.0"}
    assert content["policies"] == ["audit-logger"]
    assert content["models"] == ["gpt-4o-mini", "small", "meta/llama-3:8b", "claude-haiku-4-5"]
    assert content["limits"]["max_in_flight"] == 1000


async def test_operators_see_what_runs_and_no_secret(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        gateway.active.rejection = BAD
        status, content = await page(gateway, "/keeptrusts/config")
    assert (status, content["chain"], content["rejection"][0]["code"]) == (200, ["audit-logger"], "E001")
    assert [(target["id"], target["has_credential"]) for target in content["targets"]] == [
        ("main", True), ("other", True), ("keyless", False),
    ]  # fmt: skip
    assert content["targets"][0]["aliases"] == ["gpt-4o-m*", "small"]
    assert "sk-canary" not in json.dumps(content)


async def test_operators_see_how_providers_do(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        counters = gateway.active.current().targets[0].counters
        counters.requests, counters.failures, counters.last_status, counters.upstream_ms = 3, 1, 502, 1.23456
        status, content = await page(gateway, "/keeptrusts/providers/metrics")
    assert status == 200
    assert content["providers"]["main"] == {
        "requests": 3, "failures": 1, "open": 0, "last_status": 502, "upstream_ms_total": 1.235,
    }  # fmt: skip
    assert set(content["providers"]) == {"main", "other", "keyless"}


@pytest.mark.parametrize("path", ADMIN)
async def test_admin_pages_are_for_the_token_or_for_this_machine(tmp_path, path):
    async with gateway_in(tmp_path, token=TOKEN) as gateway:
        assert (await page(gateway, path, peer="127.0.0.1"))[0] == 401
        assert (await page(gateway, path, peer="10.0.0.1", **KEY))[0] == 200
    async with gateway_in(tmp_path) as gateway:
        status, content = await page(gateway, path, peer="10.0.0.1")
        assert (status, content["error"]["code"]) == (403, "forbidden")
        assert (await page(gateway, path, host=b"evil.example"))[0] == 403


async def test_a_reload_tells_what_is_served_now(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        status, content = await page(gateway, "/keeptrusts/config/reload", "POST")
    assert (status, content["applied"], content["config"]) == (200, True, "blue@1.0.0")
    assert content["digest"].startswith("sha256:")


async def test_a_reload_that_was_refused_tells_every_problem(tmp_path):
    async with gateway_in(tmp_path) as gateway:
        gateway.source.answer = BAD
        status, content = await page(gateway, "/keeptrusts/config/reload", "POST")
    assert (status, content["applied"]) == (422, False)
    assert content["problems"][0]["path"] == "policies.chain[0]"
