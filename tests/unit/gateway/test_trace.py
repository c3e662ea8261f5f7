"""What a call notes of its trace while it runs."""

from fakes.heads import make_head
from fakes.packs import make_snapshot
from keeptrusts.gateway.trace import Tracing
from keeptrusts.gateway.trace_context import read_context

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


class Always:
    def __init__(self, answer=True):
        self.asked = []
        self._answer = answer

    def admits(self, trace_id, parent):
        self.asked.append((trace_id, parent))
        return self._answer


def headers_of(lines):
    return dict(line.split(b": ", 1) for line in lines.splitlines())


def test_a_call_continues_the_trace_of_its_client():
    sampling = Always(answer=False)
    trace = Tracing(sampling).begin(make_head(traceparent=PARENT, tracestate=b"vendor=1"))
    assert trace.trace_id == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert trace.parent.span_id == 0x00F067AA0BA902B7
    assert sampling.asked == [(trace.trace_id, trace.parent)]
    assert not trace.is_sampled


def test_without_a_client_trace_there_is_a_new_one():
    tracing = Tracing(Always())
    one, two = tracing.begin(make_head()), tracing.begin(make_head(traceparent=b"00-nonsense-01"))
    assert one.parent is None
    assert two.parent is None
    assert len({one.trace_id, two.trace_id, one.span_id, two.span_id}) == 4


def test_each_attempt_is_a_span_of_its_own_under_the_trace():
    trace = Tracing(Always()).begin(make_head(traceparent=PARENT, tracestate=b"vendor=1"))
    target = make_snapshot().targets[0]
    sent = [read_context(headers_of(trace.begin_attempt(target))) for _ in range(2)]
    assert {context.trace_id for context in sent} == {trace.trace_id}
    assert [context.span_id for context in sent] == [attempt.span_id for attempt in trace.attempts]
    assert len({trace.span_id, *(context.span_id for context in sent)}) == 3
    assert {(context.is_sampled, context.state) for context in sent} == {(True, b"vendor=1")}


def test_how_an_attempt_went_is_noted_with_the_last_one():
    trace = Tracing(Always()).begin(make_head())
    target = make_snapshot().targets[0]
    trace.begin_attempt(target)
    trace.note_attempt(began=1.0, ended=2.0, status=None, error_code="upstream_timeout")
    trace.begin_attempt(target)
    trace.note_attempt(began=2.0, ended=3.0, status=200, error_code=None)
    assert [(one.began, one.status, one.error_code) for one in trace.attempts] == [
        (1.0, None, "upstream_timeout"),
        (2.0, 200, None),
    ]
