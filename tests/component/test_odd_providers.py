"""Providers that answer in unusual ways, many callers at once, and callers who read slowly."""

import asyncio
import gzip
import json

import openai
import pytest
import zstandard

from fakes.clients import connect, post
from fakes.replay import EVENT_STREAM, Received, Reply, stream
from fakes.spoken import spoken
from fakes.worlds import PII, open_world

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello!"}]
CHAT = {"model": "m", "messages": HELLO}
MAIL = "bob.canary@example.com"
WHOLE = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"to {MAIL}"}}]}  # fmt: skip


@pytest.fixture(params=[(), PII], ids=["empty", "pii"])
def chain(request):
    return request.param


def chunk(text: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


FORMS = {
    "plain": "data: {one}\n\ndata: {two}\n\ndata: [DONE]\n\n",
    "CRLF": "data: {one}\r\n\r\ndata: {two}\r\n\r\ndata: [DONE]\r\n\r\n",
    "CR": "data: {one}\r\rdata: {two}\r\rdata: [DONE]\r\r",
    "no space": "data:{one}\n\ndata:{two}\n\ndata:[DONE]\n\n",
    "comments": ": hello\n\n: PROCESSING\n\ndata: {one}\n\n: ping\n\ndata: {two}\n\ndata: [DONE]\n\n",
    "ids": "id: 1\nretry: 3\ndata: {one}\n\nid: 2\ndata: {two}\n\ndata: [DONE]\n\n",
    "no end": "data: {one}\n\ndata: {two}\n\n",
    "no blank line": "data: {one}\n\ndata: {two}\n\ndata: [DONE]",
}


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("size", [1, None])
async def test_every_form_of_a_stream_is_judged_and_understood(tmp_path, chain, form, size):
    one, two = chunk("write to bob.can"), chunk("ary@example.com, ok", "stop")
    body = FORMS[form].replace("{one}", one).replace("{two}", two).encode()
    async with open_world(tmp_path, stream(body, size=size), chain=chain) as world:
        async with world.openai() as sdk:
            chunks = [chunk async for chunk in await sdk.chat.completions.create(**CHAT, stream=True)]
        event = await world.event()
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == ("write to [EMAIL], ok" if chain else f"write to {MAIL}, ok")
    assert (event.error_code, event.decision) == (None, "redact" if chain else "allow")


async def test_a_byte_order_mark_does_not_hide_the_first_event(tmp_path):
    body = f"\ufeffdata: {chunk(f'to {MAIL}')}\n\ndata: {chunk(' ok', 'stop')}\n\ndata: [DONE]\n\n".encode()
    async with open_world(tmp_path, stream(body), chain=PII) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True})
    assert MAIL not in answer.body.decode()
    assert "[EMAIL]" in answer.body.decode()


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_compressed_answer_is_judged_and_arrives_plain(tmp_path, chain, encoding):
    body = json.dumps(WHOLE).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    reply = Reply(body=packed, headers=(("content-encoding", encoding),))
    async with open_world(tmp_path, reply, chain=chain) as world, world.openai() as sdk:
        answer = await sdk.chat.completions.create(**CHAT)
        assert world.replay.last.header("accept-encoding") == "gzip, zstd"
    assert answer.choices[0].message.content == ("to [EMAIL]" if chain else f"to {MAIL}")


async def test_a_whole_answer_to_a_call_for_a_stream_passes_as_what_it_is(tmp_path, chain):
    async with open_world(tmp_path, Reply(body=json.dumps(WHOLE).encode()), chain=chain) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True})
    assert answer.headers["content-type"] == "application/json"
    assert (MAIL in answer.body.decode()) == (not chain)


async def test_a_stream_that_nobody_asked_for_is_judged_too(tmp_path, chain):
    body = f"data: {chunk(f'to {MAIL}', 'stop')}\n\ndata: [DONE]\n\n".encode()
    async with open_world(tmp_path, stream(body), chain=chain) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
    assert (MAIL in answer.body.decode()) == (not chain)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream", "image/png", "Text/Event-Stream"])
async def test_no_content_type_leads_an_answer_past_a_policy(tmp_path, kind):
    body = f"data: {chunk(f'to {MAIL}', 'stop')}\n\ndata: [DONE]\n\n".encode()
    for reply in (Reply(body=json.dumps(WHOLE).encode(), content_type=kind), Reply(body=body, content_type=kind)):
        folder = tmp_path / str(len(reply.body))
        folder.mkdir()
        async with open_world(folder, reply, chain=PII) as world:
            answer = await world.ask("/v1/chat/completions", CHAT)
        assert MAIL not in answer.body.decode()


async def test_an_error_inside_a_stream_is_judged_and_raised(tmp_path, chain):
    error = {"error": {"message": f"cannot mail {MAIL}", "type": "server_error", "code": None}}
    body = f"data: {chunk('so ')}\n\ndata: {json.dumps(error)}\n\n".encode()
    async with open_world(tmp_path, stream(body), chain=chain) as world:
        async with world.openai() as sdk:
            with pytest.raises(openai.APIError) as raised:
                _ = [chunk async for chunk in await sdk.chat.completions.create(**CHAT, stream=True)]
        event = await world.event()
    assert (MAIL in raised.value.message) == (not chain)
    assert (event.status, event.error_code) == (200, "upstream_error")


async def test_an_event_that_cannot_be_read_does_not_pass_a_policy(tmp_path):
    body = f"data: {chunk('so ')}\n\ndata: {{broken {MAIL}\n\ndata: [DONE]\n\n".encode()
    async with open_world(tmp_path, stream(body), chain=PII) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        assert MAIL not in answer.body.decode()
        assert b"[DONE]" not in answer.body
        assert b"The provider sent an event that cannot be read." in answer.body
        event = await world.event()
    assert (event.error_code, event.decision) == ("upstream_error", "allow")


