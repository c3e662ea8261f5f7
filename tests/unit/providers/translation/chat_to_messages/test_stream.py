"""Streamed answers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.sse import parse, render
from keeptrusts.providers.translation.chat_to_messages.reply import read_reply
from keeptrusts.providers.translation.chat_to_messages.stream import ChatChunks

USAGE = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 1}
END = {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 30}}


def event(kind, **members):
    return render(kind, json.dumps({"type": kind, **members}, ensure_ascii=False).encode())


def start(**members):
    return event("message_start", message={"id": "msg_1", "usage": USAGE, **members})


def delta(kind, index=0, **members):
    return event("content_block_delta", index=index, delta={"type": kind, **members})


def ending(reason="end_turn", **members):
    return [event("message_delta", delta={"stop_reason": reason, **members}, usage=END), event("message_stop")]


def feed(events):
    chunks = ChatChunks("asked", 1234)
    return [sent for one in events for sent in chunks.feed(one)], chunks


def read_by_sdk(sent):
    """What OpenAI's SDK makes of the chunks."""
    assert sent[-1] == b"data: [DONE]\n\n"
    state = ChatCompletionStreamState()
    for one in sent[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate(json.loads(parse(one)[1]), strict=True))
    return state.current_completion_snapshot


def stream_of(blocks, cut):
    """The events of a message with these blocks, its texts cut by `cut`."""
    events = [start()]
    for index, block in enumerate(blocks):
        kind = block["type"]
        if kind == "tool_use":
            empty, grow = {**block, "input": {}}, ("input_json_delta", "partial_json")
            pieces = cut(json.dumps(block["input"], ensure_ascii=False))
        else:
            field = {"text": "text", "thinking": "thinking"}[kind]
            empty, grow, pieces = {**block, field: ""}, (f"{field}_delta", field), cut(block[field])
        events.append(event("content_block_start", index=index, content_block=empty))
        events.append(event("ping"))
        events += [delta(grow[0], index, **{grow[1]: piece}) for piece in pieces]
        if kind == "thinking":
            events.append(delta("signature_delta", index, signature="s"))
        events.append(event("content_block_stop", index=index))
    return [*events, *ending("tool_use")]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
inputs = st.dictionaries(
    st.sampled_from(["a", 'b"', "é"]), texts | st.integers(-5, 5) | st.lists(st.booleans()), max_size=3
)
blocks = st.lists(
    st.builds(lambda said: {"type": "text", "text": said}, texts)
    | st.builds(lambda said: {"type": "thinking", "thinking": said}, texts)
    | st.builds(lambda given: {"type": "tool_use", "name": "f", "input": given}, inputs),
    max_size=4,
).map(lambda found: [{**block, "id": f"t{index}"} for index, block in enumerate(found)])


@given(blocks=blocks, data=st.data())
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_it_says_what_the_whole_answer_says(blocks, data):
    def cut(said):
        at = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=3)))
        return [said[begin:end] for begin, end in zip([0, *at], [*at, len(said)], strict=True)]

    sent, _ = feed(stream_of(blocks, cut))
    body = json.dumps({"id": "msg_1", "content": blocks, "stop_reason": "tool_use", "usage": USAGE | END}).encode()
    whole = json.loads(read_reply(body, model="asked", created=1234).body)["choices"][0]["message"]
    streamed = read_by_sdk(sent).choices[0].message.model_dump()
    assert streamed["content"] == (whole["content"] or "")
    assert streamed.get("reasoning_content") == whole.get("reasoning_content")
    for one, other in zip(streamed["tool_calls"] or [], whole.get("tool_calls", []), strict=True):
        assert (one["id"], one["function"]["name"]) == (other["id"], other["function"]["name"])
        assert json.loads(one["function"]["arguments"]) == json.loads(other["function"]["arguments"])


