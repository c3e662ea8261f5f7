"""What Anthropic really sent, translated and then read by OpenAI's own SDK: nothing gets lost."""

import json

import msgspec
import pytest
from anthropic.types import Message
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from fakes.recordings import list_exchanges
from keeptrusts.contract.call import Route
from keeptrusts.providers.sse import SseSplitter, parse
from keeptrusts.providers.translation.catalog import TRANSLATORS

pytestmark = pytest.mark.fixtures

TRANSLATOR = TRANSLATORS[Route.CHAT, "anthropic"]


def check(completion: ChatCompletion, message: Message) -> None:
    """The completion says and counts what the message does."""
    said = completion.choices[0].message
    assert (said.content or "") == "".join(block.text for block in message.content if block.type == "text")
    thought = "".join(block.thinking for block in message.content if block.type == "thinking")
    assert (said.model_extra or {}).get("reasoning_content", "") == thought
    uses = [block for block in message.content if block.type == "tool_use"]
    assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in said.tool_calls or ()] == [
        (use.id, use.name, use.input) for use in uses
    ]
    cached = message.usage.cache_read_input_tokens or 0
    written = message.usage.cache_creation_input_tokens or 0
    assert completion.usage.prompt_tokens == message.usage.input_tokens + cached + written
    assert completion.usage.prompt_tokens_details.cached_tokens == cached
    assert completion.usage.completion_tokens == message.usage.output_tokens
    assert completion.id == message.id
    reasons = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls"}
    assert completion.choices[0].finish_reason == reasons[message.stop_reason]


def test_whole_answers_lose_nothing(recorded):
    found = [one for one in list_exchanges(recorded) if one.name.startswith("anthropic-") and not one.is_stream]
    for exchange in found:
        translated = TRANSLATOR.read_reply(exchange.reply, model="asked", created=1)
        completion = ChatCompletion.model_validate(json.loads(translated.body), strict=True)
        check(completion, Message.model_validate(json.loads(exchange.reply)))
    assert len(found) >= 6


def test_streams_lose_nothing(recorded):
    found = [one for one in list_exchanges(recorded) if one.name.startswith("anthropic-") and one.is_stream]
    for exchange in found:
        splitter = SseSplitter()
        events = [*splitter.feed(exchange.reply), splitter.finish()]
        stream = TRANSLATOR.open_stream(model="asked", created=1)
        sent = [chunk for event in events for chunk in stream.feed(event)]
        assert sent[-1] == b"data: [DONE]\n\n"
        state = ChatCompletionStreamState()
        for chunk in sent[:-1]:
            state.handle_chunk(ChatCompletionChunk.model_validate(json.loads(parse(chunk)[1]), strict=True))
        check(state.get_final_completion(), accumulate(events))
        assert stream.usage.output_tokens == accumulate(events).usage.output_tokens
    assert found


def check_response(response: Response, message: Message) -> None:
    """The response says and counts what the message does."""
    assert response.output_text == "".join(block.text for block in message.content if block.type == "text")
    thoughts = [item.summary[0].text for item in response.output if item.type == "reasoning"]
    assert thoughts == [block.thinking for block in message.content if block.type == "thinking"]
    calls = [item for item in response.output if item.type == "function_call"]
    uses = [block for block in message.content if block.type == "tool_use"]
    assert [(call.call_id, call.name, json.loads(call.arguments)) for call in calls] == [
        (use.id, use.name, use.input) for use in uses
    ]
    cached = message.usage.cache_read_input_tokens or 0
    written = message.usage.cache_creation_input_tokens or 0
    assert response.usage.input_tokens == message.usage.input_tokens + cached + written
    assert response.usage.output_tokens == message.usage.output_tokens
    assert response.status == "completed"


def test_as_responses_they_lose_nothing_either(recorded):
    translator = TRANSLATORS[Route.RESPONSES, "anthropic"]
    for exchange in list_exchanges(recorded):
        if not exchange.name.startswith("anthropic-"):
            continue
        if not exchange.is_stream:
            translated = translator.read_reply(exchange.reply, model="asked", created=1)
            response = Response.model_validate(json.loads(translated.body), strict=True)
            check_response(response, Message.model_validate(json.loads(exchange.reply)))
            continue
        splitter = SseSplitter()
        events = [*splitter.feed(exchange.reply), splitter.finish()]
        stream = translator.open_stream(model="asked", created=1)
        state = ResponseStreamState(input_tools=omit, text_format=omit)
        sent = [json.loads(parse(one)[1]) for event in events for one in stream.feed(event)]
        for one in sent:
            state.handle_event(TypeAdapter(ResponseStreamEvent).validate_python(one, strict=True))
        check_response(Response.model_validate(sent[-1]["response"]), accumulate(events))


def accumulate(events: list[bytes]) -> Message:
    """The message that a stream of plain text builds."""
    tree: dict = {}
    for event in events:
        data = parse(event)[1]
        one = msgspec.json.decode(data) if data else {"type": "ping"}
        if one["type"] == "message_start":
            tree = one["message"]
        elif one["type"] == "content_block_start":
            tree["content"].append(one["content_block"])
        elif one["type"] == "content_block_delta":
            tree["content"][one["index"]]["text"] += one["delta"]["text"]
        elif one["type"] == "message_delta":
            tree |= one["delta"]
            tree["usage"] |= one["usage"]
    return Message.model_validate(tree)
