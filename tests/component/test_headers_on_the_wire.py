"""Which headers pass a whole gateway: those of its lists, and no credential in either direction."""

import json

import pytest

from fakes.replay import Reply
from fakes.worlds import PROVIDER_KEY, open_world

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-operator"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
MESSAGE = CHAT | {"max_tokens": 9}

PASS_UP = {"accept", "anthropic-beta", "anthropic-version", "idempotency-key", "openai-beta", "traceparent",
           "tracestate", "user-agent", "x-stainless-lang", "x-stainless-retry-count"}  # fmt: skip
STAY_DOWN = {"cookie", "openai-organization", "openai-project", "x-forwarded-for", "forwarded", "x-real-ip", "via",
             "origin", "referer", "x-request-id", "baggage", "accept-language", "te", "x-user-id",
             "proxy-authorization", "x-goog-api-key", "ocp-apim-subscription-key", "x-amz-security-token",
             "x-keeptrusts-target", "cf-connecting-ip", "if-none-match", "range", "priority", "sec-fetch-mode",
             "x-made-up"}  # fmt: skip
OURS = {"host", "content-type", "content-length", "accept-encoding"}

PASS_DOWN = {"openai-processing-ms", "openai-version", "retry-after", "retry-after-ms", "x-should-retry",
             "x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-remaining"}  # fmt: skip
STAY_UP = {"set-cookie", "alt-svc", "openai-organization", "openai-project", "server", "via", "cf-ray", "location",
           "strict-transport-security", "access-control-allow-origin", "www-authenticate", "anthropic-organization-id",
           "x-powered-by", "etag", "x-keeptrusts-decision", "x-keeptrusts-config", "keep-alive", "trailer", "nel",
           "content-disposition", "x-made-up"}  # fmt: skip
OURS_DOWN = {"date", "content-type", "content-length", "x-request-id", "x-keeptrusts-config", "x-keeptrusts-decision",
             "x-keeptrusts-target", "x-upstream-request-id"}  # fmt: skip


def canaries(names) -> dict[str, str]:
    return {name: f"canary-{name}" for name in names}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("carrier", ["authorization", "x-api-key", "api-key"])
async def test_a_provider_sees_the_headers_of_the_list_and_its_own_credential(tmp_path, path, carrier):
    credential = {"authorization": "", carrier: f"Bearer {TOKEN}" if carrier == "authorization" else TOKEN}
    async with open_world(tmp_path, Reply(body=b"{}"), token=TOKEN) as world:
        answer = await world.ask(path, MESSAGE, **credential, **canaries(PASS_UP | STAY_DOWN))
        assert answer.status == 200
        sent = world.replay.last
    own = "x-api-key" if path == "/v1/messages" else "authorization"
    names = [name for name, _ in sent.headers]
    assert sorted(names) == sorted(PASS_UP | OURS | {own})
    assert sent.header(own) == (PROVIDER_KEY if own == "x-api-key" else f"Bearer {PROVIDER_KEY}")
    assert all(sent.header(name) == f"canary-{name}" for name in PASS_UP)
    assert TOKEN not in str(sent.headers)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_client_sees_the_headers_of_the_list_and_ours(tmp_path, path, status):
    theirs = canaries(PASS_DOWN | STAY_UP) | {"x-request-id": "up_1", "request-id": "up_1"}
    reply = Reply(body=b'{"error":{}}', status=status, headers=tuple(theirs.items()))
    async with open_world(tmp_path, reply) as world:
        answer = await world.ask(path, MESSAGE)
    expected = PASS_DOWN | OURS_DOWN | ({"request-id"} if path == "/v1/messages" else set())
    assert set(answer.headers) == expected
    assert answer.headers["x-upstream-request-id"] == "up_1"
    assert answer.headers["x-request-id"].startswith("req_")
    assert all(answer.headers[name] == f"canary-{name}" for name in PASS_DOWN)


async def test_a_gateway_key_counts_before_another_credential_which_goes_nowhere(tmp_path):
    async with open_world(tmp_path, Reply(body=b"{}"), token=TOKEN) as world:
        answer = await world.ask("/v1/chat/completions", CHAT, x_api_key="sk-of-the-client")
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (401, "conflicting_keys")
        assert world.replay.calls == 0


async def test_a_query_is_kept(tmp_path):
    async with open_world(tmp_path, Reply(body=b"{}")) as world:
        await world.ask("/v1/messages?beta=true&x=%20", MESSAGE)
        assert world.replay.last.target == "/v1/messages?beta=true&x=%20"


@pytest.mark.parametrize("prefix", ["/v1", "", "/openai/v1"])
async def test_the_forms_of_a_path_lead_to_the_same_place(tmp_path, prefix):
    async with open_world(tmp_path, Reply(body=b"{}")) as world:
        assert (await world.ask(f"{prefix}/chat/completions", CHAT)).status == 200
        assert world.replay.last.target == "/v1/chat/completions"
