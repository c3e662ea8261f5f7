"""The real SDK reads what is faked: Anthropic's Messages."""

import anthropic
import pytest

from fakes.sdks import anthropic_sdk

WEATHER = {
    "name": "get_weather",
    "description": "The weather somewhere",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def sdk():
    with anthropic_sdk() as client:
        yield client


def say(text):
    return [{"role": "user", "content": text}]


def test_a_message_says_back_what_it_was_told(sdk):
    answer = sdk.messages.create(model="any", max_tokens=9, messages=say("mail [EMAIL]"), system="be brief")
    assert answer.content[0].text == "You said: mail [EMAIL]"
    assert (answer.stop_reason, answer.usage.input_tokens) == ("end_turn", 4)


def test_a_streamed_message_has_every_event_in_order_and_a_ping(sdk):
    events = sdk.messages.create(model="any", max_tokens=9, messages=say("hi"), stream=True)
    kinds = [event.type for event in events]
    assert [kind for kind in dict.fromkeys(kinds) if kind != "ping"] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_the_sdks_own_stream_reader_puts_a_message_together(sdk):
    with sdk.messages.stream(model="any", max_tokens=9, messages=say("hi there")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert message.content[0].text == text == "You said: hi there"
    assert message.usage.output_tokens == 4


def test_a_tool_is_called_whole_and_streamed(sdk):
    asked = {"model": "any", "max_tokens": 9, "messages": say("hi"), "tools": [WEATHER]}
    whole = sdk.messages.create(**asked, tool_choice={"type": "tool", "name": "get_weather"})
    assert (whole.stop_reason, whole.content[0].input) == ("tool_use", {"city": "You said: hi"})
    with sdk.messages.stream(**asked) as stream:
        assert stream.get_final_message().content[0].input == {"city": "You said: hi"}


def test_a_tools_result_is_answered_in_words(sdk):
    told = [
        *say("weather?"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "17 degrees"}]},
    ]
    answer = sdk.messages.create(model="any", max_tokens=9, messages=told, tools=[WEATHER])
    assert answer.content[0].text == "You said: 17 degrees"


def test_tokens_are_counted_by_words(sdk):
    counted = sdk.messages.count_tokens(model="any", messages=say("one two three"), system="four")
    assert counted.input_tokens == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "authentication_error"), (429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error")],
)
def test_an_error_that_is_asked_for_has_anthropics_shape(sdk, status, kind):
    with pytest.raises(anthropic.APIStatusError) as raised:
        sdk.messages.create(model="any", max_tokens=9, messages=say(f"fake:error {status}"))
    assert (raised.value.status_code, raised.value.body["error"]["type"]) == (status, kind)


def test_a_call_without_messages_is_refused(sdk):
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        sdk.messages.create(model="any", max_tokens=9, messages=[])
