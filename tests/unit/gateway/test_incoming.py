"""Bytes of a streamed answer become whole events of the client's dialect."""

import json

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.incoming import Incoming, is_whole
from keeptrusts.providers.catalog import dialect_of


def incoming(route=Route.CHAT, translation=None):
    return Incoming(dialect_of(route).open_stream(route, strip_usage=False), translation)


def chunk(finish=None, **delta):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()


def named(name, **tree):
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps({"type": name} | tree).encode())


class Doubling:
    """A translation that tells each event twice."""

    usage = Usage(input_tokens=5)

    def feed(self, event):
        return [event, event]

    def finish(self):
        return [b"event: end\n\n"]


def test_events_come_whole_however_they_were_cut():
    stream = incoming()
    assert stream.feed(chunk(content="a")[:7]) == []
    assert stream.feed(chunk(content="a")[7:] + chunk(content="b")) == [chunk(content="a"), chunk(content="b")]
    assert stream.finish() == []


def test_a_translation_tells_the_events_and_counts():
    stream = incoming(translation=Doubling())
    assert stream.feed(chunk(content="a")) == [chunk(content="a")] * 2
    assert stream.feed(b"data: [DONE]") == []
    assert stream.finish() == [b"data: [DONE]\n\n", b"data: [DONE]\n\n", b"event: end\n\n"]
    assert stream.usage == Usage(input_tokens=5)


def test_a_translation_has_no_end_where_an_event_was_cut_in_two():
    stream = incoming(translation=Doubling())
    assert stream.feed(chunk(content="a") + chunk(content="b")[:9]) == [chunk(content="a")] * 2
    assert stream.finish() == []


@pytest.mark.parametrize(
    ("route", "before", "content"),
    [
        (Route.CHAT, chunk(role="assistant", content=""), chunk(content="a")),
        (Route.CHAT, b": ping\n\n", chunk(finish="stop")),
        (
            Route.MESSAGES,
            named("message_start", message={"usage": {"input_tokens": 1}}),
            named("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
        ),
    ],
)
def test_what_only_announces_an_answer_is_no_content(route, before, content):
    stream = incoming(route)
    assert not stream.has_content(before)
    assert stream.has_content(content)


@pytest.mark.parametrize(
    ("route", "error"),
    [
        (Route.CHAT, b'data: {"error": {"message": "busy", "type": "server_error"}}\n\n'),
        (Route.MESSAGES, named("error", error={"type": "overloaded_error", "message": "Overloaded"})),
        (Route.CHAT, b"data: {not json}\n\n"),
        (Route.RESPONSES, b"data: {not json}\n\n"),
        (Route.MESSAGES, b"event: content_block_delta\ndata: {not json}\n\n"),
    ],
)
def test_an_error_before_any_content_is_a_failure_of_the_call(route, error):
    with pytest.raises(Fault) as failed:
        incoming(route).has_content(error)
    assert failed.value.code is Code.UPSTREAM_ERROR


def test_what_stands_behind_the_last_blank_line_is_an_event_or_the_begin_of_one():
    for rest in (b"data: [DONE]", b"data: {}\n", b'event: error\ndata: {"a": 1}\r\n'):
        assert is_whole(rest)
    for rest in (b"", b"data", b"data: ", b'data: {"a', b": ping", b"event: message_stop", b"\xff", b"data: \xff"):
        assert not is_whole(rest)
