import pytest

from keeptrusts.contract.faults import Code, Fault
from unit.providers.translation.messages_to_chat.calling import chat_of, messages_of, obstacle_of

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}


def text(value):
    return {"type": "text", "text": value}


def use(identifier, **arguments):
    return {"type": "tool_use", "id": identifier, "name": "f", "input": arguments}


def result(identifier, content, **members):
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, **members}


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def test_the_system_prompt_comes_first_and_its_blocks_stay_apart():
    assert messages_of(user("hi"), system="be good") == [{"role": "system", "content": "be good"}, user("hi")]
    blocks = [{**text("a"), "cache_control": {"type": "ephemeral"}}, text("b")]
    assert messages_of(user("hi"), system=blocks)[0] == {"role": "system", "content": [text("a"), text("b")]}
    assert messages_of(user("hi"), system=[]) == [user("hi")]


def test_a_system_message_stays_at_its_place():
    assert messages_of(user("a"), {"role": "system", "content": [text("s")]}, user("b"))[1] == {
        "role": "system",
        "content": "s",
    }


def test_images_and_texts_of_the_user_keep_their_order():
    assert messages_of(user([text("a"), PNG, text("b")])) == [user([text("a"), PNG_PART, text("b")])]


def test_tool_calls_carry_their_arguments_as_json():
    _, written = messages_of(user("hi"), assistant([text("ok"), use("t1", a=1, b="é"), use("t2")]))
    assert written == {
        "role": "assistant",
        "content": "ok",
        "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1,"b":"é"}'}},
            {"id": "t2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ],
    }


def test_an_assistant_that_only_calls_says_nothing_and_one_that_only_thought_says_an_empty_text():
    assert messages_of(user("a"), assistant([use("t")]))[1]["content"] is None
    thought = [{"type": "thinking", "thinking": "secret", "signature": ""}, {"type": "redacted_thinking", "data": "x"}]
    assert messages_of(user("a"), assistant(thought), user("b"))[1] == assistant("")
    assert messages_of(user("a"), assistant("plain"), user("b"))[1] == assistant("plain")


def test_results_come_right_behind_their_calls_and_the_users_text_after_them():
    written = messages_of(
        user("a"), assistant([use("t1"), use("t2")]), user([text("so"), result("t1", "one"), result("t2", [text("2")])])
    )
    assert written[2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": "2"},
        user("so"),
    ]
    assert len(messages_of(user("a"), assistant([use("t1")]), user([result("t1", "one")]))) == 3


def test_an_image_of_a_result_follows_in_the_users_message_by_its_number():
    written = messages_of(
        user("a"), assistant([use("t1"), use("t2")]), user([result("t1", [PNG]), result("t2", [text("x"), PDF])])
    )
    assert written[2]["content"] == "[image 1] is in the next message."
    assert written[3]["content"] == [text("x"), text("[file 2] is in the next message.")]
    assert [part.get("text", part["type"]) for part in written[4]["content"]] == [
        "[image 1]",
        "image_url",
        "[file 2]",
        "file",
    ]


@pytest.mark.parametrize(
    ("content", "is_error", "said"),
    [
        ("no file", True, "The tool reported an error:\nno file"),
        ([text("no"), text("file")], True, [text("The tool reported an error:\nno"), text("file")]),
        (None, True, "The tool reported an error."),
        (None, False, ""),
        ([], False, ""),
        ("fine", False, "fine"),
    ],
)
def test_an_error_of_a_tool_is_said_in_words(content, is_error, said):
    written = messages_of(user("a"), assistant([use("t")]), user([result("t", content, is_error=is_error)]))
    assert written[2] == {"role": "tool", "tool_call_id": "t", "content": said}


def test_an_answer_that_was_begun_is_an_obstacle():
    assert obstacle_of(messages=[user("a"), assistant("I ")]) == "messages[1]"
    assert obstacle_of(messages=[user("a"), assistant("I "), user("b")]) is None
    assert obstacle_of(messages=[{**user("a"), "name": "Anna"}]) == "messages[0]"
    assert obstacle_of(messages=[user([{"type": "x"}])]) == "messages[0].content[0]"
    assert obstacle_of(messages=[]) is None
    assert obstacle_of(messages=["x", user("a")]) is None
    assert obstacle_of(system=[{"type": "image"}, {"type": "x"}]) == "system[1]"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("x", "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].role"),
        (user(None), "messages[0].content"),
        (assistant([{**use("t"), "input": "x"}]), "messages[0].content[0].input"),
        (assistant([{"type": "tool_use", "name": "f", "input": {}}]), "messages[0].content[0].id"),
        (assistant([PNG]), "messages[0].content[0].text"),
        (user([{"type": "tool_result", "content": "x"}]), "messages[0].content[0].tool_use_id"),
        (user([result("t", 5)]), "messages[0].content[0].content"),
        (user([use("t")]), "messages[0].content[0].type"),
    ],
)
def test_what_is_no_message_is_refused_by_its_place(message, param):
    with pytest.raises(Fault) as raised:
        messages_of(message)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)


def test_messages_that_are_no_list_are_refused():
    with pytest.raises(Fault):
        chat_of(messages=None)
