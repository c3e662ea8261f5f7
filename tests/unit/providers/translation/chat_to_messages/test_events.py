"""Events, decoded once."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.events import read_event

DATA = b'{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a"}, "new": 1}'


@pytest.mark.parametrize(
    "event",
    [
        b"event: content_block_delta\ndata: " + DATA + b"\n\n",
        b"event: content_block_delta\ndata: " + DATA + b"     \n\n",
        b"event: content_block_delta\r\ndata: " + DATA + b"\r\n\r\n",
        b"data: " + DATA + b"\n\n",
        b"event: content_block_delta\ndata:" + DATA.replace(b"{", b"{\ndata: ", 1) + b"\n\n",
        b"event: content_block_delta\ndata: " + DATA + b"\nid: 5\n\n",
    ],
)
def test_an_event_says_the_same_however_it_is_spelled(event):
    read = read_event(event)
    assert (read.type, read.delta.type, read.delta.text) == ("content_block_delta", "text_delta", "a")


@pytest.mark.parametrize("event", [b"", b"\n", b": comment\n\n", b"event: ping\n\n"])
def test_an_event_without_data_says_nothing(event):
    assert read_event(event) is None


@pytest.mark.parametrize("data", [b"{", b"[]", b"5", b"{}", b"\xff", b'{"type":5}', b'{"type":"x","delta":[]}'])
def test_what_cannot_be_read_is_an_error_of_the_provider(data):
    with pytest.raises(Fault) as raised:
        read_event(b"data: " + data + b"\n\n")
    assert raised.value.code is Code.UPSTREAM_ERROR
