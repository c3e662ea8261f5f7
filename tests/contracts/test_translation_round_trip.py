"""A conversation that is translated to the other dialect and back still says the same, in the same order."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Route
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.translation.catalog import TRANSLATORS

JSON = b"application/json"

WORDS = st.lists(st.sampled_from(["Hello", "é", "😀", '"', "\\", "\n", "a b", "{"]), max_size=4)
TEXTS = WORDS.map(lambda words: "x" + "".join(words))
VALUES = st.recursive(
    TEXTS | st.integers(-(2**40), 2**40) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
TEXT_BLOCKS = TEXTS.map(lambda text: {"type": "text", "text": text})
RESULTS = TEXTS | st.lists(TEXT_BLOCKS, min_size=1, max_size=3)
IMAGES = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ]
)
SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
TOOLS = st.lists(
    st.tuples(st.sampled_from("fg"), TEXTS).map(
        lambda tool: {"name": tool[0], "description": tool[1], "input_schema": SCHEMA}
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda tool: tool["name"],
)


@st.composite
def conversations(draw):
    messages = [{"role": "user", "content": draw(TEXTS | st.lists(TEXT_BLOCKS | IMAGES, min_size=1, max_size=3))}]
    made = 0
    for _ in range(draw(st.integers(0, 3))):
        uses = []
        for _ in range(draw(st.integers(0, 2))):
            made += 1
            arguments = draw(st.dictionaries(TEXTS, VALUES, max_size=2))
            uses.append({"type": "tool_use", "id": f"toolu_{made}", "name": "f", "input": arguments})
        said = draw(st.lists(TEXT_BLOCKS, min_size=0 if uses else 1, max_size=2))
        results = [
            {
                "type": "tool_result",
                "tool_use_id": use["id"],
                "content": draw(TEXTS | st.lists(TEXT_BLOCKS, min_size=1)),
            }
            for use in uses
        ]
        rest = draw(st.lists(TEXT_BLOCKS | IMAGES, min_size=0 if results else 1, max_size=2))
        messages += [{"role": "assistant", "content": said + uses}, {"role": "user", "content": results + rest}]
    return {
        "model": "m",
        "max_tokens": 5,
        "system": draw(TEXTS | st.lists(TEXT_BLOCKS, min_size=1, max_size=2)),
        "messages": messages,
        "tools": draw(TOOLS),
        "tool_choice": draw(
            st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "none"}, {"type": "tool", "name": "f"}])
        ),
        "stop_sequences": ["END"],
        "temperature": 0.5,
    }


def blocks_of(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def said_in(tree):
    """All that a model is told, in order, with every spelling of one thing alike."""
    told = [("system", block["text"]) for block in blocks_of(tree["system"])]
    for message in tree["messages"]:
        for block in blocks_of(message["content"]):
            bare = {key: value for key, value in block.items() if key not in {"cache_control", "is_error"}}
            if block["type"] == "tool_result":
                bare["content"] = blocks_of(block["content"])
            told.append((message["role"], bare))
    return told


def translate(key, tree):
    call = dialect_of(key[0]).read_call(key[0], json.dumps(tree).encode(), JSON)
    assert TRANSLATORS[key].obstacle(call) is None
    return json.loads(TRANSLATORS[key].write_call(call, model="m", changes={}, max_output_tokens=None))


@given(conversations())
@settings(max_examples=100, deadline=None)
def test_a_conversation_of_messages_comes_back_as_it_went(tree):
    chat = translate((Route.MESSAGES, "openai"), tree)
    back = translate((Route.CHAT, "anthropic"), chat)
    assert said_in(back) == said_in(tree)
    assert back["tools"] == tree["tools"]
    assert back["tool_choice"] == tree["tool_choice"]
    assert {key: back[key] for key in ("max_tokens", "stop_sequences", "temperature")} == {
        key: tree[key] for key in ("max_tokens", "stop_sequences", "temperature")
    }
