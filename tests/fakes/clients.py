"""A client that is cheap enough to load a gateway: one raw HTTP/1.1 connection, one call at a time.

Notices what SDKs hide: an answer that ended early, and a stream without its `[DONE]`.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(slots=True)
class Answer:
    """What came back. `is_complete` only if the message had its proper end; `status` 0 if nothing came."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    is_complete: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def ended_cleanly(self) -> bool:
        """Whether a stream said that it was over."""
        return self.is_complete and self.body.endswith(b"data: [DONE]\n\n")


class Connection(asyncio.Protocol):
    """One connection. Ask only when the last answer is there; a lost connection answers incompletely."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.answer = Answer()
        self.done: asyncio.Future[Answer] | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_lost = True
        self._finish()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.answer.chunks.append(data)

    def on_message_complete(self) -> None:
        self.answer.is_complete = True
        self._finish()

    async def ask(self, request: bytes) -> Answer:
        """Send one whole request; the answer, once it ended or the connection did."""
        self.answer = Answer()
        self.done = asyncio.get_running_loop().create_future()
        if self.is_lost:
            return self.answer
        self.transport.write(request)
        return await self.done

    def close(self) -> None:
        self.transport.abort()

    def _finish(self) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_result(self.answer)


async def connect(port: int) -> Connection:
    """Connect to 127.0.0.1. Raises OSError where nobody listens."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes = b"{}", *, token: str | None = None) -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def chat(text: str, *, stream: bool = False, token: str | None = None) -> bytes:
    """A chat call with one user message."""
    call = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], "stream": stream}
    return post("/v1/chat/completions", json.dumps(call).encode(), token=token)


def streamed_text(body: bytes) -> str:
    """The text of a streamed chat answer: every delta's content, joined."""
    texts = []
    for event in body.split(b"\n\n"):
        data = event.removeprefix(b"data: ")
        if not data.startswith(b"{"):
            continue
        texts += [choice["delta"].get("content") or "" for choice in json.loads(data).get("choices", ())]
    return "".join(texts)