def test_a_stream_has_the_order_that_clients_rely_on():
    blocks = [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]
    sent, chunks = feed(stream_of(blocks, lambda said: [said, ""]))
    trees = [json.loads(parse(one)[1]) for one in sent[:-1]]
    assert {(tree["id"], tree["object"], tree["created"], tree["model"]) for tree in trees} == {
        ("msg_1", "chat.completion.chunk", 1234, "asked")
    }
    assert [tree["choices"][0]["delta"] if tree["choices"] else None for tree in trees] == [
        {"role": "assistant", "content": ""},
        {"content": "hi"},
        {"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x": 1}'}}]},
        {},
        None,
    ]
    assert [tree["choices"][0]["finish_reason"] for tree in trees[:-1]] == [None] * 4 + ["tool_calls"]
    assert trees[-1]["usage"] == {
        "prompt_tokens": 127,
        "completion_tokens": 50,
        "total_tokens": 177,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    assert (chunks.usage.input_tokens, chunks.usage.output_tokens) == (127, 50)


def test_a_tools_input_that_comes_whole_is_said_and_no_input_is_an_empty_object():
    uses = [{"type": "tool_use", "id": "t", "name": "f", "input": given} for given in ({"x": 1}, {})]
    events = [start()]
    for index, block in enumerate(uses):
        events += [
            event("content_block_start", index=index, content_block=block),
            event("content_block_stop", index=index),
        ]
    message = read_by_sdk(feed([*events, *ending()])[0]).choices[0].message
    assert [call.function.arguments for call in message.tool_calls] == ['{"x":1}', "{}"]


def test_what_a_block_begins_with_is_sent_too():
    events = [
        start(),
        event("content_block_start", index=0, content_block={"type": "redacted_thinking", "data": "xxxx"}),
        event("content_block_start", index=1, content_block={"type": "thinking", "thinking": "h"}),
        delta("thinking_delta", 1, thinking="m"),
        event("content_block_start", index=2, content_block={"type": "text", "text": "a"}),
        delta("text_delta", 2, text="b"),
        delta("citations_delta", 2, citation={}),
    ]
    message = read_by_sdk(feed([*events, *ending()])[0]).choices[0].message
    assert (message.content, message.model_extra["reasoning_content"]) == ("ab", "hm")


def test_why_a_model_refused_is_said():
    sent, _ = feed([start(), *ending("refusal", stop_details={"type": "refusal", "explanation": "I will not"})])
    choice = read_by_sdk(sent).choices[0]
    assert (choice.message.refusal, choice.finish_reason) == ("I will not", "content_filter")


def test_a_stream_that_breaks_off_stays_broken():
    events = stream_of([{"type": "text", "text": "hi"}], lambda said: [said])
    for length in range(len(events)):
        sent, _ = feed(events[:length])
        assert b"[DONE]" not in b"".join(sent)
        assert b'"finish_reason":"' not in b"".join(sent)


def test_an_error_in_the_stream_is_the_clients_error():
    sent, _ = feed([start(), event("error", error={"type": "overloaded_error", "message": "busy"})])
    assert json.loads(parse(sent[-1])[1]) == {
        "error": {"message": "busy", "type": "overloaded_error", "param": None, "code": "overloaded_error"}
    }
    (bare,), _ = feed([event("error", error="busy")])
    assert json.loads(parse(bare)[1])["error"]["message"] == "The provider gave no reason."


def test_without_counts_there_is_no_usage_to_tell():
    sent, chunks = feed([start(usage=None), event("message_stop")])
    assert chunks.usage is None
    assert len(sent) == 3


@pytest.mark.parametrize(
    "quiet", [b"\n", b": comment\n\n", event("ping"), event("new_event"), event("content_block_stop")]
)
def test_what_says_nothing_is_not_passed_on(quiet):
    assert ChatChunks("m", 0).feed(quiet) == []


@pytest.mark.parametrize(
    "events",
    [
        [b"data: {broken\n\n"],
        [b"data: [1]\n\n"],
        [b"data: \xff\n\n"],
        [delta("text_delta", text="before the start")],
        [start(), delta("compaction_delta", content="x")],
        [start(), event("content_block_start", content_block={"type": "server_tool_use"})],
    ],
)
def test_what_chunks_cannot_carry_is_an_error_of_the_provider(events):
    with pytest.raises(Fault) as raised:
        feed(events)
    assert raised.value.code is Code.UPSTREAM_ERROR


def test_data_on_several_lines_is_read():
    chunks = ChatChunks("m", 0)
    chunks.feed(start())
    odd = delta("text_delta", text="a").replace(b', "delta"', b',\ndata: "delta"')
    assert odd.count(b"\ndata: ") == 2
    assert len(chunks.feed(odd)) == 1
