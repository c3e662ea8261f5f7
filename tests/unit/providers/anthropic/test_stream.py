"""Streams of messages: watched, judged, changed, failed; as the SDK reads them."""

import anthropic
import httpx2 as httpx
import pytest

from keeptrusts.contract.call import Form
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.anthropic.stream import MessagesStream
from keeptrusts.providers.json_body import encode
from unit.providers.canaries import check_texts
from unit.providers.redacting import are_short, events_of, loud, shout


def sent(kind, **members) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), encode({"type": kind, **members}))


def start(index, **block) -> bytes:
    return sent("content_block_start", index=index, content_block=block)


def delta(index, **members) -> bytes:
    return sent("content_block_delta", index=index, delta=members)


def stop(index) -> bytes:
    return sent("content_block_stop", index=index)


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
BEGIN = sent(
    "message_start",
    message={
        **MESSAGE,
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 2,
            "output_tokens": 1,
        },
    },
)
END = sent("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 7}) + sent("message_stop")
STREAM = b"".join(
    [
        BEGIN,
        start(0, type="thinking", thinking="", signature=""),
        sent("ping"),
        delta(0, type="thinking_delta", thinking="thin"),
        delta(0, type="thinking_delta", thinking="king"),
        delta(0, type="signature_delta", signature="kept"),
        stop(0),
        start(1, type="text", text=""),
        delta(1, type="text_delta", text="Hel"),
        delta(1, type="text_delta", text="lo"),
        delta(1, type="text_delta", text=""),
        stop(1),
        start(2, type="tool_use", id="toolu_1", name="f", input={}),
        delta(2, type="input_json_delta", partial_json=""),
        delta(2, type="input_json_delta", partial_json='{"a":'),
        delta(2, type="input_json_delta", partial_json='"x"}'),
        stop(2),
        END,
    ]
)


def client_for(stream: bytes) -> anthropic.Anthropic:
    answer = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    transport = httpx.MockTransport(lambda _request: answer)
    return anthropic.Anthropic(
        api_key="k", base_url="http://gateway", http_client=httpx.Client(transport=transport), max_retries=0
    )


def watch_all(reader: MessagesStream, stream: bytes) -> bytes:
    return b"".join([reader.watch(event) for event in events_of(stream)])


def write_all(reader: MessagesStream, stream: bytes) -> bytes:
    out = b""
    for event in events_of(stream):
        out += reader.write(reader.read(event), {})
    return out


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_usage_and_end_are_noted_and_every_byte_is_passed_on(pass_on):
    reader = MessagesStream(False)
    assert pass_on(reader, STREAM) == STREAM
    assert reader.usage == Usage(input_tokens=16, cached_input_tokens=4, cache_write_tokens=2, output_tokens=7)
    assert (reader.is_complete, reader.failure) == (True, None)


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_counts_are_cumulative_and_not_added_up(pass_on):
    reader = MessagesStream(False)
    pass_on(reader, BEGIN + sent("message_delta", delta={}, usage={"input_tokens": 12, "output_tokens": 3}))
    assert reader.usage == Usage(input_tokens=12, cached_input_tokens=0, output_tokens=3)
    assert not reader.is_complete


def test_held_text_leaves_in_events_of_its_own_and_the_sdk_puts_it_together():
    changed = shout(MessagesStream(False), STREAM)
    assert b"Hel" not in changed
    with client_for(changed) as client, client.messages.stream(model="m", max_tokens=9, messages=[]) as events:
        thinking, text, tool = events.get_final_message().content
    assert (thinking.thinking, thinking.signature) == ("THINKING", "kept")
    assert text.text == "HELLO"
    assert (tool.id, tool.name, tool.input) == ("toolu_1", "f", {"A": "X"})


@pytest.mark.parametrize(
    ("kind", "field", "form"),
    [
        ("text_delta", "text", Form.PROSE),
        ("thinking_delta", "thinking", Form.PROSE),
        ("input_json_delta", "partial_json", Form.JSON),
        ("compaction_delta", "content", Form.PROSE),
    ],
)
def test_every_text_of_a_delta_is_a_fragment_that_can_be_carried(kind, field, form):
    reader = MessagesStream(False)
    (fragment,) = reader.read(delta(3, type=kind, **{field: "SEEN"})).fragments
    assert (fragment.path, fragment.value, fragment.form) == (("delta", field), "SEEN", form)
    assert reader.carry(fragment.channel, "more") == delta(3, type=kind, **{field: "more"})
    assert reader.read(stop(4)).closes == ()
    assert reader.read(stop(3)).closes == (fragment.channel,)


def test_a_block_may_begin_with_text():
    changed = shout(MessagesStream(False), BEGIN + start(0, type="text", text="all") + stop(0) + END)
    with client_for(changed) as client, client.messages.stream(model="m", max_tokens=9, messages=[]) as events:
        assert events.get_final_text() == "ALL"


@pytest.mark.parametrize(
    "event",
    [
        start(0, type="tool_use", id="kept", name="kept", input={"id": "SEEN"}),
        start(
            0, type="web_search_tool_result", content=[{"type": "web_search_result", "title": "SEEN", "url": "SEEN"}]
        ),
        start(0, type="text", text="", citations=[{"type": "kept", "cited_text": "SEEN"}]),
        start(0, type="redacted_thinking", data="kept"),
        delta(0, type="citations_delta", citation={"type": "kept", "cited_text": "SEEN", "document_title": "SEEN"}),
        sent("error", error={"type": "kept", "message": "SEEN"}),
        sent("something_new", whatever={"deep": ["SEEN"]}),
    ],
)
def test_what_comes_whole_is_judged_whole(event):
    piece = MessagesStream(False).read(event)
    check_texts(piece.tree, piece.repeats)
    assert piece.unreadable == ()


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (start(0, type="hologram", data="x"), "hologram"),
        (delta(0, type="hologram_delta", data="x"), "unknown"),
        (delta(0, type="text_delta", text=["x"]), "unknown"),
        (start(0, type="container_upload", file_id="x"), "container_upload"),
    ],
)
def test_what_no_policy_can_read_is_named(event, kind):
    assert [part.kind for part in MessagesStream(False).read(event).unreadable] == [kind]


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_an_error_of_the_provider_is_noted_without_its_text(pass_on):
    reader = MessagesStream(False)
    pass_on(reader, BEGIN + sent("error", error={"type": "overloaded_error", "message": "SEEN"}))
    assert (reader.failure, reader.is_complete) == ("overloaded_error", False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.OUTPUT_BLOCKED, "invalid_request_error"),
        (Code.UPSTREAM_TIMEOUT, "timeout_error"),
        (Code.UPSTREAM_TRUNCATED, "api_error"),
    ],
)
def test_the_sdk_raises_what_ends_a_stream(code, kind):
    stream = BEGIN + MessagesStream(False).fail(code, "because", "req_1")
    with client_for(stream) as client, pytest.raises(anthropic.APIError) as raised:
        list(client.messages.create(model="m", max_tokens=9, messages=[], stream=True))
    assert raised.value.body["error"] == {"type": kind, "message": "because", "code": code}
    assert raised.value.body["request_id"] == "req_1"


