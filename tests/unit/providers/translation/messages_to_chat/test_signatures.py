import pytest

from keeptrusts.providers.translation.messages_to_chat.signatures import sign

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGES = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "tool_calls": [CALL]}]


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "google/gemini-3.1-flash", "gemini-10"])
def test_former_calls_are_marked_as_unsigned_where_the_model_demands_signatures(model):
    word = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert sign(MESSAGES, model) == [MESSAGES[0], MESSAGES[1] | {"tool_calls": [CALL | {"extra_content": word}]}]
    assert "extra_content" not in CALL


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gpt-5", "my-gemini-3"])
def test_other_models_get_what_they_know(model):
    assert sign(MESSAGES, model) is MESSAGES
