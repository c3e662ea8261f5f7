"""What watches calls go by: the meter always, traces where they are on. It changes no call, and fails none."""

from typing import Protocol

from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.record import CallRecord, Observer
from keeptrusts.gateway.trace import Trace, Tracing


class Outlet(Observer, Protocol):
    """Where spans go."""

    @property
    def tracing(self) -> Tracing: ...


class Telemetry:
    """Owned by the event loop."""

    def __init__(self, meter: Observer, spans: Outlet | None = None) -> None:
        self._meter = meter
        self._spans = spans

    def begin(self, head: Head) -> Trace | None:
        """The trace of a call that begins; None where calls are not traced."""
        return None if self._spans is None else self._spans.tracing.begin(head)

    def note(self, record: CallRecord) -> None:
        """A call has ended."""
        self._meter.note(record)
        if self._spans is not None:
            self._spans.note(record)
