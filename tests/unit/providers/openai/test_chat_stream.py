"""Streams of chat completions: watched, judged, changed, failed; as the SDK reads them."""

import httpx2 as httpx
import openai
import pytest

from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import decode, encode
from keeptrusts.providers.openai.chat_stream import ChatStream
from keeptrusts.providers.sse import parse
from unit.providers.redacting import are_short, events_of, loud, shout


def chunk(*choices, **members) -> bytes:
    listed = [{"index": 0, "finish_reason": None, **choice} for choice in choices]
    tree = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": listed, **members}
    return b"data: " + encode(tree) + b"\n\n"


def delta(index=0, **members):
    return {"index": index, "delta": members}


DONE = b"data: [DONE]\n\n"
STOP = chunk({"delta": {}, "finish_reason": "stop"})
USAGE = chunk(usage={"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}})
STREAM = b"".join(
    [
        chunk(delta(role="assistant", content="", refusal=None)),
        chunk(delta(reasoning_content="thin")),
        chunk(delta(reasoning_content="king")),
        chunk(delta(content="Hel")),
        b": ping\n\n",
        chunk(delta(content="lo")),
        chunk(
            delta(tool_calls=[{"index": 0, "id": "t0", "type": "function", "function": {"name": "f", "arguments": ""}}])
        ),
        chunk(delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}])),
        chunk(delta(tool_calls=[{"index": 0, "function": {"arguments": '"x"}'}}])),
        chunk(
            delta(
                tool_calls=[
                    {"index": 1, "id": "t1", "type": "function", "function": {"name": "g", "arguments": '["y"]'}}
                ]
            )
        ),
        chunk({"delta": {}, "finish_reason": "tool_calls"}),
        USAGE,
        DONE,
    ]
)


def client_for(stream: bytes) -> openai.OpenAI:
    answer = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    transport = httpx.MockTransport(lambda _request: answer)
    return openai.OpenAI(
        api_key="k", base_url="http://gateway", http_client=httpx.Client(transport=transport), max_retries=0
    )


def message_of(stream: bytes):
    with client_for(stream) as client, client.chat.completions.stream(model="m", messages=[]) as events:
        for _ in events:
            pass
        return events.get_final_completion().choices[0].message


def watch_all(reader: ChatStream, stream: bytes) -> bytes:
    return b"".join([reader.watch(event) for event in events_of(stream)])


def write_all(reader: ChatStream, stream: bytes) -> bytes:
    out = b""
    for event in events_of(stream):
        out += reader.write(reader.read(event), {})
    return out


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_usage_and_end_are_noted_and_every_byte_is_passed_on(pass_on):
    reader = ChatStream(strip_usage=False)
    assert pass_on(reader, STREAM) == STREAM
    assert reader.usage == Usage(input_tokens=5, cached_input_tokens=2, output_tokens=3)
    assert reader.is_complete
    assert reader.failure is None


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_only_the_chunk_that_is_there_for_its_usage_is_taken_out(pass_on):
    azure = chunk(prompt_filter_results=[{"prompt_index": 0}])
    with_text = chunk(delta(content="x"), usage={"prompt_tokens": 1, "completion_tokens": 1})
    stream = azure + with_text + STREAM
    reader = ChatStream(strip_usage=True)
    assert pass_on(reader, stream) == stream.replace(USAGE, b"")
    assert reader.usage == Usage(input_tokens=5, cached_input_tokens=2, output_tokens=3)


def test_held_text_leaves_in_events_of_its_own_and_the_sdk_puts_it_together():
    changed = shout(ChatStream(strip_usage=False), STREAM)
    message = message_of(changed)
    assert message.content == "HELLO"
    assert message.reasoning_content == "THINKING"
    assert [call.id for call in message.tool_calls] == ["t0", "t1"]
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("f", '{"A":"X"}'),
        ("g", '["Y"]'),
    ]
    assert b"Hel" not in changed


@pytest.mark.parametrize(
    "member",
    [
        {"content": "SEEN"},
        {"content": "SEEN", "role": "assistant"},
        {"content": "SEEN", "reasoning_content": None, "tool_calls": []},
        {"content": "SEEN", "reasoning_content": "SEEN"},
        {"content": "SEEN", "new_text": "SEEN"},
    ],
)
@pytest.mark.parametrize(
    "beside", [{}, {"content_filter_results": {"hate": {"severity": "safe"}}}, {"new_text": "SEEN"}]
)
@pytest.mark.parametrize("above", [{}, {"usage": None}, {"new_text": "SEEN"}, {"error": {"message": "SEEN"}}])
def test_the_short_way_of_reading_finds_what_the_long_way_finds(member, beside, above):
    reader = ChatStream(strip_usage=False)
    event = chunk({**delta(**member), **beside}, **above)
    long, short = reader.read(event), reader.read(event)
    assert (long.fragments, long.repeats, long.tree) == (short.fragments, short.repeats, short.tree)
    texts = [*(fragment.value for fragment in short.fragments), *(text.value for text in short.repeats)]
    assert len(texts) == event.count(b"SEEN")


