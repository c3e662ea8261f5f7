"""Who may call, which pages there are, and what is refused in which form."""

import gzip
import json

import anthropic
import openai
import pytest

from fakes.clients import connect, post
from fakes.replay import Reply
from fakes.worlds import PII, World, open_world, pack_for
from keeptrusts.gateway.main import open_gateway
from keeptrusts.gateway.settings import Address, InvalidSettings, Settings

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-operator"
ANSWER = Reply(body=b'{"id":"c","object":"chat.completion","choices":[]}')
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
MESSAGE = CHAT | {"max_tokens": 9}


def code_of(answer) -> str:
    return json.loads(answer.body)["error"]["code"]


@pytest.mark.parametrize("headers", [
    {"authorization": f"Bearer {TOKEN}"},
    {"authorization": f"bearer {TOKEN}"},
    {"authorization": "", "x_api_key": TOKEN},
    {"authorization": "", "api_key": TOKEN},
    {"authorization": f"Bearer {TOKEN}", "x_api_key": TOKEN},
])  # fmt: skip
async def test_the_token_is_taken_wherever_an_sdk_puts_it(tmp_path, headers):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        assert (await world.ask("/v1/chat/completions", CHAT, **headers)).status == 200


@pytest.mark.parametrize(("headers", "code"), [
    ({"authorization": ""}, "missing_key"),
    ({"authorization": "Bearer "}, "missing_key"),
    ({"authorization": f"Basic {TOKEN}"}, "missing_key"),
    ({"authorization": "Bearer another-token-0000"}, "invalid_key"),
    ({"authorization": f"Bearer {TOKEN}x"}, "invalid_key"),
    ({"x_api_key": "another-token-0000"}, "conflicting_keys"),
])  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_everybody_else_is_unauthorized_before_the_body_is_read(tmp_path, path, headers, code):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        answer = await world.ask(path, MESSAGE, **headers)
        assert (answer.status, code_of(answer)) == (401, code)
        assert answer.headers["x-should-retry"] == "false"
        assert world.replay.calls == 0
        assert world.events() == []


async def test_both_sdks_say_that_a_key_is_wrong(tmp_path):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        async with world.openai(api_key="wrong") as sdk:
            with pytest.raises(openai.AuthenticationError):
                await sdk.chat.completions.create(**CHAT)
        async with world.anthropic(api_key="wrong") as sdk:
            with pytest.raises(anthropic.AuthenticationError) as raised:
                await sdk.messages.create(**MESSAGE)
        assert raised.value.body["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4000", "[::1]:1", "LOCALHOST"])
