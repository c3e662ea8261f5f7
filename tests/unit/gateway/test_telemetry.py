"""What watches calls go by."""

from types import SimpleNamespace

from fakes.heads import make_head
from fakes.records import Observed, make_record
from keeptrusts.gateway.telemetry import Telemetry
from keeptrusts.gateway.trace import Tracing


class Outlet(Observed):
    tracing = Tracing(SimpleNamespace(admits=lambda _, __: True))


def test_without_an_outlet_calls_are_counted_and_not_traced():
    meter = Observed()
    telemetry = Telemetry(meter)
    assert telemetry.begin(make_head()) is None
    make_record(observer=telemetry).close()
    assert len(meter) == 1


def test_with_an_outlet_both_are_told():
    meter, spans = Observed(), Outlet()
    telemetry = Telemetry(meter, spans)
    trace = telemetry.begin(make_head())
    make_record(observer=telemetry, trace=trace).close()
    assert [record.trace for record in (*meter, *spans)] == [trace, trace]
