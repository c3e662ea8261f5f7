"""A response fed by hand; the connection behind it only remembers what it was asked for."""

import asyncio
import gzip

import pytest

from keeptrusts.runtime.http.errors import BadEncoding, HttpFailure, TooLarge, Truncated
from keeptrusts.runtime.http.response import HIGH_WATER, Response


class Source:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self):
        self.asked.append("pause")

    def resume(self):
        self.asked.append("resume")

    def abort(self):
        self.asked.append("abort")


def make(limit=1 << 22, **headers):
    source = Source()
    response = Response(source, asyncio.get_running_loop().create_future(), limit)
    response.headers = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return response, source


def arrive(response, data):
    response.pieces.append(data)
    response.arrived += len(data)
    if response.arrived > response.pause_at:
        response.hold_back()
    if response.sink is None:
        response.wake()
    else:
        response.deliver()


async def pour_beside(response, sink):
    """A task that pours, and has come to wait for more."""
    task = asyncio.get_running_loop().create_task(response.pour(sink))
    await asyncio.sleep(0)
    return task


class Bucket:
    """A sink that wants no more after some pieces."""

    def __init__(self, room):
        self.taken = []
        self.room = room

    def take(self, piece):
        self.taken.append(piece)
        return len(self.taken) < self.room


@pytest.mark.anyio
async def test_pieces_that_arrived_together_come_together():
    response, _ = make()
    arrive(response, b"one ")
    arrive(response, b"two")
    response.end()
    assert [chunk async for chunk in response.chunks()] == [b"one two"]


@pytest.mark.anyio
async def test_reading_stops_at_the_high_water_mark_and_goes_on_when_it_is_taken():
    response, source = make()
    arrive(response, b"x" * (HIGH_WATER + 1))
    assert source.asked == ["pause"]
    chunks = response.chunks()
    assert len(await anext(chunks)) == HIGH_WATER + 1
    assert source.asked == ["pause", "resume"]
    arrive(response, b"x" * HIGH_WATER)
    assert source.asked == ["pause", "resume"]
    await chunks.aclose()


@pytest.mark.anyio
async def test_a_body_that_is_wanted_whole_is_not_held_back_before_its_limit():
    response, source = make(limit=HIGH_WATER * 3)
    arrive(response, b"x" * (HIGH_WATER + 1))
    loop = asyncio.get_running_loop()
    loop.call_soon(arrive, response, b"x" * HIGH_WATER)
    loop.call_later(0.005, response.end)
    assert len(await response.read()) == HIGH_WATER * 2 + 1
    assert source.asked == ["pause", "resume"]


@pytest.mark.anyio
async def test_a_body_over_its_limit_is_dropped():
    response, source = make(limit=10)
    arrive(response, b"x" * 11)
    assert source.asked == ["abort"]
    assert response.pieces == []
    with pytest.raises(TooLarge, match="10 bytes"):
        await response.read()


@pytest.mark.anyio
async def test_a_failure_comes_after_what_arrived():
    response, _ = make()
    arrive(response, b"first")
    response.end(Truncated("cut"))
    chunks = response.chunks()
    assert await anext(chunks) == b"first"
    with pytest.raises(Truncated):
        await anext(chunks)
    with pytest.raises(Truncated):
        await response.read()


@pytest.mark.anyio
async def test_a_stream_in_an_unknown_encoding_is_given_up():
    response, source = make(content_encoding=b"br")
    with pytest.raises(BadEncoding):
        await anext(response.chunks())
    assert source.asked == ["abort"]


@pytest.mark.anyio
async def test_an_empty_body_needs_no_decoding():
    response, _ = make(content_encoding=b"gzip")
    response.end()
    assert await response.read() == b""
    assert [chunk async for chunk in response.chunks()] == []


@pytest.mark.anyio
async def test_giving_up_is_told_to_whoever_reads_on():
    response, source = make()
    response.abort()
    response.end(Truncated("late"))
    assert source.asked == ["abort"]
    with pytest.raises(HttpFailure, match="given up"):
        await response.read()


@pytest.mark.anyio
async def test_a_sink_gets_each_piece_in_the_turn_in_which_it_came():
    response, _ = make()
    bucket = Bucket(room=9)
    arrive(response, b"before")
    task = await pour_beside(response, bucket.take)
    arrive(response, b"one")
    arrive(response, b"two")
    assert bucket.taken == [b"before", b"one", b"two"]
    response.end()
    assert await task


@pytest.mark.anyio
async def test_what_comes_after_a_sink_wants_no_more_waits_for_the_next():
    response, _ = make()
    bucket = Bucket(room=1)
    task = await pour_beside(response, bucket.take)
    for piece in (b"one", b"two", b"three"):
        arrive(response, piece)
    response.end()
    assert await task is False
    assert bucket.taken == [b"one"]
    bucket.room = 9
    assert await response.pour(bucket.take)
    assert bucket.taken == [b"one", b"twothree"]


@pytest.mark.anyio
async def test_a_sink_that_wants_no_more_holds_the_socket_back():
    response, source = make()
    task = await pour_beside(response, Bucket(room=1).take)
    arrive(response, b"x")
    assert await task is False
    arrive(response, b"x" * (HIGH_WATER + 1))
    assert source.asked == ["pause"]


@pytest.mark.anyio
async def test_what_a_sink_raises_comes_out_where_it_was_handed_in():
    def refuse(piece):
        raise ValueError(piece)

    response, _ = make()
    task = await pour_beside(response, refuse)
    arrive(response, b"one")
    arrive(response, b"two")
    with pytest.raises(ValueError, match="one"):
        await task


@pytest.mark.anyio
async def test_a_sink_has_everything_that_came_before_a_failure():
    response, _ = make()
    bucket = Bucket(room=9)
    task = await pour_beside(response, bucket.take)
    arrive(response, b"first")
    response.end(Truncated("cut"))
    with pytest.raises(Truncated):
        await task
    assert bucket.taken == [b"first"]


@pytest.mark.anyio
async def test_a_cancelled_pour_gives_the_answer_up_and_its_sink_gets_no_more():
    response, source = make()
    bucket = Bucket(room=9)
    task = await pour_beside(response, bucket.take)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    arrive(response, b"late")
    assert (source.asked, bucket.taken) == (["abort"], [])


@pytest.mark.anyio
async def test_an_encoded_body_is_poured_decoded_and_goes_on_where_it_was_left():
    response, _ = make(content_encoding=b"gzip")
    encoded = gzip.compress(bytes(range(256)) * 4096)
    arrive(response, encoded)
    response.end()
    bucket = Bucket(room=1)
    assert await response.pour(bucket.take) is False
    bucket.room = 99_999
    assert await response.pour(bucket.take)
    assert b"".join(bucket.taken) == bytes(range(256)) * 4096


@pytest.mark.anyio
async def test_a_body_that_is_here_can_be_taken_without_waiting():
    response, _ = make()
    arrive(response, b"all of ")
    assert response.take_whole() is None
    arrive(response, b"it")
    response.end()
    assert response.take_whole() == b"all of it"


@pytest.mark.anyio
async def test_a_body_that_broke_off_or_is_encoded_takes_a_read():
    broken, _ = make()
    arrive(broken, b"half")
    broken.end(Truncated("gone"))
    encoded, _ = make(content_encoding=b"gzip")
    arrive(encoded, gzip.compress(b"text"))
    encoded.end()
    assert (broken.take_whole(), encoded.take_whole()) == (None, None)
    assert await encoded.read() == b"text"
