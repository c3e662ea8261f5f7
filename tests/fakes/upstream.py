"""A provider that answers chat calls at a known pace, in the test's own loop or as a process of its own.

Speaks raw HTTP/1.1, so that it costs little beside what it is used to load. Knows nothing of the gateway.
"""

import argparse
import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

import httptools
import uvloop

WORDS = (
    "The quick ",
    "brown fox ",
    "jumps over ",
    "the lazy dog ",
    "near the ",
    "river bank, ",
    "while ",
    "seventeen ",
)
"""Pieces of 6 to 13 characters, the size of what models stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a stream goes: `chunks` events with text, `every_s` apart, the pieces of `words` in turn.

    A `held` stream stops behind its first event until `POST /_release`. `echo`: the last message comes back first.
    """

    words: tuple[str, ...] = WORDS
    chunks: int = 20
    every_s: float = 0.0
    held: bool = False
    echo: bool = False


class Upstream:
    """What all connections share: the plan, what was called, and who is waiting."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.calls = 0
        self.chunks = 0
        self.held: list[Stream] = []
        self.answer = _answer(plan)
        self.first = _frame(_event({"role": "assistant", "content": ""}))
        self.frames = [_frame(_event({"content": word})) for word in plan.words]
        self.last = _frame(_event({}, "stop"))
        self.usage = _frame(_usage_event())

    def protocol(self) -> asyncio.Protocol:
        return Connection(self)

    def count(self) -> bytes:
        """What `GET /_calls` says: calls taken, chunks sent, streams that wait."""
        return json.dumps({"calls": self.calls, "chunks": self.chunks, "held": len(self.held)}).encode()

    def release(self) -> None:
        """Let every held stream run."""
        held, self.held = self.held, []
        for stream in held:
            stream.run()


class Stream:
    """One streamed answer under way. Belongs to its connection."""

    def __init__(self, upstream: Upstream, transport: asyncio.WriteTransport, call: dict[str, Any]) -> None:
        self.upstream = upstream
        self.transport = transport
        self.call = call
        self.sent = 0
        self.loop = asyncio.get_running_loop()

    def start(self) -> None:
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.transport.write(self.upstream.first)
        if self.upstream.plan.echo:
            self.transport.write(_frame(_event({"content": _last_message(self.call)})))
        if self.upstream.plan.held:
            self.upstream.held.append(self)
        else:
            self.run()

    def run(self) -> None:
        """Spread streams that began together over one interval, as independent models would be."""
        self.loop.call_later(self.upstream.plan.every_s * (id(self) % 997) / 997, self.step)

    def step(self) -> None:
        if self.transport.is_closing():
            return
        upstream = self.upstream
        if self.sent == upstream.plan.chunks:
            self.end()
            return
        self.transport.write(upstream.frames[self.sent % len(upstream.frames)])
        self.sent += 1
        upstream.chunks += 1
        self.loop.call_later(upstream.plan.every_s, self.step)

    def end(self) -> None:
        asks_usage = (self.call.get("stream_options") or {}).get("include_usage")
        usage = self.upstream.usage if asks_usage else b""
        self.transport.write(self.upstream.last + usage + _frame(b"data: [DONE]\n\n") + b"0\r\n\r\n")


class Connection(asyncio.Protocol):
    """One keep-alive connection; answers a request as soon as it is whole."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url = b""
        self.body = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        if self.url == b"/_calls":
            self.transport.write(_whole(self.upstream.count()))
        elif self.url == b"/_release":
            self.upstream.release()
            self.transport.write(_whole(b"{}"))
        else:
            self.answer(json.loads(b"".join(self.body)))

    def answer(self, call: dict[str, Any]) -> None:
        self.upstream.calls += 1
        if call.get("stream"):
            Stream(self.upstream, self.transport, call).start()
        elif self.upstream.plan.echo:
            self.transport.write(_answer(self.upstream.plan, _last_message(call)))
        else:
            self.transport.write(self.upstream.answer)


def _last_message(call: dict[str, Any]) -> str:
    return str(call["messages"][-1]["content"])


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    event = {
        "id": "chatcmpl-D0q8CZXN1uEzngZGkU7FuV92lnXWq",
        "object": "chat.completion.chunk",
        "created": 1769092764,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_29330a9688",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        "usage": None,
    }
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def _usage_event() -> bytes:
    event = {
        "id": "chatcmpl-D0q8CZXN1uEzngZGkU7FuV92lnXWq",
        "object": "chat.completion.chunk",
        "created": 1769092764,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [],
        "usage": {"prompt_tokens": 120, "completion_tokens": 28, "total_tokens": 148},
    }
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def _answer(plan: Plan, echo: str = "") -> bytes:
    text = echo + "".join(plan.words[index % len(plan.words)] for index in range(plan.chunks))
    answer = {
        "id": "chatcmpl-D0q8CZXN1uEzngZGkU7FuV92lnXWq",
        "object": "chat.completion",
        "created": 1769092764,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 28, "total_tokens": 148},
    }
    return _whole(json.dumps(answer, separators=(",", ":")).encode())


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def _frame(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


async def open_upstream(plan: Plan, port: int = 0) -> tuple[Upstream, asyncio.Server]:
    """Listen on 127.0.0.1; the caller closes the server."""
    upstream = Upstream(plan)
    server = await asyncio.get_running_loop().create_server(upstream.protocol, "127.0.0.1", port, backlog=4096)
    return upstream, server


async def serve(plan: Plan, port: int) -> None:
    """Serve until killed."""
    _, server = await open_upstream(plan, port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--every-s", type=float, default=0.0)
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--word", action="append", dest="words", help="one piece of the text; repeat for more")
    given = vars(parser.parse_args())
    port = given.pop("port")
    given["words"] = tuple(given["words"] or WORDS)
    uvloop.run(serve(Plan(**given), port))


if __name__ == "__main__":
    main()
