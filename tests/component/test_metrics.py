"""`/metrics` of a whole gateway: what calls leave there, who sees it, and that nothing of a caller stands in it."""

import gzip
import json
import logging

import pytest

from fakes.clients import connect
from fakes.expositions import read_exposition
from fakes.replay import Reply, stream
from fakes.worlds import PII, open_world
from keeptrusts.gateway.settings import Address
from keeptrusts.runtime.logs import JsonFormatter

pytestmark = pytest.mark.anyio

P = "keeptrusts_gateway_"
TOKEN = "a-canary-token-of-the-operator"
CHAT = {"model": "canary-model", "messages": [{"role": "user", "content": "Mail canary@example.com"}]}
ANSWER = Reply(body=b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}')
CUT = stream(b'data: {"choices":[{"index":0,"delta":{"content":"canary"}}]}\n\n', ending="cut")
ECHO = Reply(status=400, body=b'{"error":{"message":"you said canary"}}')


async def scrape(world, **headers):
    answer = await world.ask("/metrics", method="GET", **headers)
    assert answer.status == 200
    return answer


async def test_every_kind_of_end_is_counted_and_no_canary_is_told(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    async with open_world(tmp_path, ANSWER, ECHO, CUT, token=TOKEN, chain=PII) as world:
        await world.ask("/v1/chat/completions", CHAT)
        await world.ask("/v1/chat/completions", CHAT)
        await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        await world.ask("/v1/chat/completions", b'{"canary"')
        await world.ask("/v1/canary", CHAT)
        await world.ask("/v1/messages", CHAT, authorization="Bearer canary-key-of-a-stranger")
        await world.ask("/v1/messages?token=canary", CHAT)
        answer = await scrape(world)
        metrics = read_exposition(answer.body)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    requests = metrics[P + "requests_total"]
    assert requests.value(target="oa", status="2xx") == 2
    assert requests.value(target="oa", status="4xx") == 1
    assert requests.value(target="other", status="4xx") == 1
    assert metrics[P + "errors_total"].value(code="upstream_truncated") == 1
    assert metrics[P + "errors_total"].value(code="upstream_error") == 1
    assert metrics[P + "policy_evaluations_total"].value(kind="pii-detector", verdict="redact") == 3
    assert metrics[P + "refusals_total"].value(code="invalid_key") == 1
    assert metrics[P + "tokens_total"].value(direction="input", target="oa") >= 9
    assert metrics[P + "first_byte_seconds"].value("_count", target="oa") == 3
    assert metrics[P + "spool_bytes"].value() > 0
    assert metrics[P + "connections"].value() >= 1
    lines = [JsonFormatter().format(record) for record in caplog.records if record.name.startswith("keeptrusts")]
    assert b"canary" not in answer.body
    assert not [line for line in lines if "canary" in line]
    refused = [json.loads(line) for line in lines if json.loads(line)["message"] == "refused"]
    assert refused
    assert all(line["request_id"].startswith("req_") for line in refused)


async def test_what_the_edge_refuses_by_itself_is_counted_too(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        connection = await connect(world.port)
        await connection.ask(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        connection.close()
        refusals = read_exposition((await scrape(world)).body)[P + "refusals_total"]
    assert sum(refusals.samples.values()) == 1


async def test_a_scraper_gets_the_page_compressed(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        await world.ask("/v1/chat/completions", CHAT)
        answer = await scrape(world, accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert read_exposition(gzip.decompress(answer.body))[P + "requests_total"].value() == 1


async def test_an_admin_address_takes_metrics_and_the_whole_of_health_away(tmp_path):
    settings = {"admin_listen": Address("127.0.0.1", 0)}
    async with open_world(tmp_path, ANSWER, settings=settings) as world:
        assert (await world.ask("/metrics", method="GET")).status == 404
        assert set(await world.health()) == {"status", "version"}
        connection = await connect(world.gateway.servers[1].port)
        page = await connection.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        health = await connection.ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    assert P + "pack_info" in read_exposition(page.body)
    assert "providers" in json.loads(health.body)
