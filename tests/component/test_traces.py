"""A whole gateway that traces its calls: to a collector over OTLP, and through to the provider."""

from contextlib import asynccontextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fakes.expositions import read_exposition
from fakes.replay import Reply, open_replay, stream
from fakes.worlds import PII, PROVIDER_KEY, open_world

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Mail canary@example.com"}]}
ANSWER = Reply(body=b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}')
EVENTS = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Collected:
    """What a collector was sent, by the gateways of a block."""

    def __init__(self, replay):
        self._replay = replay

    @property
    def bodies(self):
        return b"".join(call.body for call in self._replay.received)

    def spans(self):
        """Every span by its name, with its attributes as a dict; the service's name beside it."""
        found = {}
        for call in self._replay.received:
            assert call.target == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(call.body).resource_spans:
                for scope in resource.scope_spans:
                    found |= {span.name: span for span in scope.spans}
        return found


@asynccontextmanager
async def traced(folder, monkeypatch, *replies, collector=None, **options):
    async with open_replay(collector or Reply(content_type="application/x-protobuf")) as replay:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{replay.port}", "NO_PROXY": "127.0.0.1"}
        for name, value in endpoint.items():
            monkeypatch.setenv(name, value)
        token = {"KEEPTRUSTS_GATEWAY_TOKEN": options["token"]} if "token" in options else {}
        settings = {"environment": {"UPSTREAM_KEY": PROVIDER_KEY} | token | endpoint}
        yield Collected(replay), open_world(folder, *replies, settings=settings, **options)


def attributes_of(span):
    values = {item.key: item.value for item in span.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


async def test_a_call_arrives_at_the_collector_under_the_trace_of_its_client(tmp_path, monkeypatch):
    async with traced(tmp_path, monkeypatch, ANSWER, chain=PII) as (collected, opening):
        async with opening as world:
            answer = await world.ask("/v1/chat/completions", CHAT, **PARENT)
            sent = world.replay.last
        spans = collected.spans()
    server, client = spans["POST /v1/chat/completions"], spans["chat gpt-4o-mini"]
    assert {server.trace_id.hex(), client.trace_id.hex()} == {TRACE}
    assert (server.parent_span_id.hex(), client.parent_span_id) == (SPAN, server.span_id)
    assert attributes_of(server)["keeptrusts.request_id"] == answer.headers["x-request-id"]
    assert attributes_of(server)["keeptrusts.decision"] == "redact"
    assert attributes_of(client)["gen_ai.usage.input_tokens"] == 9
    assert attributes_of(client)["server.port"] == world.replay.port
    assert sent.header("traceparent") == f"00-{TRACE}-{client.span_id.hex()}-01"
    assert sent.header("tracestate") == "vendor=1"
    assert len([name for name, _ in sent.headers if name == "traceparent"]) == 1


async def test_a_stream_is_a_span_that_lasts_as_long(tmp_path, monkeypatch):
    async with traced(tmp_path, monkeypatch, stream(EVENTS)) as (collected, opening):
        async with opening as world:
            await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        spans = collected.spans()
    client = attributes_of(spans["chat gpt-4o-mini"])
    assert client["gen_ai.request.stream"] is True
    assert client["gen_ai.response.time_to_first_chunk"] > 0
    assert spans["chat gpt-4o-mini"].end_time_unix_nano == spans["POST /v1/chat/completions"].end_time_unix_nano


async def test_each_target_that_was_tried_has_a_span_of_its_own(tmp_path, monkeypatch):
    """The first target fails, the second answers; both were told of the same trace, as different spans."""
    targets = [
        {
            "id": name,
            "provider": "openai",
            "model": model,
            "aliases": ["any"],
            "secret_key_ref": {"env": "UPSTREAM_KEY"},
        }
        for name, model in (("one", "first"), ("two", "second"))
    ]
    replies = (Reply(status=503, body=b"{}"), ANSWER)
    options = {"targets": targets, "providers": {"fallback": {}}}
    async with traced(tmp_path, monkeypatch, *replies, **options) as (collected, opening):
        async with opening as world:
            assert (await world.ask("/v1/chat/completions", CHAT | {"model": "any"}, **PARENT)).status == 200
            page = read_exposition((await world.ask("/metrics", method="GET")).body)
            sent = [call.header("traceparent") for call in world.replay.received]
        spans = collected.spans()
    tried = [spans["chat first"], spans["chat second"]]
    assert sent == [f"00-{TRACE}-{span.span_id.hex()}-01" for span in tried]
    assert [attributes_of(span).get("error.type") for span in tried] == ["503", None]
    assert page["keeptrusts_gateway_fallbacks_total"].value(target="one") == 1
    assert page["keeptrusts_gateway_attempts_total"].value(target="two") == 1


async def test_a_trace_that_the_client_does_not_sample_is_passed_on_and_not_exported(tmp_path, monkeypatch):
    async with traced(tmp_path, monkeypatch, ANSWER) as (collected, opening):
        async with opening as world:
            await world.ask("/v1/chat/completions", CHAT, traceparent=f"00-{TRACE}-{SPAN}-00")
            sent = world.replay.last.header("traceparent")
        assert collected.spans() == {}
    assert sent.startswith(f"00-{TRACE}-")
    assert sent.endswith("-00")
    assert SPAN not in sent


async def test_a_collector_that_fails_costs_spans_and_no_call(tmp_path, monkeypatch):
    broken = Reply(status=400, body=b"no")
    async with traced(tmp_path, monkeypatch, ANSWER, collector=broken) as (_, opening), opening as world:
        assert (await world.ask("/v1/chat/completions", CHAT)).status == 200


async def test_without_a_collector_the_clients_trace_passes_unchanged(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        await world.ask("/v1/chat/completions", CHAT, **PARENT)
        assert {name: world.replay.last.header(name) for name in PARENT} == PARENT


async def test_spans_hold_no_text_and_no_credential(tmp_path, monkeypatch):
    echo = Reply(status=400, body=b'{"error":{"message":"you said canary@example.com"}}')
    blocks = {"policy": {"pii-detector": {"action": "block"}}}
    token = "a-canary-token-of-ours"
    async with traced(tmp_path, monkeypatch, echo, token=token) as (collected, opening), opening as world:
        await world.ask("/v1/chat/completions", CHAT)
        await world.ask("/v1/messages", CHAT | {"max_tokens": 3, "system": "canary-system"})
        await world.ask("/v1/chat/completions", b'{"canary"')
    async with traced(tmp_path / "b", monkeypatch, ANSWER, chain=PII, **blocks) as (blocked, opening):
        (tmp_path / "b").mkdir()
        async with opening as world:
            await world.ask("/v1/chat/completions", CHAT)
    for one in (collected, blocked):
        assert one.spans()
        assert b"canary" not in one.bodies