async def test_an_early_answer_of_a_provider_is_passed_on(tmp_path):
    reply = Reply(status=413, body=b'{"error":{"message":"too big"}}')
    async with open_world(tmp_path, reply) as world:
        body = CHAT | {"messages": [{"role": "user", "content": "x" * 3_000_000}]}
        assert (await world.ask("/v1/chat/completions", body)).status == 413


async def test_many_callers_at_once_get_their_own_answers_and_events(tmp_path):
    def answer(call: Received) -> Reply:
        tree = json.loads(call.body)
        text = tree["messages"][0]["content"] + f" from {MAIL}"
        if not tree.get("stream"):
            message = {"role": "assistant", "content": text}
            return Reply(body=json.dumps(WHOLE | {"choices": [WHOLE["choices"][0] | {"message": message}]}).encode())
        words = "".join(f"data: {chunk(text[at : at + 5])}\n\n" for at in range(0, len(text), 5))
        return stream(f"{words}data: {chunk('', 'stop')}\n\ndata: [DONE]\n\n".encode(), size=200)

    async with open_world(tmp_path, answer=answer, chain=PII) as world, world.openai() as sdk:

        async def call(number: int) -> tuple[int, str]:
            messages = [{"role": "user", "content": f"number {number} for ann{number}@example.com"}]
            if number % 2:
                whole = await sdk.chat.completions.create(model="m", messages=messages)
                return number, whole.choices[0].message.content
            chunks = await sdk.chat.completions.create(model="m", messages=messages, stream=True)
            return number, "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call(number)) for number in range(60)]
        for task in tasks:
            number, said = task.result()
            assert said == f"number {number} for [EMAIL] from [EMAIL]"
        events = world.events()
    assert len({event.request_id for event in events}) == 60
    assert {event.error_code for event in events} == {None}
    assert sum(event.stream for event in events) == 30


async def test_a_caller_who_does_not_read_stops_the_provider_instead_of_filling_memory(tmp_path, chain):
    words = f"data: {chunk('word ' * 2000)}\n\n".encode()
    pieces = [words] * 6000  # 60 MB
    sent = 0

    def counted():
        nonlocal sent
        for piece in pieces:
            sent += len(piece)
            yield piece

    class Counted(list):
        def __iter__(self):
            return counted()

    reply = Reply(pieces=Counted(), content_type=EVENT_STREAM)
    async with open_world(tmp_path, reply, chain=chain) as world:
        connection = await connect(world.port)
        connection.transport.pause_reading()
        connection.transport.write(post("/v1/chat/completions", json.dumps(CHAT | {"stream": True}).encode()))
        before = -1
        while sent != before or not sent:
            before = sent
            await asyncio.sleep(0.15)
        assert sent < 20_000_000
        connection.close()


@pytest.mark.parametrize("path", ["/", "/health", "/v1/models", "/healthz"])
async def test_head_requests_are_answered_without_a_body(tmp_path, path):
    async with open_world(tmp_path, Reply()) as world:
        connection = await connect(world.port)
        connection.transport.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        await asyncio.sleep(0.05)
        assert connection.answer.status == (404 if path == "/" else 200)
        assert connection.answer.body == b""
        connection.close()


async def test_texts_in_two_choices_do_not_mix(tmp_path):
    def part(index: int, text: str, finish: str | None = None) -> str:
        tree = json.loads(chunk(text, finish))
        tree["choices"][0]["index"] = index
        return f"data: {json.dumps(tree)}\n\n"

    body = part(0, "bob.can") + part(1, "ann.can") + part(0, "ary@example.com") + part(1, "ary@example.org")
    body += part(0, " a", "stop") + part(1, " b", "stop") + "data: [DONE]\n\n"
    async with open_world(tmp_path, stream(body.encode(), size=11), chain=PII) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True, "n": 2})
    assert spoken(answer.body) == {"choice 0 content": "[EMAIL] a", "choice 1 content": "[EMAIL] b"}


@pytest.mark.parametrize(
    "asked", [None, {}, {"include_usage": False}, {"include_obfuscation": False}, {"include_usage": None}]
)
async def test_usage_is_counted_and_hidden_however_a_client_does_not_ask_for_it(tmp_path, chain, asked):
    usage = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
             "usage": {"prompt_tokens": 3, "completion_tokens": 4}}  # fmt: skip
    body = f"data: {chunk('hi', 'stop')}\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode()
    async with open_world(tmp_path, stream(body, size=30), chain=chain) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True, "stream_options": asked})
        sent = json.loads(world.replay.last.body)
        event = await world.event()
    assert sent == CHAT | {"stream": True, "stream_options": (asked or {}) | {"include_usage": True}}
    assert b'"usage"' not in answer.body
    assert answer.ended_cleanly
    assert (event.usage.input_tokens, event.usage.output_tokens, event.usage.estimated) == (3, 4, False)


async def test_a_huge_prompt_does_not_hold_up_other_callers(tmp_path):
    long = f"mail {MAIL} " * 9_000  # finds are what takes time; 10,000 of them would be a block
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        async with asyncio.TaskGroup() as group:
            big = group.create_task(
                world.ask("/v1/chat/completions", CHAT | {"messages": [{"role": "user", "content": long}]})
            )
            turns = 0
            while not big.done():
                turns += 1
                await asyncio.sleep(0.001)
        assert big.result().status == 200
        assert MAIL.encode() not in world.replay.last.body
    assert turns > 4  # in between, others were served
