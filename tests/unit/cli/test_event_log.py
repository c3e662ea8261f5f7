from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest

from fakes.clock import START_NS, FakeClock
from fakes.events import ORIGIN, make_outcome
from keeptrusts.cli.event_log import EventLog, Filter, NoEventLog, find_spools
from keeptrusts.contract.events import Gap
from keeptrusts.gateway.outbox import Outbox, compile_source, members_of
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.segments import SpoolLimits
from keeptrusts.runtime.spool import Spool

EVERYTHING = Filter()
SECOND_NS = 10**9


@contextmanager
def gateway(directory, *, limits=None):
    """A function that records a call so many seconds after the start."""
    spool = Spool(directory, boot_id="b", clock=FakeClock(), limits=limits or SpoolLimits())
    outbox, source = Outbox(spool, boot_id="b"), compile_source(ORIGIN, is_audited=False)

    def record(second, **changes):
        received_ns = START_NS + second * SECOND_NS
        outbox.close(new_hex(received_ns), received_ns, source, members_of(make_outcome(**changes)))

    try:
        yield record
    finally:
        outbox.shut_down()


def seconds(lines):
    return [round(line.event.timestamp.timestamp() - START_NS / 1e9) for line in lines]


def test_events_of_several_spools_are_merged_by_time(tmp_path):
    with gateway(tmp_path / "0") as one, gateway(tmp_path / "1") as other:
        for second in range(0, 10, 2):
            one(second)
            other(second + 1)
        log = EventLog([tmp_path / "0", tmp_path / "1"], EVERYTHING)
        assert seconds(log.read_all()) == list(range(10))


def test_following_goes_on_behind_the_last_ones(tmp_path):
    with gateway(tmp_path / "0", limits=SpoolLimits(segment_bytes=4000)) as record:
        for second in range(20):
            record(second)
        log = EventLog([tmp_path / "0"], EVERYTHING)
        assert seconds(log.read_last(12)) == list(range(8, 20))
        assert seconds(log.read_new()) == []
        for second in range(20, 30):
            record(second)
        assert seconds(log.read_new()) == list(range(20, 30))


def test_none_of_the_last_ones_may_be_asked_for(tmp_path):
    with gateway(tmp_path / "0") as record:
        record(0)
        log = EventLog([tmp_path / "0"], EVERYTHING)
        assert log.read_last(0) == []
        record(1)
        assert seconds(log.read_new()) == [1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"decision": "block"}, [1]),
        ({"model": "gpt-4o"}, [2]),
        ({"key": "gk_c9"}, [3]),
        ({"decision": "block", "model": "gpt-4o"}, []),
        (
            {"since": FakeClock().now() + timedelta(seconds=1), "until": FakeClock().now() + timedelta(seconds=3)},
            [1, 2],
        ),
    ],
)
def test_only_what_is_wanted_is_read(tmp_path, wanted, expected):
    with gateway(tmp_path / "0") as record:
        record(0)
        record(1, decision="block")
        record(2, model="gpt-4o")
        record(3, key_id="gk_c9")
        assert seconds(EventLog([tmp_path / "0"], Filter(**wanted)).read_all()) == expected


def test_a_declared_loss_is_never_filtered_away(tmp_path):
    spool = Spool(tmp_path, boot_id="b", clock=FakeClock(), limits=SpoolLimits())
    spool.declare_loss(1, 3, "corrupt")
    spool.close()
    (line,) = EventLog([tmp_path], Filter(model="gpt-4o")).read_all()
    assert isinstance(line.event, Gap)


def test_a_record_of_an_unknown_shape_is_counted_and_passed_over(tmp_path):
    spool = Spool(tmp_path, boot_id="b", clock=FakeClock(), limits=SpoolLimits())
    spool.append(lambda seq: msgspec.json.encode({"event_type": "from_the_future", "seq": seq}))
    spool.close()
    log = EventLog([tmp_path], EVERYTHING)
    assert list(log.read_all()) == []
    assert log.unreadable == 1


def make_gateways(root, *ports):
    for port in ports:
        (root / f"gateway-{port}" / "spool" / "0").mkdir(parents=True)


def test_the_only_gateway_is_found_by_itself(tmp_path):
    make_gateways(tmp_path, 41002)
    (tmp_path / "api").mkdir()
    assert find_spools(tmp_path) == [tmp_path / "gateway-41002" / "spool" / "0"]


def test_of_several_gateways_one_must_be_chosen(tmp_path):
    make_gateways(tmp_path, 41002, 41003)
    with pytest.raises(NoEventLog, match=r"--listen PORT \(ports: 41002, 41003\)"):
        find_spools(tmp_path)
    for listen in ("41003", "0.0.0.0:41003", "[::]:41003"):
        assert find_spools(tmp_path, listen) == [tmp_path / "gateway-41003" / "spool" / "0"]


def test_no_gateway_is_an_error_that_says_where_was_looked(tmp_path):
    with pytest.raises(NoEventLog, match=f"below {tmp_path}: start a gateway"):
        find_spools(tmp_path)
    make_gateways(tmp_path, 41002)
    with pytest.raises(NoEventLog, match="on port 5"):
        find_spools(tmp_path, "5")


@pytest.mark.parametrize("listen", ["*", "127.0.0.1:", "41002/../x", "²"])
def test_only_a_port_names_a_gateway(tmp_path, listen):
    with pytest.raises(NoEventLog, match="expected PORT"):
        find_spools(tmp_path, listen)
