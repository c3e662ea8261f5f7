import hashlib

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.settings import write_settings
from unit.providers.translation.messages_to_chat.calling import HELLO, chat_of, make_call, obstacle_of

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
FORM = {"type": "json_schema", "schema": CLOSED}
CHAT_FORM = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": CLOSED}}


def test_sampling_is_carried_and_nothing_else_is_added():
    chat = chat_of(temperature=0.5, top_p=0.9, stop_sequences=["END"], metadata={"user_id": "u"}, stream=False)
    assert chat == {
        "model": "gpt-4o",
        "messages": HELLO,
        "max_completion_tokens": 10,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "user": "u",
    }
    assert chat_of(temperature=None, top_p=None, metadata=None, thinking=None, stop_sequences=[]).keys() == {
        "model",
        "messages",
        "max_completion_tokens",
    }


def test_the_limit_is_the_clients_and_else_the_targets():
    assert write_settings({"max_tokens": 5}, "m", 9) == {"max_completion_tokens": 5}
    assert write_settings({}, "m", 9) == {"max_completion_tokens": 9}
    assert write_settings({}, "m", None) == {}
    assert obstacle_of(max_tokens=0) == "max_tokens"
    assert obstacle_of(max_tokens=1) is None


def test_four_stop_sequences_are_carried_and_five_are_an_obstacle():
    assert obstacle_of(stop_sequences=["a", "b", "c", "d"]) is None
    assert obstacle_of(stop_sequences=["a", "b", "c", "d", "e"]) == "stop_sequences"


def test_a_long_identifier_of_a_user_is_hashed():
    assert chat_of(metadata={"user_id": "x" * 64})["user"] == "x" * 64
    long = "user_" + "x" * 150
    assert chat_of(metadata={"user_id": long})["user"] == hashlib.sha256(long.encode()).hexdigest()
    assert obstacle_of(metadata={"user_id": "x", "team": "y"}) == "metadata"
    assert obstacle_of(metadata={"user_id": "x"}) is None
    assert "user" not in chat_of(metadata={"user_id": None})


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (4095, "low"), (4096, "medium"), (16384, "high")])
@pytest.mark.parametrize("model", ["o3-mini", "gpt-5.1", "openai/gpt-oss-120b", "gemini-2.5-flash", "gpt-10"])
def test_a_budget_of_thinking_is_an_effort_for_models_that_take_one(model, budget, effort):
    assert chat_of(model, thinking={"type": "enabled", "budget_tokens": budget})["reasoning_effort"] == effort


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4.1", "llama-3.3-70b", "gpt-5-chat-latest", "gemini-2.0-flash"])
def test_a_model_that_takes_no_effort_is_told_none(model):
    assert "reasoning_effort" not in chat_of(model, thinking={"type": "enabled", "budget_tokens": 2048})


@pytest.mark.parametrize("kind", ["disabled", "adaptive", "between_tools"])
def test_other_kinds_of_thinking_leave_the_effort_to_the_model(kind):
    assert "reasoning_effort" not in chat_of("o3", thinking={"type": kind, "budget_tokens": 2048})


@pytest.mark.parametrize(
    ("said", "effort"), [("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "high"), ("max", "high")]
)
def test_an_effort_in_words_comes_before_a_budget(said, effort):
    thinking = {"type": "enabled", "budget_tokens": 8192}
    assert chat_of("o3", output_config={"effort": said}, thinking=thinking)["reasoning_effort"] == effort


def test_a_form_of_the_answer_is_carried_where_it_can_be_strict():
    assert chat_of(output_config={"format": FORM})["response_format"] == CHAT_FORM
    assert chat_of(output_format=FORM)["response_format"] == CHAT_FORM
    assert "response_format" not in chat_of(output_config={"format": None, "effort": None})
    assert obstacle_of(output_config={"format": FORM}, output_format=FORM) is None


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"format": {"type": "json_schema", "schema": {"type": "object"}}}, "output_config.format.schema"),
        ({"format": {"type": "grammar", "schema": CLOSED}}, "output_config.format"),
        ({"format": {**FORM, "name": "x"}}, "output_config.format"),
        ({"task_budget": 5}, "output_config"),
        ({"effort": "huge"}, "output_config.effort"),
    ],
)
def test_a_form_that_chat_cannot_keep_to_is_an_obstacle(config, place):
    assert obstacle_of(output_config=config) == place


def test_clearing_former_thinking_is_done_anyway_and_other_edits_are_obstacles():
    clear = {"type": "clear_thinking_20251015", "keep": "all"}
    assert obstacle_of(context_management={"edits": [clear]}) is None
    assert obstacle_of(context_management={}) is None
    tools = {"type": "clear_tool_uses_20250919"}
    assert obstacle_of(context_management={"edits": [clear, tools]}) == "context_management.edits"
    assert obstacle_of(context_management={"edits": ["x"]}) == "context_management.edits"
    assert obstacle_of(context_management={"new": 1}) == "context_management"


def test_a_place_of_inference_is_an_obstacle_unless_it_is_any():
    assert obstacle_of(inference_geo="global") is None
    assert obstacle_of(inference_geo=None) is None
    assert obstacle_of(inference_geo="us") == "inference_geo"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"output_config": "x"}, "output_config"),
        ({"output_config": {"format": "x"}}, "output_config.format"),
        ({"thinking": "x"}, "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": "x"}}, "budget_tokens"),
    ],
)
def test_a_value_of_a_wrong_type_is_refused_by_its_name(members, param):
    assert obstacle_of(**members) is None
    with pytest.raises(Fault) as raised:
        write_settings(make_call(**members).tree, "m", None)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)
