"""W3C Trace Context, as the standard has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.gateway.trace_context import TraceContext, read_context, read_state, write_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def read(parent, state=b""):
    headers = {b"traceparent": parent.encode()} | ({b"tracestate": state} if state else {})
    return read_context(headers)


def test_what_a_client_says_is_read():
    assert read(GOOD, b"vendor=1,other@sys=x y") == TraceContext(
        int(TRACE, 16), int(SPAN, 16), is_sampled=True, state=b"vendor=1,other@sys=x y"
    )
    assert not read(f"00-{TRACE}-{SPAN}-00").is_sampled
    assert read(f"00-{TRACE}-{SPAN}-03").is_sampled  # a flag that we do not know is no reason to lose the trace


@pytest.mark.parametrize("value", [f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-comes-later"])
def test_later_versions_are_read_as_far_as_they_are_known(value):
    assert read(value).trace_id == int(TRACE, 16)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"{GOOD}, {GOOD}",  # two headers, joined
        f" {GOOD}",
        f"{GOOD}\n",
    ],
)
def test_what_the_standard_does_not_allow_is_as_if_it_were_not_there(value):
    assert read(value) is None


def test_without_a_header_there_is_no_context():
    assert read_context({b"tracestate": b"vendor=1"}) is None


@pytest.mark.parametrize(
    "state",
    [b"a=1,=2", b"A=1", b"a=b=c", b"a", b"a=" + b"x" * 257, b",".join(b"k%d=1" % n for n in range(33)), b"a=\xff"],
)
def test_a_state_that_cannot_be_passed_on_is_left_out_and_the_trace_is_kept(state):
    assert read_state(state) == b""
    assert read(GOOD, state) == read(GOOD)


@given(
    st.builds(
        TraceContext,
        trace_id=st.integers(1, 2**128 - 1),
        span_id=st.integers(1, 2**64 - 1),
        is_sampled=st.booleans(),
        state=st.sampled_from([b"", b"a=1", b"a=1,b@c=2"]),
    )
)
def test_what_is_written_is_read_back(context):
    lines = write_context(context).decode().splitlines()
    headers = dict(line.encode().split(b": ", 1) for line in lines)
    assert read_context(headers) == context


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_nothing_that_a_client_sends_breaks_the_reader(parent, state):
    read_context({b"traceparent": parent, b"tracestate": state})
