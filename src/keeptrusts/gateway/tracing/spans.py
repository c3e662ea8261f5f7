"""The spans of a call that has ended, under OpenTelemetry's conventions for HTTP and generative AI. Never a text.

One server span for the call, with an event for each thing that a policy said, and a client span for each attempt.
They are made at once from the call's record, so that the request path pays for identifiers only.
"""

from collections.abc import Iterator
from itertools import pairwise

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue

from keeptrusts import __version__
from keeptrusts.contract.call import Route
from keeptrusts.contract.events import PolicyOutcome
from keeptrusts.gateway.record import ROUTE_PATHS, CallRecord
from keeptrusts.gateway.trace import AttemptTrace, Trace

OPERATIONS = {
    Route.CHAT: "chat",
    Route.MESSAGES: "chat",
    Route.RESPONSES: "chat",
    Route.COMPLETIONS: "text_completion",
    Route.EMBEDDINGS: "embeddings",
    Route.COUNT_TOKENS: "count_tokens",
    Route.MODERATIONS: "moderation",
    Route.SPEECH: "speech",
    Route.TRANSCRIPTIONS: "transcription",
    Route.TRANSLATIONS: "translation",
    Route.IMAGE_GENERATIONS: "image_generation",
    Route.IMAGE_EDITS: "image_edit",
    Route.IMAGE_VARIATIONS: "image_variation",
}
"""`gen_ai.operation.name`. The first five stand in the conventions, which allow others."""