def test_deltas_alike_are_read_and_changed_like_the_first_whatever_comes_between():
    words = [delta(0, type="text_delta", text=word) for word in ("one", "", 'thr"ee', "four")]
    between = [delta(1, type="input_json_delta", partial_json="{}"), delta(1, type="text_delta", text="a"), stop(0)]
    events = [*words, *(one for other in between for one in (other, *words))]
    reader = MessagesStream(False)
    assert [loud(reader, one) for one in events] == [loud(MessagesStream(False), one) for one in events]
    assert are_short(MessagesStream(False), words) == [False, False, True, True]


@pytest.mark.parametrize(
    "event",
    [
        sent("message_start", message={**MESSAGE, "content": [{"type": "text", "text": "PII"}]}),
        sent(
            "message_delta", delta={"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "PII"}}
        ),
        start(0, type="text", text={"value": "PII"}),
        delta(0, type="text_delta", text="x", more="PII"),
        delta(0, type="text_delta", text="", more="PII"),
    ],
)
def test_text_that_a_whole_reply_would_be_judged_for_is_judged_in_a_stream(event):
    reader = MessagesStream(False)
    piece = reader.read(event)
    judged = {text.path: text.value for text in (*piece.fragments, *piece.repeats)}
    assert "PII" in judged.values()
    assert b"PII" not in reader.write(piece, dict.fromkeys(judged, "-"))


def test_a_delta_that_says_more_than_its_text_is_not_read_the_short_way():
    reader = MessagesStream(False)
    event = delta(0, type="text_delta", text="x", more="PII")
    assert are_short(reader, [event, event]) == [False, False]
