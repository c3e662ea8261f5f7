"""The way of spans out of the process: a bounded queue, and OpenTelemetry's thread that sends what is in it.

Nothing here waits: what finds no room is counted and gone, and so is what a collector does not take.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from keeptrusts import __version__
from keeptrusts.gateway.record import CallRecord
from keeptrusts.gateway.trace import Tracing
from keeptrusts.gateway.trace_context import TraceContext
from keeptrusts.gateway.tracing.spans import make_spans

FLUSH_S = 5.0
"""What a stopping gateway gives the last spans."""

_TAKE = Decision.RECORD_AND_SAMPLE

log = logging.getLogger(__name__)


class CountingExporter(SpanExporter):
    """Hands batches to another exporter. Runs in the processor's thread; the counts are read from the loop."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = 0
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:
            self.lost += len(spans)
            raise
        if result is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class EnvironmentSampling:
    """Decides as `OTEL_TRACES_SAMPLER` says: without it, as the client's trace does, and always where there is none."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def admits(self, trace_id: int, parent: TraceContext | None) -> bool:
        context = None
        if parent is not None:
            flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
            remote = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
            context = set_span_in_context(NonRecordingSpan(remote))
        return self._sampler.should_sample(context, trace_id, "call", SpanKind.SERVER).decision is _TAKE


class SpanOutlet:
    """Makes the spans of sampled calls and queues them. Owned by the event loop."""

    def __init__(self, exporter: SpanExporter, *, resource: Resource, sampler: Sampler, max_queue: int) -> None:
        self._exporter = CountingExporter(exporter)
        self._processor = BatchSpanProcessor(
            self._exporter, max_queue_size=max_queue, max_export_batch_size=min(512, max_queue)
        )
        self._resource = resource
        self._max_queue = max_queue
        self._queued = 0
        self._refused = 0
        self.tracing = Tracing(EnvironmentSampling(sampler))

    @property
    def dropped(self) -> int:
        """Spans that never reached a collector: no room in the queue, or not taken."""
        return self._refused + self._exporter.lost

    def note(self, record: CallRecord) -> None:
        """Queue the spans of a call that has ended. Never raises: a trace is not worth a call."""
        trace = record.trace
        if trace is None or not trace.is_sampled:
            return
        try:
            for span in make_spans(record, trace, self._resource):
                self._put(span)
        except Exception:
            self._refused += 1
            log.exception("the spans of a call could not be made", extra={"facts": {"request_id": record.request_id}})

    def _put(self, span: ReadableSpan) -> None:
        if self._queued - self._exporter.taken >= self._max_queue:
            self._refused += 1
            return
        self._queued += 1
        self._processor.on_end(span)

    async def close(self) -> None:
        """Send what is queued, for a while; then what a collector has not taken is gone."""
        flush = asyncio.get_running_loop().run_in_executor(None, self._processor.shutdown)
        _, waiting = await asyncio.wait([flush], timeout=FLUSH_S)
        if waiting:
            self._exporter.shutdown()  # which ends its retries, and with them the flush
            await asyncio.wait([flush], timeout=FLUSH_S)


@asynccontextmanager
async def open_outlet(instance_id: str, max_queue: int) -> AsyncIterator[SpanOutlet]:
    """Export to where OpenTelemetry's own variables say, for the life of the block."""
    provider = TracerProvider(resource=_resource(instance_id), shutdown_on_exit=False)
    outlet = SpanOutlet(OTLPSpanExporter(), resource=provider.resource, sampler=provider.sampler, max_queue=max_queue)
    try:
        yield outlet
    finally:
        await outlet.close()


def _resource(instance_id: str) -> Resource:
    """Who reports; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win."""
    own = Resource.create(
        {"service.name": "keeptrusts-gateway", "service.version": __version__, "service.instance.id": instance_id}
    )
    return own.merge(OTELResourceDetector().detect())
