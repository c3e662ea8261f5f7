"""The fake provider over a real socket: what the SDKs see of its errors, its pace and its broken connections."""

import time
from contextlib import suppress

import anthropic
import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI

from keeptrusts.cli.fake_provider.prompt import Refused, encode
from keeptrusts.cli.fake_provider.server import ROUTES, FakeProvider, read_call
from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.http.server import open_server
from keeptrusts.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def url():
    async with open_server(FakeProvider(SystemClock())) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def openai_sdk(url):
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def anthropic_sdk(url):
    async with AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as sdk:
        yield sdk


def say(text):
    return [{"role": "user", "content": text}]


async def test_both_sdks_are_answered_whole_and_streamed(openai_sdk, anthropic_sdk):
    chat = await openai_sdk.chat.completions.create(model="any", messages=say("hi"))
    assert chat.choices[0].message.content == "You said: hi"
    chunks = await openai_sdk.chat.completions.create(model="any", messages=say("hi"), stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks]) == "You said: hi"
    async with openai_sdk.responses.stream(model="any", input="hi") as stream:
        assert (await stream.get_final_response()).output_text == "You said: hi"
    async with anthropic_sdk.messages.stream(model="any", max_tokens=9, messages=say("hi")) as stream:
        assert (await stream.get_final_message()).content[0].text == "You said: hi"


async def test_answers_are_told_apart(openai_sdk):
    one, two = [await openai_sdk.chat.completions.create(model="any", messages=say("hi")) for _ in range(2)]
    assert one.id != two.id
    assert one._request_id != two._request_id


@pytest.mark.parametrize("status", [400, 429, 503, 529])
async def test_an_error_that_is_asked_for_reaches_both_sdks(openai_sdk, anthropic_sdk, status):
    with pytest.raises(openai.APIStatusError) as raised:
        await openai_sdk.chat.completions.create(model="any", messages=say(f"fake:error {status}"))
    assert raised.value.status_code == status
    with pytest.raises(anthropic.APIStatusError) as raised:
        await anthropic_sdk.messages.create(model="any", max_tokens=9, messages=say(f"fake:error {status}"))
    assert raised.value.status_code == status


async def test_a_stream_that_is_truncated_breaks_off(openai_sdk):
    chunks = await openai_sdk.chat.completions.create(model="any", messages=say("hi fake:truncate"), stream=True)
    with pytest.raises((openai.APIError, httpx2.TransportError)):
        [chunk async for chunk in chunks]


async def test_a_whole_answer_that_is_truncated_breaks_off(openai_sdk):
    with pytest.raises(openai.APIConnectionError):
        await openai_sdk.chat.completions.create(model="any", messages=say("hi fake:truncate"))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_slow_takes_its_time(url, stream):
    started = time.monotonic()
    async with httpx2.AsyncClient() as client:
        call = {"model": "any", "messages": say("hi fake:slow 0.05"), "stream": stream}
        assert (await client.post(f"{url}/v1/chat/completions", json=call)).status_code == 200
    assert time.monotonic() - started >= 0.045


async def test_a_stream_keeps_the_pace_it_was_given():
    async with open_server(FakeProvider(SystemClock(), pace_s=0.005)) as server, httpx2.AsyncClient() as client:
        started = time.monotonic()
        call = {"model": "any", "messages": say("some words to stream"), "stream": True}
        await client.post(f"http://127.0.0.1:{server.port}/v1/chat/completions", json=call)
        assert time.monotonic() - started >= 0.03


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/nope", 404), ("GET", "/v1/chat/completions", 405), ("GET", "/", 404), ("GET", "/v1/models/x", 404)],
)
async def test_what_is_not_served_says_so(url, method, path, status):
    async with httpx2.AsyncClient() as client:
        answer = await client.request(method, url + path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"model": 1}', b"[" * 100_000])
def test_a_body_that_is_no_call_is_refused(body):
    with pytest.raises(Refused) as refused:
        read_call(body)
    assert refused.value.status == 400


pieces = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "tool_result", "function", "none"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "function", "name", "input_schema", "format", "schema"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
calls = st.dictionaries(
    st.sampled_from(
        ["messages", "input", "prompt", "tools", "tool_choice", "stream", "n", "text", "response_format", "max_tokens"]
    ),
    pieces,
    max_size=6,
)


@given(path=st.sampled_from(sorted(ROUTES)), call=calls)
def test_no_call_makes_it_fail(path, call):
    head = Head("POST", path, b"", {}, "127.0.0.1", is_tls=False)
    with suppress(Refused):
        FakeProvider(SystemClock()).answer(head, encode({**call, "model": "any"}), 1)
