"""The real SDKs, wired to the fake provider's logic without a socket in between."""

import httpx2
from anthropic import Anthropic
from openai import OpenAI

from keeptrusts.cli.fake_provider.prompt import Refused
from keeptrusts.cli.fake_provider.reply import Streamed
from keeptrusts.cli.fake_provider.server import FakeProvider, refusal
from keeptrusts.gateway.http.exchange import Head
from keeptrusts.runtime.clock import SystemClock


def answer(request: httpx2.Request) -> httpx2.Response:
    head = Head(request.method, request.url.path, request.url.query, {}, "127.0.0.1", is_tls=False)
    try:
        reply = FakeProvider(SystemClock()).answer(head, request.content, 1)
    except Refused as refused:
        reply = refusal(refused, head.path)
    if isinstance(reply, Streamed):
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"".join(reply.events))
    return httpx2.Response(reply.status, headers={"content-type": "application/json"}, content=reply.body)


def openai_sdk() -> OpenAI:
    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(base_url="http://fake/v1", api_key="none", http_client=client, max_retries=0)


def anthropic_sdk() -> Anthropic:
    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return Anthropic(base_url="http://fake", api_key="none", http_client=client, max_retries=0)