def test_text_that_ends_in_the_event_that_finishes_is_closed_there():
    event = chunk({"delta": {"content": "all"}, "finish_reason": "stop"})
    piece = ChatStream(strip_usage=False).read(event)
    assert piece.closes == (piece.fragments[0].channel,)
    assert message_of(shout(ChatStream(strip_usage=False), event + DONE)).content == "ALL"


def test_a_text_goes_on_when_another_one_of_its_choice_comes_between():
    reader = ChatStream(strip_usage=False)
    first = reader.read(chunk(delta(reasoning="a"))).fragments[0].channel
    assert reader.read(chunk(delta(index=1, content="b"))).closes == ()
    between = reader.read(chunk(delta(tool_calls=[{"index": 0, "function": {"arguments": "{"}}])))
    assert between.closes == ()
    piece = reader.read(chunk({**delta(reasoning="c"), "finish_reason": "stop"}))
    assert piece.fragments[0].channel == first
    assert piece.closes == (first, between.fragments[0].channel)


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ({"refusal": "SEEN"}, ("refusal",)),
        ({"reasoning": "SEEN"}, ("reasoning",)),
        ({"reasoning_content": "SEEN"}, ("reasoning_content",)),
        ({"some_new_text": "SEEN"}, ("some_new_text",)),
        ({"function_call": {"name": "kept", "arguments": "SEEN"}}, ("function_call", "arguments")),
        ({"tool_calls": [{"index": 2, "custom": {"input": "SEEN"}}]}, ("tool_calls", 0, "custom", "input")),
        ({"audio": {"transcript": "SEEN"}}, ("audio", "transcript")),
        ({"content": [{"type": "text", "text": "SEEN"}]}, ("content", 0, "text")),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "SEEN"}]}]},
            ("content", 0, "thinking", 0, "text"),
        ),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "SEEN", "index": 0}]},
            ("reasoning_details", 0, "text"),
        ),
    ],
)
def test_every_text_of_a_delta_is_a_fragment_that_can_be_carried(member, path):
    reader = ChatStream(strip_usage=False)
    piece = reader.read(chunk(delta(**member)))
    place = ("choices", 0, "delta", *path)
    assert [(fragment.path, fragment.value) for fragment in piece.fragments] == [(place, "SEEN")]
    carried = decode(parse(reader.carry(piece.fragments[0].channel, "more"))[1])
    again = ChatStream(strip_usage=False).read(reader.carry(piece.fragments[0].channel, "more"))
    assert [(fragment.channel, fragment.value) for fragment in again.fragments] == [
        (piece.fragments[0].channel, "more")
    ]
    assert (carried["id"], carried["model"], carried["choices"][0]["finish_reason"]) == ("c1", "m", None)
    assert "name" not in str(carried["choices"])


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ({"audio": {"data": "x"}}, "audio"),
        ({"images": [{"image_url": {"url": "x"}}]}, "image"),
        ({"content": [{"type": "hologram", "text": "x"}]}, "hologram"),
    ],
)
def test_what_no_policy_can_read_is_named(member, kind):
    assert [part.kind for part in ChatStream(strip_usage=False).read(chunk(delta(**member))).unreadable] == [kind]


def test_what_comes_whole_is_judged_whole():
    annotation = {"type": "url_citation", "url_citation": {"title": "SEEN", "url": "SEEN"}}
    piece = ChatStream(strip_usage=False).read(
        chunk(delta(annotations=[annotation]), search_results=[{"title": "SEEN"}])
    )
    assert [text.value for text in piece.repeats] == ["SEEN", "SEEN", "SEEN"]
    arguments = chunk(delta(tool_calls=[{"index": 0, "function": {"arguments": {"a": "SEEN"}}}]))
    assert [text.value for text in ChatStream(strip_usage=False).read(arguments).repeats] == ["SEEN"]


