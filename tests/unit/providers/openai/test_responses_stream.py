"""Streams of the Responses API: watched, judged, changed, numbered, failed; as the SDK reads them."""

import httpx2 as httpx
import openai
import pytest

from keeptrusts.contract.call import Form
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import decode, encode
from keeptrusts.providers.openai.responses_stream import ResponsesStream
from keeptrusts.providers.sse import parse
from unit.providers.canaries import check_texts
from unit.providers.redacting import are_short, events_of, loud, shout

RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": [],
    "tools": [],
    "instructions": "kept", "parallel_tool_calls": True, "tool_choice": "auto", "error": None, "usage": None,
}  # fmt: skip
PART = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": [{"token": "Hello", "logprob": 0}]}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [PART]}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "c1",
    "name": "f",
    "arguments": '{"a":"x"}',
    "status": "completed",
}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "thought"}],
    "encrypted_content": "k",
}
COUNTS = {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 3}, "total_tokens": 13}


def numbered(*events, start=0) -> bytes:
    out = b""
    for number, event in enumerate(events, start):
        out += b"event: %b\ndata: %b\n\n" % (
            event["type"].encode(),
            encode({"type": event["type"], "sequence_number": number, **event}),
        )
    return out


def event(kind, **members):
    return {"type": f"response.{kind}", **members}


AT = {"output_index": 1, "content_index": 0, "item_id": "msg_1"}
FC = {"output_index": 2, "item_id": "fc_1"}
RS = {"output_index": 0, "summary_index": 0, "item_id": "rs_1"}
CREATED = event("created", response=RESPONSE)
COMPLETED = event(
    "completed", response={**RESPONSE, "status": "completed", "output": [REASONING, MESSAGE, CALL], "usage": COUNTS}
)
STREAM = numbered(
    CREATED,
    event("in_progress", response=RESPONSE),
    event("output_item.added", output_index=0, item={**REASONING, "summary": []}),
    event("reasoning_summary_part.added", part={"type": "summary_text", "text": ""}, **RS),
    event("reasoning_summary_text.delta", delta="thou", **RS),
    event("reasoning_summary_text.delta", delta="ght", **RS),
    event("reasoning_summary_text.done", text="thought", **RS),
    event("reasoning_summary_part.done", part={"type": "summary_text", "text": "thought"}, **RS),
    event("output_item.done", output_index=0, item=REASONING),
    event("output_item.added", output_index=1, item={**MESSAGE, "content": [], "status": "in_progress"}),
    event("content_part.added", part={**PART, "text": "", "logprobs": []}, **AT),
    event("output_text.delta", delta="Hel", logprobs=[{"token": "Hel", "logprob": 0}], **AT),
    event("output_text.delta", delta="lo", logprobs=[], **AT),
    event("output_text.done", text="Hello", logprobs=[{"token": "Hello", "logprob": 0}], **AT),
    event("content_part.done", part=PART, **AT),
    event("output_item.done", output_index=1, item=MESSAGE),
    event("output_item.added", output_index=2, item={**CALL, "arguments": "", "status": "in_progress"}),
    event("function_call_arguments.delta", delta='{"a":', **FC),
    event("function_call_arguments.delta", delta='"x"}', **FC),
    event("function_call_arguments.done", arguments='{"a":"x"}', name="f", **FC),
    event("output_item.done", output_index=2, item=CALL),
    COMPLETED,
)


def client_for(stream: bytes) -> openai.OpenAI:
    answer = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    transport = httpx.MockTransport(lambda _request: answer)
    return openai.OpenAI(
        api_key="k", base_url="http://gateway", http_client=httpx.Client(transport=transport), max_retries=0
    )


def watch_all(reader: ResponsesStream, stream: bytes) -> bytes:
    return b"".join([reader.watch(event) for event in events_of(stream)])


def write_all(reader: ResponsesStream, stream: bytes) -> bytes:
    out = b""
    for one in events_of(stream):
        out += reader.write(reader.read(one), {})
    return out


