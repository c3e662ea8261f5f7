"""Completions, embeddings, moderations."""

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.openai.dialect import OPENAI
from keeptrusts.providers.openai.plain import collect_completion_reply, collect_plain_call
from unit.providers.canaries import inventory_of, kinds


@pytest.mark.parametrize("member", ["prompt", "input"])
@pytest.mark.parametrize(
    ("value", "unread"),
    [
        ("SEEN", []),
        (["SEEN a", "SEEN b", ""], []),
        ([1, 2], ["tokens"]),
        ([[1], [2]], ["tokens", "tokens"]),
        (["SEEN", 5], ["tokens"]),
        ([{"type": "text", "text": "SEEN"}, {"type": "image_url", "image_url": {"url": "x"}}], ["image_url"]),
        ([{"text": "SEEN"}, {"image": "kept"}], ["image"]),
        ({"other": "SEEN"}, []),
        ([], []),
    ],
)
def test_what_is_judged_and_what_cannot_be(member, value, unread):
    tree = {"model": "m", member: value, "suffix": "SEEN", "user": "kept", "stop": ["kept"], "metadata": {"id": "SEEN"}}
    assert list(kinds(inventory_of(collect_plain_call, tree)).values()) == unread


def test_replies_of_completions():
    inventory_of(
        collect_completion_reply,
        {
            "id": "kept",
            "choices": [{"text": "SEEN", "index": 0, "logprobs": {"tokens": ["kept"]}, "finish_reason": "kept"}],
        },
    )


@pytest.mark.parametrize(
    ("members", "choices"),
    [
        ({}, 1),
        ({"n": 2, "best_of": 5}, 5),
        ({"prompt": ["a", "b"], "n": 2}, 4),
        ({"prompt": [1, 2]}, 1),
        ({"prompt": [[1], [2]]}, 2),
    ],
)
def test_how_many_answers_are_asked_for(members, choices):
    body = encode({"model": "m", "prompt": "x", "max_tokens": 4, "logprobs": 0, **members})
    call = OPENAI.read_call(Route.COMPLETIONS, body, b"application/json")
    assert (call.choices, call.max_output_tokens, call.asks_logprobs) == (choices, 4, True)
