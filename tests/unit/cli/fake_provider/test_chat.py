"""The real SDK reads what is faked: chat and text completions."""

import json

import openai
import pytest
from pydantic import BaseModel

from fakes.sdks import openai_sdk

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather somewhere",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def sdk():
    with openai_sdk() as client:
        yield client


def say(text):
    return [{"role": "user", "content": text}]


def test_a_chat_says_back_what_it_was_told(sdk):
    answer = sdk.chat.completions.create(model="any", messages=say("mail [EMAIL]"), n=2)
    assert [choice.message.content for choice in answer.choices] == ["You said: mail [EMAIL]"] * 2
    assert answer.usage.prompt_tokens == 2
    assert answer.usage.total_tokens == 2 + 8


def test_a_streamed_chat_comes_in_pieces_and_ends_with_its_usage(sdk):
    chunks = list(
        sdk.chat.completions.create(
            model="any", messages=say("a longer text"), stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == "You said: a longer text"
    assert len(texts) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 5
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


def test_a_stream_has_no_usage_unless_it_is_asked_for(sdk):
    chunks = list(sdk.chat.completions.create(model="any", messages=say("hi"), stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_the_sdks_own_stream_reader_puts_a_chat_together(sdk):
    with sdk.chat.completions.stream(model="any", messages=say("hi"), tools=[WEATHER]) as stream:
        called = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert json.loads(called.function.arguments) == {"city": "You said: hi"}


@pytest.mark.parametrize("choice", ["auto", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_tool_that_is_offered_is_called_with_arguments_of_its_schema(sdk, choice):
    answer = sdk.chat.completions.create(model="any", messages=say("hi"), tools=[WEATHER], tool_choice=choice)
    called = answer.choices[0].message.tool_calls[0]
    assert (called.function.name, answer.choices[0].finish_reason) == ("get_weather", "tool_calls")
    assert json.loads(called.function.arguments) == {"city": "You said: hi"}


def test_a_tools_result_is_answered_in_words(sdk):
    told = [
        *say("weather?"),
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": WEATHER["function"]}]},
        {"role": "tool", "tool_call_id": "c", "content": "17 degrees"},
    ]
    answer = sdk.chat.completions.create(model="any", messages=told, tools=[WEATHER])
    assert answer.choices[0].message.content == "You said: 17 degrees"


class Contact(BaseModel):
    name: str
    age: int


def test_a_schema_that_is_asked_for_is_kept(sdk):
    answer = sdk.chat.completions.parse(model="any", messages=say("hi"), response_format=Contact)
    assert answer.choices[0].message.parsed == Contact(name="You said: hi", age=1)


def test_json_that_is_asked_for_is_json(sdk):
    answer = sdk.chat.completions.create(model="any", messages=say("hi"), response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content) == {"answer": "You said: hi"}


def test_a_leak_bears_personal_data(sdk):
    answer = sdk.chat.completions.create(model="any", messages=say("fake:leak"))
    assert "4111 1111 1111 1111" in answer.choices[0].message.content
    assert "jane.doe@example.com" in answer.choices[0].message.content


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_an_error_that_is_asked_for_is_the_sdks_error(sdk, status, error):
    with pytest.raises(error) as raised:
        sdk.chat.completions.create(model="any", messages=say(f"fake:error {status}"))
    assert raised.value.status_code == status
    assert raised.value.type


def test_a_call_without_messages_is_refused(sdk):
    with pytest.raises(openai.BadRequestError, match="messages"):
        sdk.chat.completions.create(model="any", messages=[])


def test_a_text_is_completed_whole_and_streamed(sdk):
    whole = sdk.completions.create(model="any", prompt="once upon")
    assert whole.choices[0].text == "You said: once upon"
    pieces = sdk.completions.create(model="any", prompt=["once upon"], stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == "You said: once upon"


def test_more_choices_than_a_fake_needs_are_refused(sdk):
    with pytest.raises(openai.BadRequestError, match="'n'"):
        sdk.completions.create(model="any", prompt="hi", n=100)