async def test_without_a_token_this_machine_is_served(tmp_path, host):
    async with open_world(tmp_path, ANSWER) as world:
        assert (await world.ask("/v1/chat/completions", CHAT, host=host)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.0.2.1"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_without_a_token_a_browser_that_was_lured_here_is_refused(tmp_path, path, host):
    async with open_world(tmp_path, ANSWER) as world:
        answer = await world.ask(path, MESSAGE, host=host)
        assert (answer.status, code_of(answer)) == (403, "forbidden")
        for page in ("/v1/models", "/keeptrusts/me", "/keeptrusts/config"):
            assert (await world.ask(page, method="GET", host=host)).status == 403
        assert (await world.ask("/keeptrusts/config/reload", host=host)).status == 403


@pytest.mark.parametrize(("listen", "token", "word"), [
    ("0.0.0.0", None, "KEEPTRUSTS_GATEWAY_TOKEN"),
    ("127.0.0.1", "tiny-token", "too short"),
    ("127.0.0.1", "kt_gk_mistyped_key_of_a_gateway", "KEEPTRUSTS_GATEWAY_TOKEN"),
])  # fmt: skip
async def test_a_gateway_that_would_be_open_or_has_a_bad_token_does_not_start(tmp_path, listen, token, word):
    pack = tmp_path / "pack.yaml"
    pack.write_bytes(pack_for(9))
    environment = {"UPSTREAM_KEY": "sk-x"} | ({"KEEPTRUSTS_GATEWAY_TOKEN": token} if token else {})
    settings = Settings(policy_config=pack, state_root=tmp_path, listen=Address(listen, 0), environment=environment)
    with pytest.raises(InvalidSettings, match=word) as raised:
        async with open_gateway(settings):
            pass
    assert token is None or token not in str(raised.value)


async def test_anonymous_callers_are_served_where_the_operator_says_so(tmp_path):
    settings = {"listen": Address("0.0.0.0", 0), "allow_anonymous": True}
    async with open_world(tmp_path, ANSWER, settings=settings) as world:
        assert (await world.ask("/v1/chat/completions", CHAT, host="gateway.internal")).status == 200


# Pages.


async def get(world: World, path: str, **headers) -> tuple[int, dict]:
    answer = await world.ask(path, method="GET", **headers)
    return answer.status, json.loads(answer.body)


async def test_health_is_full_for_this_machine_and_counts_what_was_served(tmp_path):
    async with open_world(tmp_path, ANSWER, chain=PII, token=TOKEN, name="blue", version="0.3.0") as world:
        await world.ask("/v1/chat/completions", CHAT)
        status, health = await get(world, "/health", authorization="")
    assert (status, health["status"], health["policies_loaded"], health["requests_processed"]) == (200, "healthy", 2, 1)
    assert health["uptime_seconds"] >= 0
    assert health["config"]["name"] == "blue"
    assert health["config"]["pack_version"] == "0.3.0"
    assert health["config"]["digest"].startswith("sha256:")
    assert (health["config"]["source"], health["config"]["rejected"]) == ("file", [])
    assert health["providers"] == {"oa": "reachable", "an": "reachable"}
    assert health["events"]["dropped"] == 0
    assert health["version"]


async def test_a_missing_secret_is_degraded_and_no_secret_at_all_unhealthy(tmp_path):
    here = {"id": "here", "provider": "openai", "model": "m", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    gone = {"id": "gone", "provider": "openai", "model": "n", "secret_key_ref": {"env": "NOT_SET"}}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with open_world(tmp_path / "a", ANSWER, providers={"targets": [here, gone]}) as world:
        status, health = await get(world, "/health")
        assert (status, health["status"], health["providers"]["gone"]) == (200, "degraded", "unavailable")
        assert (await get(world, "/readyz"))[0] == 200
        answer = await world.ask("/v1/chat/completions", CHAT | {"model": "n"})
        assert (answer.status, code_of(answer)) == (503, "target_unavailable")
        assert (await world.event()).error_code == "target_unavailable"
    async with open_world(tmp_path / "b", ANSWER, providers={"targets": [gone]}) as world:
        status, health = await get(world, "/health")
        assert (status, health["status"]) == (503, "unhealthy")
        assert (await get(world, "/readyz"))[0] == 503
        assert (await get(world, "/healthz")) == (200, {"status": "alive"})


async def test_the_key_can_ask_what_it_may_do(tmp_path):
    async with open_world(tmp_path, ANSWER, chain=PII, token=TOKEN) as world:
        status, me = await get(world, "/keeptrusts/me")
        assert (await get(world, "/keeptrusts/me", authorization=""))[0] == 401
    assert (status, me["config"], me["policies"]) == (200, {"name": "blue", "pack_version": "1.0.0"}, list(PII))
    assert me["limits"]["max_in_flight"] == 1000


async def test_admin_pages_show_no_secret_and_need_the_token(tmp_path):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        await world.ask("/v1/chat/completions", CHAT)
        status, config = await get(world, "/keeptrusts/config")
        metrics = (await get(world, "/keeptrusts/providers/metrics"))[1]["providers"]["oa"]
        for page in ("/keeptrusts/config", "/keeptrusts/providers/metrics"):
            assert (await get(world, page, authorization=""))[0] == 401
        assert (await world.ask("/keeptrusts/config/reload", authorization="")).status == 401
    assert status == 200
    assert {target["id"]: target["has_credential"] for target in config["targets"]} == {"oa": True, "an": True}
    assert "sk-canary" not in json.dumps(config)
    assert (metrics["requests"], metrics["failures"], metrics["open"], metrics["last_status"]) == (1, 0, 0, 200)


async def test_an_admin_address_takes_the_admin_pages_away_from_the_other(tmp_path):
    settings = {"admin_listen": Address("127.0.0.1", 0)}
    async with open_world(tmp_path, ANSWER, token=TOKEN, settings=settings) as world:
        assert (await get(world, "/keeptrusts/config"))[0] == 404
        assert (await world.ask("/keeptrusts/config/reload")).status == 404
        assert (await get(world, "/health"))[0] == 200
        connection = await connect(world.gateway.servers[1].port)
        head = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        answer = await connection.ask(f"GET /keeptrusts/config HTTP/1.1\r\n{head}\r\n".encode())
        assert answer.status == 200
        answer = await connection.ask(f"POST /v1/chat/completions HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n".encode())
        assert answer.status == 404
        connection.close()


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
    ("DELETE", "/v1/messages", 405, "method_not_allowed"),
    ("POST", "/v1/models", 405, "method_not_allowed"),
    ("POST", "/health", 405, "method_not_allowed"),
    ("GET", "/v1/files", 404, "route_not_offered"),
    ("POST", "/v1/batches", 404, "route_not_offered"),
    ("POST", "/v1/realtime/sessions", 404, "route_not_offered"),
    ("GET", "/v1/responses/resp_1", 404, "route_not_offered"),
    ("POST", "/v1/messages/batches", 404, "route_not_offered"),
    ("POST", "/v1/nonsense", 404, "route_not_found"),
    ("GET", "/", 404, "route_not_found"),
    ("POST", "/V1/chat/completions", 404, "route_not_found"),
    ("POST", "/v1//chat/completions", 404, "route_not_found"),
    ("POST", "/v1/chat/../messages", 404, "route_not_offered"),
])  # fmt: skip
async def test_other_paths_and_methods_are_refused_by_name(tmp_path, method, path, status, code):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        answer = await world.ask(path, b"", method=method)
        assert (answer.status, code_of(answer)) == (status, code)
        assert json.loads(answer.body)["error"]["message"]
        assert (world.replay.calls, world.events()) == (0, [])


