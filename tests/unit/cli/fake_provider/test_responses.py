"""The real SDK reads what is faked: the Responses API."""

import json

import openai
import pytest
from pydantic import BaseModel

from fakes.sdks import openai_sdk

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


@pytest.fixture
def sdk():
    with openai_sdk() as client:
        yield client


def test_a_response_says_back_what_it_was_told(sdk):
    answer = sdk.responses.create(model="any", input="mail [EMAIL]", instructions="be brief")
    assert answer.output_text == "You said: mail [EMAIL]"
    assert answer.usage.input_tokens == 4


def test_a_streamed_response_has_every_event_in_order(sdk):
    events = list(sdk.responses.create(model="any", input=[{"role": "user", "content": "hi"}], stream=True))
    kinds = [event.type for event in events]
    assert list(dict.fromkeys(kinds)) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == "You said: hi"


def test_the_sdks_own_stream_reader_puts_a_response_together(sdk):
    with sdk.responses.stream(model="any", input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text == "You said: hi"


def test_a_function_is_called_whole_and_streamed(sdk):
    whole = sdk.responses.create(model="any", input="hi", tools=[WEATHER])
    assert json.loads(whole.output[0].arguments) == {"city": "You said: hi"}
    with sdk.responses.stream(model="any", input="hi", tools=[WEATHER]) as stream:
        called = stream.get_final_response().output[0]
    assert (called.name, json.loads(called.arguments)) == ("get_weather", {"city": "You said: hi"})


def test_a_functions_output_is_answered_in_words(sdk):
    told = [
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "17 degrees"},
    ]
    assert sdk.responses.create(model="any", input=told, tools=[WEATHER]).output_text == "You said: 17 degrees"


class Contact(BaseModel):
    name: str


def test_a_schema_that_is_asked_for_is_kept(sdk):
    assert sdk.responses.parse(model="any", input="hi", text_format=Contact).output_parsed == Contact(
        name="You said: hi"
    )


def test_a_call_without_input_is_refused(sdk):
    with pytest.raises(openai.BadRequestError, match="input"):
        sdk.responses.create(model="any", input="")
