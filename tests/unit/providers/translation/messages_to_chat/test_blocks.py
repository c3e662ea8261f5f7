import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.blocks import content_of, find_in_content, write_parts

PNG = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}


def text(value):
    return {"type": "text", "text": value}


def parts(*blocks):
    assert find_in_content(list(blocks)) is None
    return write_parts(list(blocks), "content")


def test_texts_stay_texts_and_a_string_is_one():
    assert write_parts("hi", "content") == [text("hi")]
    assert parts({**text("a"), "cache_control": {"type": "ephemeral"}, "citations": [{"x": 1}]}, text("")) == [
        text("a"),
        text(""),
    ]


def test_images_become_data_urls_or_keep_their_url():
    assert parts({"type": "image", "source": PNG}) == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    ]
    assert parts({"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}) == [
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    ]


@pytest.mark.parametrize(
    ("title", "name"), [("Plan", "Plan.pdf"), ("a.PDF", "a.PDF"), (None, "document.pdf"), ("", "document.pdf")]
)
def test_a_pdf_becomes_a_file_named_by_its_title(title, name):
    assert parts({"type": "document", "source": PDF, "title": title, "context": "Read it."}) == [
        text("Read it."),
        {"type": "file", "file": {"filename": name, "file_data": "data:application/pdf;base64,JVBE"}},
    ]


def test_documents_of_text_or_blocks_become_texts_under_their_title():
    plain = {"type": "text", "media_type": "text/plain", "data": "body"}
    assert parts({"type": "document", "source": plain, "title": "T", "context": "C"}) == [text("T\nC\nbody")]
    assert parts({"type": "document", "source": plain}) == [text("body")]
    inner = {"type": "content", "content": [text("a"), {"type": "image", "source": PNG}]}
    written = parts({"type": "document", "source": inner, "title": "T", "citations": {"enabled": False}})
    assert [part["type"] for part in written] == ["text", "text", "image_url"]
    assert parts({"type": "document", "source": {"type": "content", "content": "whole"}}) == [text("whole")]


def test_a_search_result_is_its_title_source_and_texts():
    result = {"type": "search_result", "title": "T", "source": "https://a", "content": [text("x"), text("y")]}
    assert parts(result) == [text("T\nhttps://a"), text("x"), text("y")]


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "container_upload", "file_id": "f"}, "[1]"),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "[1]"),
        ({"type": "compaction", "content": "x"}, "[1]"),
        ({"type": "tool_reference", "tool_name": "x"}, "[1]"),
        ({"type": 5}, "[1]"),
        ({}, "[1]"),
        ({**text("a"), "prefill": True}, "[1].prefill"),
        ({**text("a"), "Anna's": True}, "[1].a member that is not known"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "[1].source"),
        ({"type": "image", "source": {"type": []}}, "[1].source"),
        ({"type": "image", "source": PNG, "transformations": {"oversized": "resize"}}, "[1].transformations"),
        ({"type": "document", "source": {"type": "url", "url": "https://a"}}, "[1].source"),
        ({"type": "document", "source": PDF, "citations": {"enabled": True}}, "[1].citations"),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "x"}]}},
            "[1].source.content[0]",
        ),
        (
            {"type": "search_result", "title": "", "source": "", "content": [], "citations": {"enabled": True}},
            "[1].citations",
        ),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "code_execution"}}, "[1].caller"),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}, "toolset_name": "browser"}, "[1].toolset_name"),
        ({"type": "tool_result", "tool_use_id": "a", "content": [text("x"), {"type": "y"}]}, "[1].content[1]"),
    ],
)
def test_what_no_part_can_hold_is_an_obstacle_with_its_place(block, place):
    assert find_in_content([text("x"), block]) == place


@pytest.mark.parametrize(
    "block",
    [
        {**text("a"), "prefill": None},
        {"type": "image", "source": PNG, "transformations": {}},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "direct"}},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "redacted_thinking", "data": "x"},
    ],
)
def test_a_member_that_says_nothing_is_no_obstacle(block):
    assert find_in_content([block]) is None


@pytest.mark.parametrize("content", [None, 5, "x"])
def test_what_is_no_list_has_no_obstacle(content):
    assert find_in_content(content) is None


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (5, "content"),
        (None, "content"),
        (["x"], "content[0]"),
        ([{"type": ["x"]}], "content[0]"),
        ([{"type": "thinking", "thinking": "x"}], "content[0].type"),
        ([{"type": "text"}], "content[0].text"),
        ([{"type": "image"}], "content[0].source"),
        ([{"type": "image", "source": {"type": "url"}}], "content[0].source.url"),
        ([{"type": "image", "source": {"type": "base64", "data": "x"}}], "content[0].source.media_type"),
        ([{"type": "document", "source": {"type": "text", "data": 5}}], "content[0].source.data"),
        ([{"type": "document", "source": {"type": "content"}}], "content[0].source.content"),
        ([{"type": "search_result", "title": "x", "content": []}], "content[0].source"),
    ],
)
def test_what_is_no_content_is_refused_by_its_place(content, param):
    with pytest.raises(Fault) as raised:
        write_parts(content, "content")
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)


def test_a_single_text_is_a_string_and_several_are_not_joined():
    assert content_of([text("a")]) == "a"
    assert content_of([text("a"), text("b")]) == [text("a"), text("b")]
    assert content_of([]) == []
