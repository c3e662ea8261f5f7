"""Server-sent events: whatever the cuts, the same events, and every byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.sse import SseSplitter, parse, render

tokens = [
    "data: x",
    "data:",
    "event: e",
    ":",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\r\n\r\n",
    "\r\r",
    "\n\r",
    "id: 1",
    "\ufeff",
]
streams = st.lists(st.sampled_from(tokens), max_size=14).map(lambda parts: "".join(parts).encode())


def split(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    splitter = SseSplitter()
    events: list[bytes] = []
    for size in cuts:
        events += splitter.feed(stream[:size])
        stream = stream[size:]
    events += splitter.feed(stream)
    return events, splitter.finish()


@given(stream=streams, cuts=st.lists(st.integers(0, 9), max_size=20))
@settings(max_examples=400, deadline=None)
def test_cuts_never_change_the_events(stream, cuts):
    events, rest = split(stream, cuts)
    assert b"".join(events) + rest == stream
    assert (events, rest) == split(stream, [1] * len(stream))


@given(lines=st.lists(st.sampled_from(["data: a", "event: b", ": c", "data"]), min_size=1, max_size=4), data=st.data())
@settings(max_examples=100, deadline=None)
def test_each_event_ends_with_its_blank_line(lines, data):
    ends = [data.draw(st.sampled_from(["\n", "\r\n", "\r"])) for _ in lines]
    blank = data.draw(st.sampled_from(["\r\n", "\r"] if ends[-1] == "\r" else ["\n", "\r\n"]))
    event = ("".join(line + end for line, end in zip(lines, ends, strict=True)) + blank).encode()
    assert split(event + b"data: next\n\n", [3]) == ([event, b"data: next\n\n"], b"")


def test_whole_chunks_and_several_events_in_one():
    splitter = SseSplitter()
    assert splitter.feed(b"data: 1\n\n") == [b"data: 1\n\n"]
    assert splitter.feed(b"data: 1\n\ndata: 2\n\n") == [b"data: 1\n\n", b"data: 2\n\n"]
    assert splitter.feed(b"data: 1\r\n\r\n: c\n\ndata") == [b"data: 1\r\n\r\n", b": c\n\n"]
    assert splitter.finish() == b"data"
    assert splitter.feed(b"\n\n") == [b"\n", b"\n"]


def feed_all(splitter: SseSplitter, stream: bytes, cut: int) -> None:
    for start in range(0, len(stream), cut):
        splitter.feed(stream[start : start + cut])


def test_an_event_beyond_the_limit_is_refused_in_any_cut():
    for cut in (1, 7, 100):
        stream = b"data: ok\n\n" + b"data: " + b"x" * 60 + b"\n\n"
        with pytest.raises(Fault) as raised:
            feed_all(SseSplitter(max_event_bytes=50), stream, cut)
        assert raised.value.code is Code.RESPONSE_TOO_LARGE
    with pytest.raises(Fault):
        SseSplitter(max_event_bytes=5).feed(b"data: 1\n\n")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b"data: x\n\n", ("", b"x")),
        (b"data:x\r\n\r\n", ("", b"x")),
        (b"\xef\xbb\xbfdata:  x\n\n", ("", b" x")),
        (b"event: e\ndata: x\n\n", ("e", b"x")),
        (b"event: e\revent:f\rdata: x\r\r", ("f", b"x")),
        (b"data: x\n: c\nid: 1\ndata\ndata: y\n\n", ("", b"x\n\ny")),
        (b": ping\n\n", ("", b"")),
        (b"\n", ("", b"")),
        (b"data: [DONE]\n", ("", b"[DONE]")),
        (b"datax: x\n\n", ("", b"")),
    ],
)
def test_reading_one_event(event, expected):
    assert parse(event) == expected


@given(
    name=st.sampled_from(["", "error", "response.failed"]), data=st.sampled_from([b"", b"x", b"a\nb", b"a\n\nb", b" x"])
)
def test_what_is_written_is_read(name, data):
    assert parse(render(name, data)) == (name, data)
    assert split(render(name, data), [4]) == ([render(name, data)], b"")
