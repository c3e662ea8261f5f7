import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.reply import read_reply
from keeptrusts.providers.translation.messages_to_chat.stream import MessageStream
from unit.providers.translation.messages_to_chat.answering import (
    DONE,
    USAGE,
    chunk,
    completion,
    event,
    names_of,
    put_together,
    tool_call,
    usage_chunk,
)


def feed(*events, stream=None):
    stream = stream or MessageStream("claude")
    return [one for given in events for one in stream.feed(given)]


def whole(finish_reason="stop", **message):
    return json.loads(read_reply(completion(finish_reason, **message), "claude").body)


TEXT = [chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo")]


def test_a_message_begins_with_the_first_chunk_even_if_it_says_nothing():
    assert names_of(feed(TEXT[0])) == ["message_start"]
    assert feed(event({"id": "", "choices": [], "prompt_filter_results": []})) == []


def test_text_usage_and_end_are_those_of_the_whole_answer():
    assert put_together(feed(*TEXT, chunk("stop"), usage_chunk(), DONE)) == whole(content="Hello")


def test_the_end_waits_for_the_usage():
    stream = MessageStream("claude")
    feed(*TEXT, stream=stream)
    assert feed(chunk("stop"), stream=stream) == []
    assert names_of(feed(usage_chunk(), stream=stream))[-2:] == ["message_delta", "message_stop"]
    assert feed(DONE, stream=stream) == []
    assert stream.usage is not None
    assert stream.usage.input_tokens == USAGE["prompt_tokens"]


def test_usage_may_come_with_the_last_chunk_or_with_every_chunk():
    assert put_together(feed(*TEXT, chunk("stop", usage=USAGE), DONE)) == whole(content="Hello")
    counting = [
        chunk(content=text, usage={**USAGE, "completion_tokens": count}) for count, text in enumerate(["Hel", "lo"])
    ]
    assert put_together(feed(*counting, chunk("stop", usage=USAGE))) == whole(content="Hello")


def test_usage_that_comes_again_is_noted_for_us():
    stream = MessageStream("claude")
    feed(*TEXT, chunk("stop", usage=USAGE), stream=stream)
    assert feed(usage_chunk({**USAGE, "completion_tokens": 9}), DONE, stream=stream) == []
    assert stream.usage is not None
    assert stream.usage.output_tokens == 9


def test_a_provider_that_never_tells_its_usage_is_served_with_zeros():
    message = put_together(feed(*TEXT, chunk("stop"), DONE))
    assert set(message["usage"].values()) == {0}
    assert message["content"] == [{"type": "text", "text": "Hello"}]


def test_a_server_that_ends_without_a_word_has_ended_where_the_answer_had():
    stream = MessageStream("claude")
    sent = feed(*TEXT, chunk("stop"), stream=stream) + stream.finish()
    assert put_together(sent)["content"] == [{"type": "text", "text": "Hello"}]
    assert stream.finish() == []
    broken = MessageStream("claude")
    feed(*TEXT, stream=broken)
    assert broken.finish() == []


def test_a_whole_answer_in_one_chunk_is_a_stream_too():
    assert put_together(feed(chunk("stop", content="Hello", role="assistant"), usage_chunk())) == whole(content="Hello")
    message = {"id": "chatcmpl-7x", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    assert put_together(feed(event(message), usage_chunk())) == whole(content="Hello")


def test_other_choices_and_chunks_that_say_nothing_are_passed_over():
    other = event({"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": "stop"}]})
    empty = [event({"choices": []}), chunk(content=None, tool_calls=None), event({"choices": [{"index": 0}]})]
    assert put_together(feed(TEXT[0], other, *empty, *TEXT[1:], chunk("stop"), usage_chunk())) == whole(content="Hello")


@pytest.mark.parametrize("quiet", [b": keep-alive\n\n", b"\n", b"event: ping\n\n"])
def test_comments_are_nothing(quiet):
    assert feed(quiet) == []


def test_events_may_be_written_in_any_form():
    lines = b"event: chunk\r\ndata:" + TEXT[1][6:].replace(b", ", b",\r\ndata: ", 1)
    assert names_of(feed(lines)) == ["message_start", "content_block_start", "content_block_delta"]
    assert names_of(feed(b"data:" + TEXT[1][6:])) == ["message_start", "content_block_start", "content_block_delta"]
    folded = b"data: " + TEXT[1][6:].replace(b", ", b",\ndata: ", 1)
    assert names_of(feed(folded)) == ["message_start", "content_block_start", "content_block_delta"]


