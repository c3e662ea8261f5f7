"""Content parts as blocks."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.parts import write_content, write_part

MARK = {"type": "ephemeral", "ttl": "1h"}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "text", "text": "hi"}, {"type": "text", "text": "hi"}),
        ({"type": "refusal", "refusal": "no"}, {"type": "text", "text": "no"}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUFB", "detail": "low"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUFB"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "DATA:image/JPG;name=a.jpg;base64,QUFB"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUFB"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUFB", "filename": "a.pdf"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUFB"},
                "title": "a.pdf",
            },
        ),
    ],
)
def test_each_part_has_its_block_and_keeps_its_cache_mark(part, block):
    assert write_part(part, "") == block
    marked = {**part, "cache_control": MARK, "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert write_part(marked, "") == {**block, "cache_control": MARK}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "QUFB", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUFB", "file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,QUFB"}},
        {"type": "file", "file": {"file_data": "QUFB"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUFB"}},
        {"type": "image_url", "image_url": {"url": "http://example.org/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,QUFB"}},
        {"type": "image_url", "image_url": {"url": "data:image/png,QUFB"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "new": 1}},
        {"type": "image_url", "image_url": {"url": 5}},
        {"type": "image_url", "image_url": "https://example.org/a.png"},
        {"type": "text", "text": "hi", "new": 1},
        {"type": "new"},
    ],
)
def test_a_part_without_a_block_is_not_carried(part):
    if part.get("file", {}).keys() == {"file_data"} and "pdf" in part["file"]["file_data"]:
        assert write_part(part, "") is not None  # a PDF needs no name
        return
    assert write_part(part, "") is None
    with pytest.raises(Fault) as raised:
        write_content([part], "messages[0].content")
    assert raised.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    "content", [5, {}, [5], [{}], [{"type": 5}], [{"type": "text"}], [{"type": "text", "text": 5}]]
)
def test_what_is_no_content_is_refused(content):
    with pytest.raises(Fault) as raised:
        write_content(content, "messages[0].content")
    assert raised.value.code is Code.INVALID_REQUEST


@pytest.mark.parametrize("content", [None, "", " \n", [], [{"type": "text", "text": ""}]])
def test_what_says_nothing_is_left_out(content):
    assert write_content(content, "") == []
