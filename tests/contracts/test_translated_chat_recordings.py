"""What OpenAI, Groq and Gemini really sent, translated and then read by Anthropic's own SDK: nothing gets lost."""

import json

import httpx2
import pytest
from anthropic import Anthropic
from anthropic.types import Message
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from fakes.recordings import Exchange, list_exchanges
from keeptrusts.contract.call import Route
from keeptrusts.providers.sse import SseSplitter, parse
from keeptrusts.providers.translation.catalog import TRANSLATORS

pytestmark = pytest.mark.fixtures

TRANSLATOR = TRANSLATORS[Route.MESSAGES, "openai"]
REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def check(message: Message, completion: ChatCompletion) -> None:
    """The message says and counts what the completion does."""
    said = completion.choices[0].message
    assert "".join(block.text for block in message.content if block.type == "text") == (said.content or "")
    uses = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    assert uses == [
        (call.id, call.function.name, json.loads(call.function.arguments)) for call in said.tool_calls or ()
    ]
    assert message.stop_reason == REASONS[completion.choices[0].finish_reason]
    assert message.id == "msg_" + completion.id.removeprefix("chatcmpl-")
    assert message.model == "asked"
    usage = completion.usage
    cached = usage.prompt_tokens_details.cached_tokens or 0 if usage and usage.prompt_tokens_details else 0
    assert message.usage.cache_read_input_tokens == cached
    assert message.usage.input_tokens == (usage.prompt_tokens - cached if usage else 0)
    assert message.usage.output_tokens == (usage.completion_tokens if usage else 0)


def answers(recorded, *, is_stream: bool) -> list[Exchange]:
    return [
        one
        for one in list_exchanges(recorded)
        if one.route is Route.CHAT and one.status == 200 and one.is_stream is is_stream
    ]


def test_whole_answers_lose_nothing(recorded):
    found = [one for one in answers(recorded, is_stream=False) if b'"audio":{' not in one.reply.replace(b" ", b"")]
    for exchange in found:
        translated = TRANSLATOR.read_reply(exchange.reply, model="asked", created=1)
        message = Message.model_validate(json.loads(translated.body), strict=True)
        check(message, ChatCompletion.construct(**json.loads(exchange.reply)))
    assert len(found) >= 20


def test_streams_lose_nothing(recorded):
    found = answers(recorded, is_stream=True)
    for exchange in found:
        splitter = SseSplitter()
        events = [*splitter.feed(exchange.reply), splitter.finish()]
        stream = TRANSLATOR.open_stream(model="asked", created=1)
        sent = b"".join(one for event in events for one in stream.feed(event))
        check(read_by_sdk(sent), accumulate(events))
    assert len(found) >= 5


def read_by_sdk(body: bytes) -> Message:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        Anthropic(base_url="http://fake", api_key="none", http_client=http, max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        return stream.get_final_message()


def accumulate(events: list[bytes]) -> ChatCompletion:
    state = ChatCompletionStreamState()
    for event in events:
        data = parse(event)[1]
        if data and not data.startswith(b"[DONE]"):
            state.handle_chunk(ChatCompletionChunk.construct(**json.loads(data)))
    return state.current_completion_snapshot
