"""A response fed by hand; the connection behind it only remembers what it was asked for."""

import asyncio

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
    response.wake()


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