def numbers(stream: bytes) -> list[int]:
    return [decode(parse(one)[1])["sequence_number"] for one in events_of(stream)]


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_usage_and_end_are_noted_and_every_byte_is_passed_on(pass_on):
    reader = ResponsesStream(False)
    assert pass_on(reader, STREAM) == STREAM
    assert reader.usage == Usage(input_tokens=9, cached_input_tokens=3, output_tokens=4)
    assert (reader.is_complete, reader.failure) == (True, None)


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_every_terminal_event_ends_a_stream_and_nothing_else_does(pass_on, kind):
    reader = ResponsesStream(False)
    pass_on(reader, numbered(CREATED, event("output_text.delta", delta="a", **AT)))
    assert not reader.is_complete
    pass_on(reader, numbered(event(kind, response={**RESPONSE, "error": {"code": "server_error", "message": "kept"}})))
    assert reader.is_complete
    assert reader.failure == ("server_error" if kind == "failed" else None)


def test_held_text_leaves_in_numbered_events_and_the_sdk_puts_it_together():
    changed = shout(ResponsesStream(False), STREAM)
    assert numbers(changed) == list(range(len(events_of(STREAM)) + 3))
    assert b"Hel" not in changed
    assert b"thou" not in changed
    with client_for(changed) as client, client.responses.stream(model="m", input="x") as events:
        deltas = "".join([one.delta for one in events if one.type == "response.output_text.delta"])
        final = events.get_final_response()
    assert deltas == final.output_text == "HELLO"
    assert final.output[0].summary[0].text == "THOUGHT"
    assert final.output[0].encrypted_content == "k"
    assert final.output[2].arguments == '{"A":"X"}'


def test_log_probabilities_do_not_spell_what_was_changed():
    changed = shout(ResponsesStream(False), STREAM)
    assert b'"token"' not in changed
    assert b'"logprobs":[]' in changed


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("output_text", Form.PROSE),
        ("refusal", Form.PROSE),
        ("reasoning_text", Form.PROSE),
        ("reasoning_summary_text", Form.PROSE),
        ("function_call_arguments", Form.JSON),
        ("mcp_call_arguments", Form.JSON),
        ("custom_tool_call_input", Form.PROSE),
        ("code_interpreter_call_code", Form.PROSE),
        ("shell_call_command", Form.PROSE),
        ("audio.transcript", Form.PROSE),
        ("text_of_the_future", Form.PROSE),
    ],
)
def test_every_delta_is_a_fragment_that_can_be_carried_and_its_done_closes_it(kind, form):
    reader = ResponsesStream(False)
    (fragment,) = reader.read(numbered(event(f"{kind}.delta", delta="SEEN", **AT))).fragments
    assert (fragment.value, fragment.form) == ("SEEN", form)
    carried = reader.carry(fragment.channel, "more")
    assert parse(carried)[0] == f"response.{kind}.delta"
    (again,) = ResponsesStream(False).read(carried).fragments
    assert (again.channel, again.value) == (fragment.channel, "more")
    done = event(f"{kind}.done", text="SEEN", arguments='{"a":"SEEN"}', code="SEEN", command="SEEN", **AT)
    piece = reader.read(numbered(done))
    assert piece.closes == (fragment.channel,)
    check_texts(piece.tree, piece.repeats)
    assert {text.form for text in piece.repeats if text.path == ("arguments",)} == {Form.JSON}


def test_output_of_a_shell_comes_in_two_channels():
    reader = ResponsesStream(False)
    piece = reader.read(
        numbered(event("shell_call_output_content.delta", delta={"stdout": "SEEN a", "stderr": "SEEN b"}, **FC))
    )
    assert [fragment.value for fragment in piece.fragments] == ["SEEN a", "SEEN b"]
    assert b'"delta":{"stderr":"more"}' in reader.carry(piece.fragments[1].channel, "more")
    done = event("shell_call_output_content.done", output=[{"stdout": "SEEN a", "stderr": "SEEN b"}], **FC)
    piece = reader.read(numbered(done))
    assert len(piece.closes) == 2
    check_texts(piece.tree, piece.repeats)


@pytest.mark.parametrize(
    "one",
    [
        event(
            "output_text.annotation.added", annotation={"type": "url_citation", "title": "SEEN", "url": "SEEN"}, **AT
        ),
        event("shell_call_command.added", command="SEEN", **FC),
        event("something.new", whatever={"deep": ["SEEN"]}),
        event("output_item.done", output_index=0, item={"type": "web_search_call", "action": {"query": "SEEN"}}),
        event("content_part.added", part={"type": "output_text", "text": "SEEN"}, **AT),
        {"type": "error", "code": "kept", "message": "SEEN", "param": "kept"},
        event("failed", response={**RESPONSE, "error": {"code": "kept", "message": "SEEN"}}),
    ],
)
def test_what_comes_whole_is_judged_whole(one):
    piece = ResponsesStream(False).read(numbered(one))
    check_texts(piece.tree, piece.repeats)