@pytest.mark.parametrize(
    "choices",
    [
        [delta(content="PII"), None],
        [None, delta(content="PII")],
        delta(content="PII"),
        ["PII"],
        "PII",
        [delta(tool_calls=[{"function": {"arguments": "PII"}}, None])],
        [delta(tool_calls=["PII"])],
        [delta(tool_calls={"function": {"arguments": "PII"}})],
        [delta(tool_calls=[{"function": "PII"}])],
        [delta(tool_calls=[{"index": 0, "output": "PII", "function": {"name": "f", "arguments": "{}"}}])],
        [delta(tool_calls=[{"index": 0, "custom": {"name": "f", "input": {"a": "PII"}}}])],
        [delta(audio={"id": "a", "transcript": ["PII"]})],
        [delta(audio={"id": "a", "note": "PII"})],
        [delta(content=[{"type": "text", "text": "x", "cited": "PII"}])],
        [delta(content=[{"type": "text", "text": {"value": "PII"}}])],
    ],
)
def test_text_in_a_place_that_no_provider_should_use_is_judged(choices):
    reader = ChatStream(strip_usage=False)
    piece = reader.read(b"data: " + encode({"id": "c1", "choices": choices}) + b"\n\n")
    judged = {text.path: text.value for text in (*piece.fragments, *piece.repeats)}
    assert "PII" in judged.values()
    changed = reader.write(piece, dict.fromkeys(judged, "-"))
    assert b"PII" not in changed


def test_a_further_event_does_not_say_again_what_was_judged_in_its_origin():
    reader = ChatStream(strip_usage=False)
    (fragment,) = reader.read(chunk(delta(content="x"), note="PII")).fragments
    assert b"PII" not in reader.carry(fragment.channel, "y")


def test_log_probabilities_do_not_spell_what_was_changed():
    reader = ChatStream(strip_usage=False)
    event = chunk({**delta(content="secret"), "logprobs": {"content": [{"token": "secret"}]}})
    piece = reader.read(event)
    assert reader.write(piece, {piece.fragments[0].path: "secret"}) == event
    assert b"secret" not in reader.write(piece, {piece.fragments[0].path: "***"})


def test_completions_speak_by_their_own_member():
    reader = ChatStream(strip_usage=False)
    stream = (
        chunk({"text": "Hel"})
        + chunk({"text": "lo", "logprobs": None})
        + chunk({"text": "", "finish_reason": "stop"})
        + DONE
    )
    changed = shout(reader, stream)
    assert b'"text":"HELLO"' in changed
    assert reader.is_complete


def test_events_alike_are_read_and_changed_like_the_first_whatever_comes_between():
    words = [chunk(delta(content=word)) for word in ("one", "two", 'thr"ee', "four")]
    between = [chunk(delta(1, content="other")), chunk(delta(refusal="no")), STOP]
    events = [*words, *(event for other in between for event in (other, *words))]
    reader = ChatStream(strip_usage=False)
    assert [loud(reader, event) for event in events] == [loud(ChatStream(strip_usage=False), event) for event in events]
    assert are_short(ChatStream(strip_usage=False), words) == [False, False, True, True]


@pytest.mark.parametrize(
    ("stream", "complete"),
    [
        (STREAM[: -len(DONE)], True),
        (chunk(delta(content="a")) + STOP, True),
        (chunk(delta(content="a"), delta(1, content="b")) + STOP, False),
        (chunk(delta(content="a")) + STOP + chunk(delta(1, content="b")), False),
        (chunk(delta(content="a")), False),
        (chunk(delta(content="a")) + DONE, True),
        (b"data:[DONE]", True),
        (b"", False),
    ],
)
@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_an_end_is_clean_only_if_the_provider_said_so(stream, complete, pass_on):
    reader = ChatStream(strip_usage=False)
    pass_on(reader, stream)
    assert reader.is_complete is complete


@pytest.mark.parametrize("pass_on", [watch_all, write_all])
def test_an_error_of_the_provider_is_noted_without_its_text(pass_on):
    reader = ChatStream(strip_usage=False)
    stream = b'data: {"error":{"message":"your prompt was SEEN","type":"server_error","code":"overloaded"}}\n\n'
    assert pass_on(reader, stream) == stream
    assert reader.failure == "overloaded"
    assert [text.value for text in reader.read(stream).repeats] == ["your prompt was SEEN"]


def test_counts_of_the_wrong_type_are_not_trusted():
    reader = ChatStream(strip_usage=False)
    reader.watch(chunk(usage={"prompt_tokens": "many", "completion_tokens": -3}))
    assert reader.usage == Usage(input_tokens=0, output_tokens=0)
    reader.watch(b'data: {"choices":[{"index":null,"finish_reason":7}],"usage":[]}\n\n')


@pytest.mark.parametrize(
    ("code", "kind"),
    [(Code.OUTPUT_BLOCKED, "policy_violation"), (Code.UPSTREAM_TRUNCATED, "server_error")],
)
def test_the_sdk_raises_what_ends_a_stream(code, kind):
    stream = chunk(delta(content="a")) + ChatStream(strip_usage=False).fail(code, "because", "req_1")
    with client_for(stream) as client, pytest.raises(openai.APIError) as raised:
        list(client.chat.completions.create(model="m", messages=[], stream=True))
    assert raised.value.message == "because"
    assert raised.value.body["type"] == kind
    assert raised.value.body["code"] == code
