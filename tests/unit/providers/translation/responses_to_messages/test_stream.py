"""Streamed responses."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.sse import parse
from keeptrusts.providers.translation.responses_to_messages.response import read_reply
from keeptrusts.providers.translation.responses_to_messages.stream import ResponseEvents
from unit.providers.translation.chat_to_messages.test_stream import (
    END,
    USAGE,
    blocks,
    delta,
    ending,
    event,
    start,
    stream_of,
)

EVENT = TypeAdapter(ResponseStreamEvent)


def feed(events):
    stream = ResponseEvents("asked", 1234)
    return [json.loads(parse(sent)[1]) for one in events for sent in stream.feed(one)], stream


def read_by_sdk(trees):
    """What OpenAI's SDK makes of the events."""
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for tree in trees:
        state.handle_event(EVENT.validate_python(tree, strict=True))
    return Response.model_validate(trees[-1]["response"], strict=True)


@given(blocks=blocks, data=st.data())
@settings(max_examples=40, deadline=None)
def test_however_a_stream_is_cut_it_says_what_the_whole_answer_says(blocks, data):
    def cut(said):
        at = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=3)))
        return [said[begin:end] for begin, end in zip([0, *at], [*at, len(said)], strict=True)]

    trees, stream = feed(stream_of(blocks, cut))
    body = json.dumps({"id": "msg_1", "content": blocks, "stop_reason": "tool_use", "usage": USAGE | END}).encode()
    whole = read_reply(body, model="asked", created=1234)
    said = json.loads(whole.body)
    for response in (trees[-1]["response"], said):
        for item in response["output"]:
            if item["type"] == "function_call":
                item["arguments"] = json.loads(item["arguments"])
    assert trees[-1]["response"] == said
    assert stream.usage == whole.usage


@given(blocks=blocks)
@settings(max_examples=30, deadline=None)
def test_the_sdk_reads_every_stream_and_its_end_says_what_its_deltas_said(blocks):
    trees, _ = feed(stream_of(blocks, lambda said: [said[:2], said[2:]]))
    assert [tree["sequence_number"] for tree in trees] == list(range(len(trees)))
    assert [tree["type"] for tree in trees[:2]] == ["response.created", "response.in_progress"]
    read = read_by_sdk(trees)
    assert read.status == "completed"
    said = {}
    for tree in trees:
        if tree["type"].endswith(".delta"):
            said[tree["item_id"]] = said.get(tree["item_id"], "") + tree["delta"]
    for item in trees[-1]["response"]["output"]:
        texts = {"message": "content", "reasoning": "summary"}
        own = item["arguments"] if item["type"] == "function_call" else item[texts[item["type"]]][0]["text"]
        assert said[item["id"]] == own


def test_the_events_of_an_item_come_in_their_order():
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    events = [start(), event("content_block_start", content_block=use), event("content_block_stop"), *ending()]
    trees, _ = feed(events)
    assert [tree["type"].removeprefix("response.") for tree in trees] == [
        "created",
        "in_progress",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert trees[-3]["arguments"] == "{}"


def test_what_a_block_begins_with_is_said_and_what_says_nothing_is_no_item():
    events = [
        start(),
        event("content_block_start", content_block={"type": "redacted_thinking", "data": "x"}),
        event("content_block_stop"),
        event("content_block_start", content_block={"type": "thinking", "thinking": ""}),
        delta("signature_delta", signature="s"),
        event("content_block_stop"),
        event("content_block_start", content_block={"type": "text", "text": "a"}),
        delta("text_delta", text="b"),
        delta("text_delta", text=""),
        event("content_block_stop"),
    ]
    read = read_by_sdk(feed([*events, *ending()])[0])
    assert [item.type for item in read.output] == ["message"]
    assert read.output_text == "ab"


def test_an_answer_that_was_cut_or_refused_is_incomplete():
    trees, _ = feed([start(), *ending("refusal", stop_details={"explanation": "I will not"})])
    assert trees[-1]["type"] == "response.incomplete"
    read = read_by_sdk(trees)
    assert (read.output[0].content[0].refusal, read.incomplete_details.reason) == ("I will not", "content_filter")


def test_a_stream_that_breaks_off_stays_broken():
    events = stream_of([{"type": "text", "text": "hi"}], lambda said: [said])
    for length in range(len(events)):
        trees, _ = feed(events[:length])
        assert not any(tree["type"] in {"response.completed", "response.incomplete"} for tree in trees)


@pytest.mark.parametrize("before", [[], [start()]])
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"type": "overloaded_error", "message": "busy"}, "server_error", "busy"),
        ({"type": "rate_limit_error", "message": "slow"}, "rate_limit_exceeded", "slow"),
        ({"type": "invalid_request_error", "message": "no"}, "invalid_prompt", "no"),
        ("busy", "server_error", "The provider gave no reason."),
    ],
)
def test_an_error_in_the_stream_is_a_failed_response(before, error, code, message):
    trees, _ = feed([*before, event("error", error=error)])
    assert [tree["type"] for tree in trees] == ["response.created", "response.in_progress", "response.failed"]
    assert trees[-1]["response"]["error"] == {"code": code, "message": message}
    EVENT.validate_python(trees[-1], strict=True)


@pytest.mark.parametrize(
    "events",
    [
        [b"data: {broken\n\n"],
        [event("content_block_start", content_block={"type": "text", "text": ""})],
        [event("message_stop")],
        [start(), delta("text_delta", text="without a block")],
        [start(), event("content_block_start", content_block={"type": "server_tool_use"})],
        [start(), event("content_block_start", content_block={"type": "text"}), delta("thinking_delta", thinking="x")],
    ],
)
def test_what_a_response_cannot_carry_is_an_error_of_the_provider(events):
    with pytest.raises(Fault) as raised:
        feed(events)
    assert raised.value.code is Code.UPSTREAM_ERROR


@pytest.mark.parametrize("quiet", [b": comment\n\n", event("ping"), event("new_event"), event("content_block_stop")])
def test_what_says_nothing_is_not_passed_on(quiet):
    assert ResponseEvents("m", 0).feed(quiet) == []