def test_sound_and_pictures_are_unreadable():
    reader = ResponsesStream(False)
    picture = event("image_generation_call.partial_image", partial_image_b64="x", **FC)
    assert [part.kind for part in reader.read(numbered(picture)).unreadable] == ["image"]
    assert [part.kind for part in reader.read(numbered(event("audio.delta", delta="x"))).unreadable] == ["audio"]


@pytest.mark.parametrize(
    ("code", "shown"), [(Code.OUTPUT_BLOCKED, "invalid_prompt"), (Code.UPSTREAM_TRUNCATED, "server_error")]
)
@pytest.mark.parametrize("pass_on", [watch_all, write_all])
@pytest.mark.parametrize("begun", [True, False])
def test_the_sdk_understands_what_ends_a_stream(code, shown, pass_on, begun):
    reader = ResponsesStream(False)
    before = numbered(CREATED, event("in_progress", response=RESPONSE)) if begun else b""
    pass_on(reader, before)
    stream = before + reader.fail(code, "because", "req_1")
    assert numbers(stream) == list(range(len(events_of(stream))))
    with client_for(stream) as client, client.responses.stream(model="m", input="x") as events:
        last = list(events)[-1]
    assert last.type == "response.failed"
    assert last.response.status == "failed"
    assert last.response.error.code == shown
    assert "because" in last.response.error.message
    assert code.value in last.response.error.message


def test_servers_that_do_not_number_their_events_are_read_too():
    reader = ResponsesStream(False)
    one = b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"hi"}\n\n'
    piece = reader.read(one)
    assert reader.write(piece, {}) == one
    assert b"sequence_number" not in reader.carry(piece.fragments[0].channel, "more")


def test_deltas_alike_are_read_and_changed_like_the_first_whatever_comes_between():
    words = [event("output_text.delta", **AT, delta=word, logprobs=[]) for word in ("one", "", 'thr"ee', "four")]
    tokens = [{"token": "a", "logprob": 0}]
    between = [
        event("function_call_arguments.delta", **FC, delta='{"a"'),
        event("output_text.delta", **AT, delta="a", logprobs=tokens),
        event("output_text.delta", output_index=2, content_index=0, item_id="msg_2", delta="b", logprobs=[]),
        event("output_text.done", **AT, text="onethree", logprobs=[]),
    ]
    stream = numbered(*words, *(part for other in between for part in (other, *words)), start=98)
    reader = ResponsesStream(False)
    events = events_of(stream)
    assert [loud(reader, one) for one in events] == [loud(ResponsesStream(False), one) for one in events]
    assert are_short(ResponsesStream(False), events_of(numbered(*words))) == [False, False, True, True]


def test_deltas_after_an_event_of_ours_are_numbered_on():
    reader = ResponsesStream(False)
    words = [event("output_text.delta", **AT, delta=word) for word in ("one", "two", "three", "four")]
    first, second, third, fourth = events_of(numbered(*words, start=9))
    assert reader.write(reader.read(first), {}) == first
    assert reader.write(reader.read(second), {}) == second
    carried = reader.carry(reader.read(second).fragments[0].channel, "more")
    assert decode(parse(carried)[1]) == {**words[1], "delta": "more", "sequence_number": 11}
    assert decode(parse(reader.write(reader.read(third), {}))[1]) == {**words[2], "sequence_number": 12}
    changed = reader.write(reader.read(fourth), {("delta",): "x"})
    assert decode(parse(changed)[1]) == {**words[3], "delta": "x", "sequence_number": 13}


@pytest.mark.parametrize(
    "members",
    [
        {"delta": "x", "note": "PII"},
        {"delta": "x", "note": {"deep": ["PII"]}},
        {"delta": {"stdout": "x", "parts": ["PII"]}},
    ],
)
def test_what_a_delta_says_beside_its_text_is_judged_and_not_said_again(members):
    reader = ResponsesStream(False)
    told = b"data: " + encode({"type": "response.other.delta", "output_index": 0, **members}) + b"\n\n"
    assert are_short(reader, [told, told]) == [False, False]
    piece = reader.read(told)
    judged = {text.path: text.value for text in (*piece.fragments, *piece.repeats)}
    assert "PII" in judged.values()
    assert b"PII" not in reader.write(piece, dict.fromkeys(judged, "-"))
    assert b"PII" not in reader.carry(piece.fragments[0].channel, "y")
