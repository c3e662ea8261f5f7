"""The fake provider on the wire: routes, errors in each dialect's shape, and the pace of answers."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, TypeAlias

import msgspec

from keeptrusts.cli.fake_provider.chat import answer_chat, answer_completion
from keeptrusts.cli.fake_provider.messages import answer_message, count_tokens
from keeptrusts.cli.fake_provider.prompt import Refused, encode
from keeptrusts.cli.fake_provider.reply import Reply, Stamp, Streamed, Whole
from keeptrusts.cli.fake_provider.responses import answer_response
from keeptrusts.cli.fake_provider.vectors import answer_embedding, answer_moderation, get_model, list_models
from keeptrusts.gateway.http.exchange import BodyRule, Exchange, Head
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.runtime.clock import Clock

MAX_BODY_BYTES = 32 * 1024 * 1024

Answerer: TypeAlias = Callable[[dict[str, Any], Stamp], Reply]

ROUTES: dict[str, Answerer] = {
    "/v1/chat/completions": answer_chat,
    "/v1/completions": answer_completion,
    "/v1/responses": answer_response,
    "/v1/embeddings": answer_embedding,
    "/v1/moderations": answer_moderation,
    "/v1/messages": answer_message,
    "/v1/messages/count_tokens": count_tokens,
}
MODELS = "/v1/models"
JSON = b"content-type: application/json\r\n"
EVENTS = b"content-type: text/event-stream\r\ncache-control: no-cache\r\n"

OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
ANTHROPIC_TYPES = {
    **OPENAI_TYPES,
    413: "request_too_large",
    504: "timeout_error",
    529: "overloaded_error",
}


class FakeProvider:
    """Answers calls without a model. One object per server; its only state is the number of the next answer.

    `pace_s`: the pause between the events of a stream that asks for none, so that people can see it stream.
    """

    def __init__(self, clock: Clock, *, pace_s: float = 0.0) -> None:
        self._clock = clock
        self._pace_s = pace_s
        self._numbers = count(1)

    def admit(self, head: Head) -> BodyRule | Refusal:
        del head
        return BodyRule(MAX_BODY_BYTES)

    async def handle(self, exchange: Exchange) -> None:
        number = next(self._numbers)
        headers = b"x-request-id: req_fake%d\r\nrequest-id: req_fake%d\r\n" % (number, number)
        try:
            reply = self.answer(exchange.head, exchange.body, number)
        except Refused as refused:
            reply = refusal(refused, exchange.head.path)
            headers += b"retry-after: 1\r\n" if refused.status == 429 else b""
        if isinstance(reply, Streamed):
            await send_stream(exchange, reply, headers, self._pace_s)
        else:
            await send_whole(exchange, reply, headers)

    def answer(self, head: Head, body: bytes, number: int) -> Reply:
        """Raises Refused where a provider would answer with an error."""
        stamp = Stamp(number, int(self._clock.unix_ns() // 1_000_000_000))
        if head.method == "GET" and head.path == MODELS:
            return list_models()
        if head.method == "GET" and head.path.startswith(MODELS + "/"):
            return get_model(head.path.removeprefix(MODELS + "/"))
        answerer = ROUTES.get(head.path)
        if answerer is None:
            raise Refused(404, "Unknown path: the fake provider serves " + ", ".join([*ROUTES, MODELS]) + ".")
        if head.method != "POST":
            raise Refused(405, "Not allowed: use POST.")
        call = read_call(body)
        try:
            return answerer(call, stamp)
        except (AttributeError, IndexError, KeyError, TypeError):
            # A fake checks no schema: what it stumbles over is a call that a provider would refuse as well.
            raise Refused(400, "The call does not have the shape that this route expects.") from None


def read_call(body: bytes) -> dict[str, Any]:
    """Raises Refused for a body that is not a JSON object, and for one without a model."""
    try:
        call = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(call, dict):
        raise Refused(400, "We could not parse the JSON body of your request: it is no object.")
    if not isinstance(call.get("model"), str):
        raise Refused(400, "you must provide a model parameter")
    return call


def refusal(refused: Refused, path: str) -> Whole:
    """The error in the shape of the dialect that the path belongs to."""
    if path.startswith("/v1/messages"):
        kind = ANTHROPIC_TYPES.get(refused.status, "api_error" if refused.status >= 500 else "invalid_request_error")
        body: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": refused.message}}
    else:
        kind = OPENAI_TYPES.get(refused.status, "server_error" if refused.status >= 500 else "invalid_request_error")
        body = {"error": {"message": refused.message, "type": kind, "param": None, "code": None}}
    return Whole(body=encode(body), status=refused.status)


async def send_whole(exchange: Exchange, reply: Whole, headers: bytes) -> None:
    """One body after the wait that was asked for, or half of it and a broken connection."""
    if reply.commands.slow_s:
        await asyncio.sleep(reply.commands.slow_s)
    if reply.commands.truncate:
        exchange.start(reply.status, headers + JSON)
        exchange.write(reply.body[: len(reply.body) // 2])
        exchange.abort()
    else:
        exchange.respond(reply.status, headers + JSON, reply.body)


async def send_stream(exchange: Exchange, reply: Streamed, headers: bytes, pace_s: float) -> None:
    """Event by event, spread over the time that was asked for; half of them and a broken connection where wanted."""
    events = reply.events[: len(reply.events) // 2] if reply.commands.truncate else reply.events
    pause_s = reply.commands.slow_s / len(events) or pace_s
    exchange.start(200, headers + EVENTS)
    for event in events:
        if pause_s:
            await asyncio.sleep(pause_s)
        exchange.write(event)
        await exchange.drain()
    if reply.commands.truncate:
        exchange.abort()
    else:
        exchange.finish()