async def test_a_target_of_another_dialect_is_named(tmp_path):
    target = {"id": "claude", "provider": "anthropic", "model": "m", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    async with open_world(tmp_path, ANSWER, providers={"targets": [target]}) as world:
        answer = await world.ask("/v1/embeddings", {"model": "m", "input": "hi"})
    assert (answer.status, code_of(answer)) == (400, "route_not_supported_by_target")
    assert "claude" in json.loads(answer.body)["error"]["message"]


# Every refusal on a messages route has the shape that Anthropic's SDK reads.

DEEP = b'{"model":' + b"[" * 500 + b"]" * 500 + b"}"
BIG = {"content_length": str(10_000_000)}
REFUSALS = {
    "no key": ({"authorization": ""}, MESSAGE, 401, "authentication_error"),
    "a wrong key": ({"authorization": "Bearer wrong-wrong-wrong"}, MESSAGE, 401, "authentication_error"),
    "malformed JSON": ({}, b"{", 400, "invalid_request_error"),
    "too deep": ({}, DEEP, 400, "invalid_request_error"),
    "another type": ({"content_type": "text/plain"}, MESSAGE, 415, "invalid_request_error"),
    "unknown encoding": ({"content_encoding": "br"}, MESSAGE, 415, "invalid_request_error"),
    "bad gzip": ({"content_encoding": "gzip"}, MESSAGE, 400, "invalid_request_error"),
    "too large": (BIG, b"", 413, "request_too_large"),
    "unknown model": ({}, MESSAGE | {"model": "n"}, 404, "not_found_error"),
    "odd expectation": ({"expect": "miracles"}, MESSAGE, 417, "invalid_request_error"),
}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/messages"])
@pytest.mark.parametrize("case", list(REFUSALS))
async def test_every_refusal_of_a_message_has_the_shape_of_its_sdk(tmp_path, path, case):
    headers, body, status, kind = REFUSALS[case]
    target = {"id": "a", "provider": "anthropic", "model": "m", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    limits = {"max_body_bytes": 1_000_000}
    async with open_world(
        tmp_path, ANSWER, token=TOKEN, providers={"targets": [target]}, size_limits=limits, chain=PII
    ) as world:
        answer = await world.ask(path, body, **headers)
    tree = json.loads(answer.body)
    assert (answer.status, tree["type"], tree["error"]["type"]) == (status, "error", kind)
    assert tree["error"]["message"]
    assert tree["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("case", list(REFUSALS))
async def test_every_refusal_of_a_chat_has_the_shape_of_its_sdk(tmp_path, case):
    headers, body, status, _ = REFUSALS[case]
    target = {"id": "a", "provider": "openai", "model": "m", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    limits = {"max_body_bytes": 1_000_000}
    async with open_world(
        tmp_path, ANSWER, token=TOKEN, providers={"targets": [target]}, size_limits=limits, chain=PII
    ) as world:
        answer = await world.ask("/v1/chat/completions", body, **headers)
    error = json.loads(answer.body)["error"]
    assert answer.status == status
    assert error.keys() >= {"message", "type", "param", "code", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]


UNREAD = {
    "unknown encoding": ({"content_encoding": "br"}, b"{}", "unsupported_encoding"),
    "bad gzip": ({"content_encoding": "gzip"}, b"{}", "invalid_encoding"),
    "too large": ({"content_length": "99999999"}, b"", "body_too_large"),
    "a bomb": ({"content_encoding": "gzip"}, gzip.compress(b"0" * 2_000_000), "body_too_large"),
    "odd expectation": ({"expect": "miracles"}, b"{}", "expectation_failed"),
    "chunks without end": (
        {"content_length": "", "transfer_encoding": "chunked"},
        b"ffff\r\n" + b"0" * 0xFFFF + b"\r\n",
        "body_too_large",
    ),
    "broken chunks": ({"content_length": "", "transfer_encoding": "chunked"}, b"no size\r\n", "invalid_request"),
}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("case", list(UNREAD))
async def test_a_call_whose_body_cannot_be_taken_has_its_event(tmp_path, path, case):
    headers, body, code = UNREAD[case]
    async with open_world(tmp_path, ANSWER, size_limits={"max_body_bytes": 4096}) as world:
        answer = await world.ask(path, body, **headers)
        event = await world.event()
        assert (await world.health())["status"] == "healthy"
        assert world.gateway.servers[0].budget.held == 0
    assert code_of(answer) == event.error_code == code
    assert answer.headers["x-request-id"] == event.request_id
    assert (event.route, event.status, event.attempts) == (path, answer.status, ())


async def test_a_connection_that_is_kept_open_says_the_same_the_second_time(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        connection = await connect(world.port)
        for _ in range(3):
            assert (await connection.ask(post("/v1/chat/completions", json.dumps(CHAT).encode()))).status == 200
        answer = await connection.ask(post("/v1/messages", b"{"))
        assert json.loads(answer.body)["error"]["type"] == "invalid_request_error"
        for _ in range(2):
            packed = post("/v1/messages", b"{}").replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type")
            answer = await connection.ask(packed)
            assert (answer.status, code_of(answer)) == (400, "invalid_encoding")
            assert json.loads(answer.body)["type"] == "error"
        connection.close()
        assert len(world.events()) == 6
