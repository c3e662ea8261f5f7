import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.cli.fake_provider.prompt import (
    LONGEST_WAIT_S,
    Commands,
    Refused,
    count_words,
    example_of,
    pieces_of,
    read_commands,
    read_prompt,
    texts_in,
)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("hello", Commands()),
        ("fake:slow 2 please", Commands(slow_s=2.0)),
        ("fake:slow 999", Commands(slow_s=LONGEST_WAIT_S)),
        ("fake:slow 0.25 fake:truncate", Commands(slow_s=0.25, truncate=True)),
        ("fake:error 529", Commands(error=529)),
        ("fake:error", Commands(error=500)),
        ("fake:error 200", Commands(error=500)),
        ("a fake:leak", Commands(leak=True)),
        ("unfake:leak fake:leaks", Commands()),
    ],
)
def test_words_in_a_message_are_commands(text, commands):
    assert read_commands(text) == commands


def test_a_message_is_said_back_without_its_commands():
    assert read_prompt("My address is [EMAIL] fake:slow 1").answer == "You said: My address is [EMAIL]"


def test_the_last_thing_said_to_the_model_is_answered():
    turns = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": [{"type": "text", "text": "last"}, {"type": "image_url"}]},
        {"role": "system", "content": "never"},
    ]
    prompt = read_prompt(turns, "be brief")
    assert prompt.text == "last"
    assert prompt.tokens == 6


def test_a_tools_result_is_answered_with_its_text():
    for turn in (
        {"role": "tool", "content": "17 degrees"},
        {"type": "function_call_output", "output": "17 degrees"},
        {"role": "user", "content": [{"type": "tool_result", "content": "17 degrees"}]},
    ):
        prompt = read_prompt([{"role": "user", "content": "weather?"}, turn])
        assert (prompt.answers_tool, prompt.text) == (True, "17 degrees")


def test_a_call_that_asks_to_fail_is_refused_with_that_status():
    with pytest.raises(Refused) as refused:
        read_prompt("fake:error 429")
    assert refused.value.status == 429


def test_an_echo_is_bounded():
    assert len(read_prompt("x" * 100_000).answer) < 2100


def test_token_arrays_are_counted_and_not_read():
    assert list(texts_in([[1, 2, 3], [4]])) == ["3 tokens", "1 tokens"]


@given(st.text(max_size=80))
def test_the_pieces_of_a_text_make_up_the_text(text):
    assert "".join(pieces_of(text)) == text
    assert count_words(text) >= 1


def test_arguments_fit_their_schema_and_carry_the_text():
    schema = {
        "type": "object",
        "properties": {
            "to": {"type": "string"},
            "how": {"enum": ["mail", "fax"]},
            "times": {"type": "integer"},
            "share": {"type": "number"},
            "sure": {"type": ["boolean", "null"]},
            "tags": {"type": "array"},
            "who": {"anyOf": [{"type": "object", "properties": {"name": {"type": "string"}}}]},
            "kind": {"const": "x"},
            "free": {},
        },
    }
    assert example_of(schema, "me") == {
        "to": "me",
        "how": "mail",
        "times": 1,
        "share": 1.5,
        "sure": True,
        "tags": [],
        "who": {"name": "me"},
        "kind": "x",
        "free": "me",
    }


def test_a_schema_without_end_has_an_example_with_one():
    endless = {"type": "object", "properties": {}}
    endless["properties"]["again"] = endless
    assert example_of(endless, "me", depth=2) == {"again": {"again": None}}