PROVIDERS = {"azure-openai": "azure.ai.openai", "google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
"""`gen_ai.provider.name`, where the conventions spell it otherwise than packs."""

_SCOPE = InstrumentationScope("keeptrusts.gateway", __version__)
_UNSET = Status()
_ERROR = Status(StatusCode.ERROR)

Attributes = dict[str, AttributeValue]


def make_spans(record: CallRecord, trace: Trace, resource: Resource) -> list[ReadableSpan]:
    """The server span, then the client spans, of a closed record."""
    maker = _SpanMaker(record, trace, resource)
    return [maker.server_span(), *maker.client_spans()]


class _SpanMaker:
    def __init__(self, record: CallRecord, trace: Trace, resource: Resource) -> None:
        self._record = record
        self._trace = trace
        self._resource = resource
        parent = trace.parent
        self._state = TraceState.from_header([parent.state.decode("ascii")]) if parent and parent.state else None
        self._own = self._context(trace.span_id)
        self._ended = record.started + record.latency_s

    def server_span(self) -> ReadableSpan:
        record, parent = self._record, self._trace.parent
        path = ROUTE_PATHS[record.route]
        is_ours = record.error_code is not None and (record.status is None or record.status >= 500)
        return ReadableSpan(
            f"POST {path}",
            context=self._own,
            parent=None if parent is None else self._context(parent.span_id, is_remote=True),
            resource=self._resource,
            attributes=self._server_attributes(path),
            events=tuple(self._policy_events()),
            kind=SpanKind.SERVER,
            status=_ERROR if is_ours else _UNSET,
            start_time=self._ns(record.started),
            end_time=self._ns(self._ended),
            instrumentation_scope=_SCOPE,
        )

    def client_spans(self) -> Iterator[ReadableSpan]:
        attempts = [attempt for attempt in self._trace.attempts if attempt.began]
        for attempt, following in pairwise([*attempts, None]):
            assert attempt is not None
            ended = attempt.ended if attempt.status is None else following.began if following else self._ended
            yield self._client_span(attempt, ended, is_last=following is None)

    def _client_span(self, attempt: AttemptTrace, ended: float, *, is_last: bool) -> ReadableSpan:
        operation, call = OPERATIONS[self._record.route], self._record.call
        model = attempt.target.model if call is None else attempt.target.upstream_model(call.model)
        attributes: Attributes = {"gen_ai.operation.name": operation, "gen_ai.request.model": model}
        attributes |= self._client_attributes(attempt)
        error = self._error_of(attempt, is_last=is_last)
        if error is not None:
            attributes["error.type"] = error
        if is_last:
            attributes |= self._answer_attributes(attempt)
        return ReadableSpan(
            f"{operation} {model}",
            context=self._context(attempt.span_id),
            parent=self._own,
            resource=self._resource,
            attributes=attributes,
            kind=SpanKind.CLIENT,
            status=_UNSET if error is None else _ERROR,
            start_time=self._ns(attempt.began),
            end_time=self._ns(ended),
            instrumentation_scope=_SCOPE,
        )

    def _server_attributes(self, path: str) -> Attributes:
        record = self._record
        attributes: Attributes = {
            "http.request.method": "POST",
            "http.route": path,
            "url.path": path,
            "url.scheme": "https" if self._trace.is_tls else "http",
            "keeptrusts.request_id": record.request_id,
            "keeptrusts.config": record.snapshot.label,
            "keeptrusts.decision": record.decision(),
            "keeptrusts.overhead_ms": (record.overhead_s or 0.0) * 1000,
        }
        if record.status is not None:
            attributes["http.response.status_code"] = record.status
        if record.error_code is not None:
            attributes["error.type"] = str(record.error_code)
        if record.caller.key_id is not None:
            attributes["keeptrusts.key_id"] = record.caller.key_id
        if record.target is not None:
            attributes["keeptrusts.target"] = record.target.id
        if record.cost is not None:
            attributes["keeptrusts.cost_micros"] = record.cost
        return attributes

    def _client_attributes(self, attempt: AttemptTrace) -> Attributes:
        target, call = attempt.target, self._record.call
        attributes: Attributes = {
            "gen_ai.provider.name": PROVIDERS.get(target.provider, target.provider),
            "server.address": target.origin.host,
            "server.port": target.origin.port,
            "keeptrusts.target": target.id,
        }
        if call is not None:
            if call.stream:
                attributes["gen_ai.request.stream"] = True
            if call.choices != 1:
                attributes["gen_ai.request.choice.count"] = call.choices
            if call.max_output_tokens is not None:
                attributes["gen_ai.request.max_tokens"] = call.max_output_tokens
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        return attributes

    def _answer_attributes(self, attempt: AttemptTrace) -> Attributes:
        """What is known of the answer: it came from the last attempt."""
        record, usage = self._record, self._record.usage
        attributes: Attributes = {}
        if record.call is not None and record.call.stream and record.first_byte is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = record.first_byte - attempt.began
        if usage is not None and (usage.input_tokens or usage.output_tokens):
            attributes["gen_ai.usage.input_tokens"] = usage.input_tokens
            attributes["gen_ai.usage.output_tokens"] = usage.output_tokens
            if usage.cached_input_tokens:
                attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cached_input_tokens
            if usage.cache_write_tokens:
                attributes["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
            if usage.estimated:
                attributes["keeptrusts.usage.estimated"] = True
        return attributes

    def _error_of(self, attempt: AttemptTrace, *, is_last: bool) -> str | None:
        """`error.type` of an attempt: our code where no answer came, else the provider's status."""
        if attempt.error_code is not None:
            return str(attempt.error_code)
        if attempt.status is not None and attempt.status >= 400:
            return str(attempt.status)
        code = self._record.error_code
        return str(code) if is_last and code is not None and code.startswith("upstream_") else None

    def _policy_events(self) -> Iterator[Event]:
        record = self._record
        begun, ended = self._ns(record.started), self._ns(self._ended)
        outcomes = [*record.rulings, *(tally.outcome() for tally in record.tallies)]
        for outcome in outcomes:
            yield Event("keeptrusts.policy", _policy_attributes(outcome), ended if outcome.phase == "output" else begun)

    def _context(self, span_id: int, *, is_remote: bool = False) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(self._trace.trace_id, span_id, is_remote, flags, self._state)

    def _ns(self, moment: float) -> int:
        """A moment of the monotonic clock, in nanoseconds since 1970."""
        return self._record.received_ns + int((moment - self._record.started) * 1_000_000_000)


def _policy_attributes(outcome: PolicyOutcome) -> Attributes:
    attributes: Attributes = {
        "keeptrusts.policy.kind": outcome.kind,
        "keeptrusts.policy.phase": outcome.phase,
        "keeptrusts.policy.verdict": outcome.verdict,
    }
    if outcome.reason_code is not None:
        attributes["keeptrusts.policy.reason_code"] = outcome.reason_code
    for kind, count in outcome.findings.items():
        attributes[f"keeptrusts.policy.findings.{kind}"] = count
    return attributes
