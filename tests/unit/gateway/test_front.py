"""The handler behind an address: what goes where, and how refusals look."""

import json

import pytest

from fakes.exchanges import MemoryResponse
from fakes.gateways import open_memory_gateway
from fakes.heads import make_head
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import TokenCallers
from keeptrusts.gateway.front import MAX_PAGE_BODY, PageVisit
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.gateway.routes import ADMIN_PAGES, MODEL_ROUTES, PAGES, Page

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-gateway"


@pytest.fixture
async def gateway(tmp_path):
    async with open_memory_gateway(tmp_path, callers=TokenCallers(Secret(TOKEN))) as gateway:
        yield gateway


async def code_of(gateway, method, path, **options):
    line = await gateway.ask(method, path, **options)
    return line.status, json.loads(line.body)["error"]["code"]


@pytest.mark.parametrize("path", MODEL_ROUTES)
async def test_every_model_route_asks_for_the_key_before_a_body_is_read(gateway, path):
    refusal = gateway.front().admit(make_head("POST", path))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 401


@pytest.mark.parametrize("page", sorted(ADMIN_PAGES))
async def test_every_admin_page_asks_for_the_key_before_a_body_is_read(gateway, page):
    [method] = [method for (method, path) in PAGES if path == page]
    assert gateway.front().admit(make_head(method, page)).status == 401
    assert gateway.front().admit(make_head(method, page, x_api_key=TOKEN.encode())) == PageVisit(MAX_PAGE_BODY, page)


@pytest.mark.parametrize("path", ["/v1/models", "/keeptrusts/me", "/v1/models/gpt-4o-mini"])
async def test_pages_for_callers_ask_for_the_key(gateway, path):
    assert await code_of(gateway, "GET", path) == (401, "missing_key")
    assert (await gateway.ask("GET", path, x_api_key=TOKEN.encode())).status == 200


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_probes_need_no_key(gateway, method, path):
    line = await gateway.ask(method, path, peer="10.0.0.1")
    assert line.status == 200
    assert (line.body == b"") == (method == "HEAD")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", (404, "route_not_found")),
        ("POST", "/v2/chat/completions", (404, "route_not_found")),
        ("POST", "/v1/files", (404, "route_not_offered")),
        ("GET", "/v1/responses/resp_1", (404, "route_not_offered")),
        ("POST", "/v1/models", (405, "method_not_allowed")),
        ("DELETE", "/health", (405, "method_not_allowed")),
        ("GET", "/keeptrusts/config/reload", (405, "method_not_allowed")),
        ("GET", "/v1/chat/completions/", (404, "route_not_found")),
        ("GET", "/v1/../keeptrusts/config", (404, "route_not_found")),
    ],
)
async def test_other_paths_are_refused_by_name(gateway, method, path, expected):
    assert await code_of(gateway, method, path) == expected


async def test_only_post_reaches_a_model_route(gateway):
    assert await code_of(gateway, "GET", "/v1/chat/completions", x_api_key=TOKEN.encode()) == (
        405,
        "method_not_allowed",
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("POST", "/v1/models/gpt-4o-mini", "GET, HEAD"),
        ("DELETE", "/health", "GET, HEAD"),
        ("GET", "/keeptrusts/config/reload", "POST"),
    ],
)
async def test_a_refused_method_is_told_those_that_are_taken(gateway, method, path, allowed):
    line = await gateway.ask(method, path, x_api_key=TOKEN.encode())
    assert (line.status, line.headers["allow"]) == (405, allowed)


async def test_lines_about_refusals_are_bounded_and_the_next_one_counts_those_left_out(gateway, caplog):
    caplog.set_level("INFO")
    front = gateway.front()
    for _ in range(50):
        await gateway.ask(front=front)
    gateway.clock.advance(1)
    await gateway.ask(front=front)
    lines = [record.facts for record in caplog.records if record.message == "refused"]
    assert len(lines) == 11
    assert [line.get("suppressed") for line in lines] == [None] * 10 + [40]


async def test_admin_pages_move_to_their_own_address(gateway):
    key = {"x_api_key": TOKEN.encode()}
    traffic, admin = gateway.front(serves_admin=False), gateway.front(serves_traffic=False)
    for page in ADMIN_PAGES:
        [method] = [method for (method, path) in PAGES if path == page]
        assert await code_of(gateway, method, page, front=traffic, **key) == (404, "route_not_found")
        assert await code_of(gateway, "PUT", page, front=traffic, **key) == (404, "route_not_found")
        assert (await gateway.ask(method, page, front=admin, **key)).status == 200
    assert await code_of(gateway, "POST", "/v1/chat/completions", front=admin, **key) == (404, "route_not_found")
    assert await code_of(gateway, "GET", "/v1/models/gpt-4o-mini", front=admin, **key) == (404, "route_not_found")
    assert (await gateway.ask("GET", Page.HEALTH, front=admin)).status == 200


async def test_metrics_and_the_whole_of_health_move_to_the_admin_address(gateway):
    traffic, admin = gateway.front(serves_admin=False), gateway.front(serves_traffic=False)
    assert await code_of(gateway, "GET", "/metrics", front=traffic) == (404, "route_not_found")
    assert (await gateway.ask("GET", "/metrics", front=admin)).status == 200
    assert set(json.loads((await gateway.ask("GET", "/health", front=traffic)).body)) == {"status", "version"}
    assert "providers" in json.loads((await gateway.ask("GET", "/health", front=admin)).body)


async def test_refusals_are_counted_by_their_code(gateway):
    await gateway.ask(path="/v1/messages")
    await gateway.ask(x_api_key=b"a-wrong-token-of-a-stranger")
    await gateway.ask("GET", "/nowhere")
    counted = {"missing_key": 1, "invalid_key": 1, "route_not_found": 1}
    assert gateway.meter.counters().refusals == counted


async def test_a_refusal_is_in_the_shape_of_the_clients_sdk_and_bears_a_request_id(gateway):
    openai = await gateway.ask(path="/v1/chat/completions")
    anthropic = await gateway.ask(path="/v1/messages")
    assert list(json.loads(openai.body)) == ["error"]
    assert json.loads(openai.body)["error"]["request_id"] == openai.headers["x-request-id"]
    assert json.loads(anthropic.body)["type"] == "error"
    assert json.loads(anthropic.body)["request_id"] == anthropic.headers["request-id"]
    assert openai.headers["content-type"] == anthropic.headers["content-type"] == "application/json"
    assert openai.headers["x-should-retry"] == "false"


async def test_a_refusal_is_no_event_and_logs_no_credential(gateway, caplog):
    caplog.set_level("INFO")
    await gateway.ask(x_api_key=b"somebody-elses-canary")
    assert gateway.events() == []
    [record] = [record for record in caplog.records if record.message == "refused"]
    assert record.facts["code"] == "invalid_key"
    assert "canary" not in str(record.facts)


async def test_a_call_that_is_admitted_is_served(gateway):
    gateway.client.answers.append(MemoryResponse(b'{"choices": []}'))
    tree = {"model": "gpt-4o-mini", "messages": []}
    line = await gateway.ask(tree=tree, authorization=b"Bearer " + TOKEN.encode())
    assert (line.status, line.body) == (200, b'{"choices": []}')


@pytest.mark.parametrize("path", ["/v1/messages/batches", "/messages/batches/b_1/results", "/v1/messages/none"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_refusals_below_messages_have_the_shape_that_their_sdk_reads(gateway, method, path):
    line = await gateway.ask(method, path)
    body = json.loads(line.body)
    assert (line.status, body["type"], body["error"]["type"]) == (404, "error", "not_found_error")