@pytest.mark.parametrize("at", range(4))
def test_a_stream_that_breaks_off_has_no_end(at):
    sent = feed(*[*TEXT, chunk("stop")][: at + 1])
    assert not {"message_stop", "message_delta", "error"} & set(names_of(sent))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}, "rate_limit_error"),
        ({"message": "No.", "type": "invalid_request_error", "code": None}, "invalid_request_error"),
        ({"message": "Oh.", "type": "server_error"}, "api_error"),
        ({"message": "Oh.", "code": 502}, "api_error"),
        ("Oh.", "api_error"),
    ],
)
def test_an_error_in_the_stream_is_one_to_the_client_and_nothing_follows_it(error, kind):
    stream = MessageStream("claude")
    feed(*TEXT, stream=stream)
    (sent,) = feed(event({"error": error}), stream=stream)
    assert names_of([sent]) == ["error"]
    told = json.loads(sent.partition(b"data: ")[2])
    assert told["type"] == "error"
    assert told["error"] == {"type": kind, "message": error if isinstance(error, str) else error["message"]}
    assert feed(*TEXT, chunk("stop"), usage_chunk(), DONE, stream=stream) == []


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {broken\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        chunk(images=[{"type": "image_url"}]),
        chunk(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": 5}}]),
        DONE,
    ],
)
def test_what_no_message_can_hold_fails_the_stream(broken):
    with pytest.raises(Fault) as raised:
        feed(broken)
    assert raised.value.code is Code.UPSTREAM_ERROR


def test_arguments_that_are_no_object_fail_the_stream_as_they_fail_the_whole_answer():
    call = {"index": 0, **tool_call("a", "{]")}
    with pytest.raises(Fault):
        feed(chunk(tool_calls=[call]), chunk("tool_calls"), usage_chunk())


def test_a_tool_call_that_the_limit_cut_short_ends_with_the_limit():
    sent = feed(chunk(tool_calls=[{"index": 0, **tool_call("a", '{"x":')}]), chunk("length"), usage_chunk())
    assert names_of(sent)[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert b'"max_tokens"' in sent[-2]


def test_the_older_call_of_a_function_is_a_tool_call():
    bits = [{"name": "f", "arguments": ""}, {"arguments": '{"x"'}, {"arguments": ":1}"}]
    sent = feed(*(chunk(function_call=bit) for bit in bits), chunk("function_call"), usage_chunk())
    assert put_together(sent) == whole("function_call", function_call={"name": "f", "arguments": '{"x":1}'})


WORDS = st.sampled_from(["a", "é", "😀", '"', "\\", "\n", "{", "}", "[", "data: ", "\n\n", "Hello", " "])
TEXTS = st.lists(WORDS, max_size=6).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers(-(2**40), 2**40) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(TEXTS, VALUES, max_size=3).map(json.dumps) | st.just("")


def cut(draw, text):
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def answers(draw):
    """A whole answer, and the same in chunks: each text cut anywhere, the calls' bits interleaved anyhow."""
    message = {}
    chunks = [chunk(role="assistant", content=draw(st.sampled_from(["", None])))]
    for name in ("reasoning_content", "content", "refusal"):
        text = draw(TEXTS)
        if text:
            message[name] = text
            chunks += [chunk(**{name: bit}) for bit in cut(draw, text)]
    message["tool_calls"] = []
    waiting = []
    for index in range(draw(st.integers(0, 3))):
        arguments = draw(ARGUMENTS)
        message["tool_calls"].append(tool_call(f"call_{index}", arguments, f"f{index}"))
        bits = cut(draw, arguments)
        first = {"index": index, **tool_call(f"call_{index}", bits[0], f"f{index}")}
        waiting.append([first, *({"index": index, "function": {"arguments": bit}} for bit in bits[1:])])
    started = []
    while waiting or started:
        if waiting and (not started or draw(st.booleans())):
            started.append(waiting.pop(0))
            turn = started[-1]
        else:
            turn = started[draw(st.integers(0, len(started) - 1))]
        chunks.append(chunk(tool_calls=[turn.pop(0)]))
        started = [bits for bits in started if bits]
    finish = draw(st.sampled_from(["stop", "tool_calls", "length", "content_filter"]))
    ends = draw(st.sampled_from([[chunk(finish, usage=USAGE)], [chunk(finish), usage_chunk(), DONE]]))
    return whole(finish, **message), chunks + ends


@given(answers())
def test_however_an_answer_is_cut_and_interleaved_its_message_is_that_of_the_whole(answer):
    expected, chunks = answer
    stream = MessageStream("claude")
    assert put_together(feed(*chunks, stream=stream)) == expected
    assert stream.usage == read_reply(completion(content="x"), "m").usage


BITS = st.one_of(
    TEXTS.map(lambda text: {"content": text}),
    TEXTS.map(lambda text: {"reasoning": text}),
    st.tuples(st.integers(0, 2), TEXTS).map(
        lambda bit: {"tool_calls": [{"index": bit[0], "function": {"name": "f", "arguments": bit[1]}}]}
    ),
)


@given(st.lists(BITS, max_size=12))
def test_texts_that_come_between_the_bits_of_calls_are_never_lost_or_reordered(bits):
    try:
        sent = feed(*(chunk(**bit) for bit in bits), chunk("stop"), usage_chunk())
    except Fault:  # the arguments are no object
        return
    blocks = put_together(sent)["content"]
    for kind, name in (("text", "content"), ("thinking", "reasoning")):
        said = "".join(block[kind] for block in blocks if block["type"] == kind)
        assert said == "".join(bit.get(name, "") for bit in bits)
