"""When calls are traced."""

import sys

import pytest

from keeptrusts.gateway.tracing import start
from keeptrusts.gateway.tracing.start import is_asked_for, open_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "mine"}, False),
    ],
)
def test_calls_are_traced_where_a_collector_is_named(environment, expected):
    assert is_asked_for(environment) is expected


@pytest.mark.anyio
async def test_without_a_collector_nothing_is_opened():
    async with open_tracing({}, "ins_1") as outlet:
        assert outlet is None


@pytest.mark.anyio
async def test_without_the_extra_the_gateway_starts_and_says_what_to_install(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "keeptrusts.gateway.tracing.export", None)
    async with open_tracing(ENDPOINT, "ins_1") as outlet:
        assert outlet is None
    assert "pip install 'keeptrusts[otel]'" in caplog.text


@pytest.mark.anyio
async def test_a_protocol_that_is_not_spoken_is_told(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    async with open_tracing(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "ins_1") as outlet:
        assert outlet is not None
    assert "OTLP over HTTP" in caplog.text


@pytest.mark.parametrize(("text", "expected"), [("", 2048), ("16", 16), ("0", 2048), ("-3", 2048), ("many", 2048)])
def test_the_queue_is_as_long_as_the_variable_says_if_it_says_a_length(text, expected):
    assert start._max_queue({"OTEL_BSP_MAX_QUEUE_SIZE": text}) == expected
