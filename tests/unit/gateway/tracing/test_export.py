"""The way of spans out of the process: bounded, counted, and never in the way."""

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_OFF, DEFAULT_ON

from fakes.heads import make_head
from fakes.records import make_call, make_record
from keeptrusts.gateway.tracing.export import SpanOutlet, open_outlet

pytestmark = pytest.mark.anyio

SAMPLED = make_head(traceparent=b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
NEW = make_head()
UNSAMPLED = make_head(traceparent=b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")


class Failing(SpanExporter):
    """A collector that takes nothing."""

    def export(self, spans):
        return SpanExportResult.FAILURE

    def shutdown(self):
        pass


class Broken(Failing):
    def export(self, spans):
        raise RuntimeError("broken")


def make_outlet(exporter, *, sampler=DEFAULT_ON, max_queue=100):
    return SpanOutlet(exporter, resource=Resource({}), sampler=sampler, max_queue=max_queue)


def note(outlet, head=SAMPLED, **changes):
    make_record(observer=outlet, trace=outlet.tracing.begin(head), call=make_call(), **changes).close()


async def test_the_spans_of_a_call_come_out_of_the_exporter():
    exporter = InMemorySpanExporter()
    outlet = make_outlet(exporter)
    note(outlet)
    await outlet.close()
    [span] = exporter.get_finished_spans()
    assert span.context.trace_id == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert outlet.dropped == 0


@pytest.mark.parametrize(
    ("sampler", "head", "count"),
    [
        (DEFAULT_ON, SAMPLED, 1),
        (DEFAULT_ON, UNSAMPLED, 0),
        (DEFAULT_ON, NEW, 1),
        (DEFAULT_OFF, SAMPLED, 1),
        (DEFAULT_OFF, NEW, 0),
        (ALWAYS_ON, UNSAMPLED, 1),
        (ALWAYS_OFF, SAMPLED, 0),
    ],
)
async def test_the_sampler_decides_and_heeds_the_client_where_it_says_so(sampler, head, count):
    exporter = InMemorySpanExporter()
    outlet = make_outlet(exporter, sampler=sampler)
    note(outlet, head)
    await outlet.close()
    assert len(exporter.get_finished_spans()) == count


async def test_a_call_without_a_trace_makes_no_span():
    exporter = InMemorySpanExporter()
    outlet = make_outlet(exporter)
    make_record(observer=outlet).close()
    await outlet.close()
    assert not exporter.get_finished_spans()


@pytest.mark.parametrize("exporter", [Failing, Broken])
async def test_what_a_collector_does_not_take_is_counted(exporter):
    outlet = make_outlet(exporter())
    note(outlet)
    note(outlet)
    await outlet.close()
    assert outlet.dropped == 2


async def test_a_full_queue_drops_and_counts():
    exporter = InMemorySpanExporter()
    outlet = make_outlet(exporter, max_queue=4)
    outlet._processor._batch_processor._export_lock.acquire()  # the thread is stuck at its collector
    for _ in range(50):
        note(outlet)
    outlet._processor._batch_processor._export_lock.release()
    await outlet.close()
    assert len(exporter.get_finished_spans()) + outlet.dropped == 50
    assert len(exporter.get_finished_spans()) == 4


async def test_a_call_whose_spans_cannot_be_made_is_not_failed_by_that(caplog):
    outlet = make_outlet(InMemorySpanExporter())
    trace = outlet.tracing.begin(NEW)
    trace.attempts.append(None)
    make_record(observer=outlet, trace=trace, call=make_call()).close()
    await outlet.close()
    assert outlet.dropped == 1
    assert "could not be made" in caplog.text


async def test_the_names_of_the_service_are_ours_until_somebody_gives_others(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    async with open_outlet("ins_1", 10) as outlet:
        attributes = outlet._resource.attributes
        assert (attributes["service.name"], attributes["service.instance.id"]) == ("keeptrusts-gateway", "ins_1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "team-blue")
    async with open_outlet("ins_1", 10) as outlet:
        assert outlet._resource.attributes["service.name"] == "team-blue"
