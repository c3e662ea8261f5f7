import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.providers.translation.token_count import (
    BASE64_PER_TOKEN,
    IMAGE_TOKENS,
    MESSAGE_TOKENS,
    MIN_DOCUMENT_TOKENS,
    count_reply,
    estimate_tokens,
)


def text(value):
    return {"type": "text", "text": value}


def of(*blocks):
    return estimate_tokens({"messages": [{"role": "user", "content": list(blocks)}]}) - MESSAGE_TOKENS


def test_four_bytes_of_text_are_a_token_wherever_they_stand():
    assert of(text("a" * 400)) == 100
    assert of(text("é" * 200)) == 100
    assert of(text("abc")) == 1
    assert estimate_tokens({"system": "a" * 40}) == 10
    assert estimate_tokens({"system": [text("a" * 40)], "messages": [{"role": "user", "content": "a" * 40}]}) == 24


def test_the_answer_is_what_the_sdk_reads():
    assert json.loads(count_reply({"system": "a" * 40})) == {"input_tokens": 10}


def test_tools_and_their_inputs_count_as_json():
    tool = {"name": "f", "description": "d" * 100, "input_schema": {"type": "object"}}
    assert estimate_tokens({"tools": [tool]}) == -(-len(json.dumps([tool], separators=(",", ":"))) // 4)
    assert of({"type": "tool_use", "id": "x" * 99, "name": "ffff", "input": {"a": 1}}) == 3
    assert of({"type": "tool_result", "tool_use_id": "x" * 99, "content": [text("a" * 40)]}) == 10
    assert of({"type": "search_result", "title": "abcd", "source": "abcd", "content": [text("abcd")]}) == 3


def test_images_and_documents_count_by_their_kind_and_not_by_their_bytes():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 100_000}}
    assert of(image) == IMAGE_TOKENS
    assert of({"type": "tool_result", "tool_use_id": "t", "content": [image]}) == IMAGE_TOKENS
    small = {"type": "document", "source": {"type": "base64", "data": "A" * 100}, "title": "abcd", "context": "abcd"}
    assert of(small) == MIN_DOCUMENT_TOKENS + 2
    large = {"type": "document", "source": {"type": "base64", "data": "A" * 320_000}}
    assert of(large) == 320_000 // BASE64_PER_TOKEN
    assert of({"type": "document", "source": {"type": "url", "url": "https://a"}}) == MIN_DOCUMENT_TOKENS
    assert of({"type": "document", "source": {"type": "text", "data": "abcd"}}) == 1
    assert of({"type": "document", "source": {"type": "content", "content": [text("abcd"), image]}}) == IMAGE_TOKENS + 1
    assert of({"type": "document"}) == 0


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking"])
def test_former_thinking_is_not_sent_and_counts_nothing(kind):
    assert of({"type": kind, "thinking": "a" * 400, "data": "a" * 400}) == 0


def test_what_is_not_known_counts_as_it_is():
    assert of({"type": "new", "x": "a" * 40}) > 10
    assert of("abcd") == 2
    assert estimate_tokens({}) == 0


@given(
    st.dictionaries(
        st.sampled_from(["messages", "system", "tools"]),
        st.recursive(
            st.sampled_from(["text", "image", "document", "", 1, None, True]),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "content", "source"]), inner),
        ),
    )
)
def test_no_call_makes_it_fail(tree):
    assert estimate_tokens(tree) >= 0
