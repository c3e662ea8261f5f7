import json

from keeptrusts.contract.call import Route
from keeptrusts.providers.translation.messages_to_chat.translator import MessagesToChat
from unit.providers.translation.messages_to_chat.answering import completion
from unit.providers.translation.messages_to_chat.calling import make_call

TRANSLATOR = MessagesToChat()


def write(call, changes=None):
    return json.loads(TRANSLATOR.write_call(call, model="gpt-4o", changes=changes or {}, max_output_tokens=None))


def test_a_streamed_call_asks_for_its_usage():
    assert TRANSLATOR.route is Route.CHAT
    chat = write(make_call(stream=True))
    assert (chat["stream"], chat["stream_options"]) == (True, {"include_usage": True})
    assert "stream" not in write(make_call(stream=False))


def test_changes_stand_at_the_clients_places_and_the_call_itself_stays():
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {"mail": "anna@example.com"}}
    messages = [
        {"role": "user", "content": "I am Anna"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "Anna"}]},
    ]
    call = make_call(messages=messages)
    changes = {
        ("messages", 0, "content"): "I am [NAME]",
        ("messages", 1, "content", 0, "input", "mail"): "[EMAIL]",
        ("messages", 2, "content", 0, "content"): "[NAME]",
    }
    written = json.dumps(write(call, changes))
    assert "Anna" not in written
    assert "anna" not in written
    assert write(call)["messages"][0]["content"] == "I am Anna"


def test_an_obstacle_is_found_before_anything_is_written():
    assert TRANSLATOR.obstacle(make_call(top_k=5)) == "top_k"
    assert TRANSLATOR.obstacle(make_call()) is None


def test_answers_are_those_of_the_model_that_was_asked():
    translated = TRANSLATOR.read_reply(completion(content="x"), model="claude", created=1)
    assert json.loads(translated.body)["model"] == "claude"
    assert TRANSLATOR.open_stream(model="claude", created=1).usage is None


def test_former_calls_are_marked_for_a_model_that_demands_signatures():
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    call = make_call(messages=[{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}])
    sent = TRANSLATOR.write_call(call, model="gemini-3-pro-preview", changes={}, max_output_tokens=None)
    assert b"extra_content" in sent
    assert "extra_content" not in json.dumps(write(call))
