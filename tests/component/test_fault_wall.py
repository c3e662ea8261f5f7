"""A provider that fails in any way is left for another one, of the other dialect too, and the SDK sees an answer."""

import json

import anthropic
import openai
import pytest

from fakes.replay import Received, Reply, stream
from fakes.worlds import PII, World, open_world
from keeptrusts.contract.usage import Usage

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello!"}]
TEXT = "I am fine, thanks."


def sse(*trees: dict) -> bytes:
    return b"".join(
        (f"event: {tree['type']}\n" if "type" in tree else "").encode() + b"data: %b\n\n" % json.dumps(tree).encode()
        for tree in trees
    )


def chunk(finish=None, **delta) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [choice]}


CHAT_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
CHAT_HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt"}
CHAT = CHAT_HEAD | {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": CHAT_USAGE,
}
CHAT_BEGUN = sse(chunk(role="assistant", content=""))
CHAT_STREAM = (
    CHAT_BEGUN
    + sse(chunk(content=TEXT[:4]), chunk(content=TEXT[4:]), chunk("stop"))
    + sse(CHAT_HEAD | {"object": "chat.completion.chunk", "choices": [], "usage": CHAT_USAGE})
    + b"data: [DONE]\n\n"
)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
MESSAGE_BEGUN = sse(
    {"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
)
MESSAGE_STREAM = MESSAGE_BEGUN + sse(
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT[:4]}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT[4:]}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    {"type": "message_stop"},
)
ANSWERS = {
    ("openai", False): Reply(body=json.dumps(CHAT).encode()),
    ("openai", True): stream(CHAT_STREAM, size=50),
    ("anthropic", False): Reply(body=json.dumps(MESSAGE).encode()),
    ("anthropic", True): stream(MESSAGE_STREAM, size=50),
}
BEGUN = {"openai": CHAT_BEGUN, "anthropic": MESSAGE_BEGUN}
ERROR_EVENTS = {
    "openai": sse({"error": {"message": "busy", "type": "server_error", "code": None, "param": None}}),
    "anthropic": sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
}
REFUSAL = json.dumps({"error": {"type": "server_error", "message": "no"}}).encode()
SHORT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{}"

FAULTS = {
    "closed": lambda _: Reply(raw=b""),
    "no HTTP": lambda _: Reply(raw=b"SSH-2.0-OpenSSH_9\r\n"),
    "silent": lambda _: Reply(ending="silent"),
    "429": lambda _: Reply(status=429, body=REFUSAL, headers=(("retry-after", "7"),)),
    "500": lambda _: Reply(status=500, body=REFUSAL),
    "503 as a page": lambda _: Reply(status=503, body=b"<html>", content_type="text/html"),
    "529": lambda _: Reply(status=529, body=REFUSAL),
    "401": lambda _: Reply(status=401, body=REFUSAL),
    "redirect": lambda _: Reply(status=302, headers=(("location", "http://127.0.0.1:1/"),)),
    "wrong content-length": lambda _: Reply(raw=SHORT),
    "two content-lengths": lambda _: Reply(raw=SHORT.replace(b"500", b"2\r\nContent-Length: 3")),
}
STREAM_FAULTS = {
    "cut": lambda form: stream(BEGUN[form], ending="cut"),
    "ended": lambda form: stream(BEGUN[form]),
    "hanging": lambda form: stream(BEGUN[form], ending="hang"),
    "an error in band": lambda form: stream(BEGUN[form] + ERROR_EVENTS[form]),
    "no events": lambda _: stream(b"this is no event\n\n"),
    "half an event": lambda form: stream(BEGUN[form][:-20]),
}
WHOLE_FAULTS = {
    "no JSON": lambda _: Reply(body=b"Hello?"),
    "cut": lambda _: Reply(body=b'{"id"', ending="cut"),
    "hanging": lambda _: Reply(body=b'{"id"', ending="hang"),
}
CASES = [
    *((name, make, is_stream) for name, make in FAULTS.items() for is_stream in (False, True)),
    *((name, make, True) for name, make in STREAM_FAULTS.items()),
    *((name, make, False) for name, make in WHOLE_FAULTS.items()),
]
NAMES = [f"{name}-{'stream' if is_stream else 'whole'}" for name, _, is_stream in CASES]
DIALECTS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
TARGETS = {
    "openai": {"id": "gpt", "provider": "openai", "model": "gpt", "aliases": ["small"]},
    "anthropic": {"id": "claude", "provider": "anthropic", "model": "claude", "aliases": ["small"]},
}
IMPATIENT = {"timeouts": {"connect_s": 2, "first_byte_s": 0.4, "idle_s": 0.4}}


async def consume(world: World, dialect: str, *, is_stream: bool) -> str:
    """What the SDK of a dialect gets as text."""
    if dialect == "openai":
        async with world.openai() as sdk:
            if not is_stream:
                answer = await sdk.chat.completions.create(model="small", messages=HELLO)
                return answer.choices[0].message.content or ""
            chunks = await sdk.chat.completions.create(model="small", messages=HELLO, stream=True)
            return "".join([one.choices[0].delta.content or "" async for one in chunks if one.choices])
    async with world.anthropic() as sdk:
        if not is_stream:
            message = await sdk.messages.create(model="small", max_tokens=9, messages=HELLO)
            return message.content[0].text
        async with sdk.messages.stream(model="small", max_tokens=9, messages=HELLO) as events:
            return "".join([text async for text in events.text_stream])


def world_for(tmp_path, first: str, fault, *, is_stream: bool, chain):
    """The target of the first dialect fails, that of the other one answers."""
    second = "anthropic" if first == "openai" else "openai"

    def answer(received: Received) -> Reply:
        fails = received.target.startswith(DIALECTS[first])
        return fault(first) if fails else ANSWERS[second, is_stream]

    targets = [TARGETS[first] | IMPATIENT, TARGETS[second]]
    return open_world(tmp_path, answer=answer, targets=targets, chain=chain, providers={"fallback": {}})


@pytest.mark.parametrize("chain", [(), PII], ids=["empty", "pii"])
@pytest.mark.parametrize("first", DIALECTS, ids="to {}".format)
@pytest.mark.parametrize("client", DIALECTS, ids="from {}".format)
@pytest.mark.parametrize(("fault", "is_stream"), [case[1:] for case in CASES], ids=NAMES)
async def test_a_provider_that_fails_is_left_for_one_of_the_other_dialect(
    tmp_path, fault, is_stream, client, first, chain
):
    async with world_for(tmp_path, first, fault, is_stream=is_stream, chain=chain) as world:
        assert await consume(world, client, is_stream=is_stream) == TEXT
        event = await world.event()
    assert (event.status, event.error_code, len(event.attempts)) == (200, None, 2)
    assert event.target_id == ("claude" if first == "openai" else "gpt")
    assert event.usage == Usage(input_tokens=10, output_tokens=5)


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_storm_of_refusals_ends_in_the_providers_own_words(tmp_path, client, is_stream):
    busy = Reply(status=429, body=b'{"error": {"type": "rate_limit_error", "message": "slow down"}}',
                 headers=(("retry-after", "7"),))  # fmt: skip
    targets = [TARGETS["openai"], TARGETS["anthropic"]]
    async with open_world(tmp_path, busy, targets=targets, providers={"fallback": {}}) as world:
        for _ in range(3):
            with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as refused:
                await consume(world, client, is_stream=is_stream)
        assert refused.value.response.headers["retry-after"] == "7"
        assert "slow down" in refused.value.message
        assert [len(event.attempts) for event in world.events()] == [2, 2, 2]
