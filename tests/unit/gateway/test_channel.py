"""Calls and notices over a socket pair, and the ways in which the other side fails."""

import asyncio
import socket
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.gateway import channel as channel_module
from keeptrusts.gateway.channel import (
    CallFailed,
    Channel,
    ChannelBusy,
    ChannelClosed,
    ChannelError,
    open_channel,
)

SOON_S = 0.01
LONG_S = 5.0


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


class Question(msgspec.Struct, tag=True):
    number: int


class Reply(msgspec.Struct, tag=True):
    number: int


encode = msgspec.msgpack.encode
decode = msgspec.msgpack.Decoder(Question | Reply).decode


async def double(message):
    return Reply(message.number * 2)


@asynccontextmanager
async def open_pair(answer=double):
    """Two ends; `answer` is what the second one does."""
    one, other = socket.socketpair()
    async with (
        open_channel(one, encode=encode, decode=decode, answer=double) as near,
        open_channel(other, encode=encode, decode=decode, answer=answer) as far,
    ):
        yield near, far


@pytest.mark.anyio
async def test_each_call_gets_its_own_answer_whatever_the_order():
    turns = [asyncio.Event() for _ in range(4)]

    async def answer(message):
        await turns[message.number].wait()
        return Reply(message.number)

    async with open_pair(answer) as (near, _):
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(near.call(Question(turn), Reply, within_s=LONG_S)) for turn in range(4)]
            for turn in reversed(turns):
                await asyncio.sleep(0)
                turn.set()
        assert [call.result().number for call in calls] == [0, 1, 2, 3]


@pytest.mark.anyio
async def test_both_sides_may_ask():
    async with open_pair() as (near, far):
        assert (await near.call(Question(2), Reply, within_s=LONG_S)).number == 4
        assert (await far.call(Question(3), Reply, within_s=LONG_S)).number == 6


@pytest.mark.anyio
async def test_a_notice_arrives_and_has_no_answer():
    told = asyncio.Queue()
    async with open_pair(told.put) as (near, _):
        near.tell(Question(7))
        assert await told.get() == Question(7)


@pytest.mark.anyio
async def test_a_call_without_an_answer_ends_at_its_deadline_and_a_late_answer_harms_nothing():
    late = asyncio.Event()

    async def answer(message):
        if message.number == 1:
            await late.wait()
        return Reply(message.number)

    async with open_pair(answer) as (near, _):
        with pytest.raises(CallFailed, match="no answer to Question"):
            await near.call(Question(1), Reply, within_s=SOON_S)
        late.set()
        assert (await near.call(Question(2), Reply, within_s=LONG_S)).number == 2


@pytest.mark.anyio
async def test_calls_under_way_end_when_the_other_side_is_gone():
    async def never(_):
        await asyncio.Event().wait()

    async with open_pair(never) as (near, far), asyncio.TaskGroup() as group:

        async def ask():
            with pytest.raises(ChannelClosed):
                await near.call(Question(1), Reply, within_s=LONG_S)

        group.create_task(ask())
        await asyncio.sleep(0)
        far.close()
        await near.wait_closed()
        assert near.is_closed
        with pytest.raises(ChannelClosed):
            near.tell(Question(1))


@pytest.mark.anyio
async def test_a_failure_of_the_other_side_is_told_without_its_words(caplog):
    async def fail(_):
        raise RuntimeError("canary")

    async with open_pair(fail) as (near, _):
        with pytest.raises(CallFailed) as raised:
            await near.call(Question(1), Reply, within_s=LONG_S)
    assert "canary" not in str(raised.value)
    assert "could not be answered" in caplog.text


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_sent_is_a_failure_and_no_silence():
    async def answer(_):
        return object()

    async with open_pair(answer) as (near, _):
        with pytest.raises(CallFailed, match="Question"):
            await near.call(Question(1), Reply, within_s=LONG_S)


@pytest.mark.anyio
async def test_an_answer_of_another_kind_is_none():
    async with open_pair() as (near, _):
        with pytest.raises(CallFailed, match="Reply is no answer to Question"):
            await near.call(Question(1), Question, within_s=LONG_S)


@pytest.mark.anyio
async def test_more_calls_than_fit_are_refused_and_so_is_what_is_too_large(monkeypatch):
    monkeypatch.setattr(channel_module, "MAX_CALLS", 1)

    async def never(_):
        await asyncio.Event().wait()

    async with open_pair(never) as (near, _), asyncio.TaskGroup() as group:
        waiting = group.create_task(near.call(Question(1), Reply, within_s=LONG_S))
        await asyncio.sleep(0)
        with pytest.raises(ChannelBusy):
            await near.call(Question(2), Reply, within_s=LONG_S)
        monkeypatch.setattr(channel_module, "MAX_FRAME_BYTES", 1)
        with pytest.raises(ChannelBusy):
            near.tell(Question(1))
        waiting.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("junk", [b"\xff" * 64, b"\0\0\0\1\0\0\0\0\1\xc1"], ids=["too large", "no message"])
async def test_what_cannot_be_read_ends_the_channel(junk, caplog):
    one, other = socket.socketpair()
    async with open_channel(one, encode=encode, decode=decode, answer=double) as near:
        other.sendall(junk)
        await near.wait_closed()
    other.close()
    assert "the channel between processes is broken" in caplog.text


class Sink:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written = bytearray()

    def set_write_buffer_limits(self, high):
        pass

    def is_closing(self):
        return False

    def get_write_buffer_size(self):
        return 0

    def write(self, data):
        self.written += data


@given(cuts=st.lists(st.integers(1, 40), max_size=20), numbers=st.lists(st.integers(0, 2**40), max_size=8))
def test_messages_arrive_whole_however_the_bytes_are_cut(cuts, numbers):
    async def carry():
        told = []

        async def note(message):
            told.append(message.number)

        sender, receiver = (Channel(encode, decode, note) for _ in range(2))
        for end in (sender, receiver):
            end.connection_made(Sink())
        for number in numbers:
            sender.tell(Question(number))
        rest = bytes(sender._transport.written)
        for cut in [*cuts, len(rest) or 1]:
            receiver.data_received(rest[:cut])
            rest = rest[cut:]
        while receiver._work:  # noqa: ASYNC110 - handlers that end by themselves
            await asyncio.sleep(0)
        return told

    assert asyncio.run(carry()) == numbers


def test_whoever_asks_can_catch_every_failure_as_one():
    assert all(issubclass(kind, ChannelError) for kind in (ChannelClosed, ChannelBusy, CallFailed))
