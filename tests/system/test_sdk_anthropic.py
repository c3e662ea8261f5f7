"""The real Anthropic SDK through a whole gateway, with answers that the provider really gave."""

import json

import anthropic
import pytest

from fakes.recordings import Exchange, list_exchanges
from fakes.replay import Reply, stream
from fakes.worlds import PII, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.fixtures]

HELLO = [{"role": "user", "content": "Hello!"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}


@pytest.fixture(scope="module")
def said(recorded) -> dict[str, Exchange]:
    """Recorded exchanges by name."""
    return {exchange.name.removeprefix("anthropic-"): exchange for exchange in list_exchanges(recorded)}


@pytest.fixture(params=[(), PII], ids=["empty", "pii"])
def chain(request):
    return request.param


def reply_of(exchange: Exchange) -> Reply:
    if exchange.is_stream:  # the last blank line was lost when some were recorded
        return stream(exchange.reply.rstrip(b"\n") + b"\n\n", size=61)
    return Reply(body=exchange.reply, headers=(("request-id", "req_of_the_provider"),))


async def ask(world: World, **changes):
    async with world.anthropic() as sdk:
        return await sdk.messages.create(
            **({"model": "claude-haiku-4-5", "max_tokens": 64, "messages": HELLO} | changes)
        )


@pytest.mark.parametrize("name", ["messages", "messages_extended_thinking", "messages_multi_turn",
                                  "messages_multimodal", "messages_with_params", "messages_with_tools"])  # fmt: skip
async def test_every_kind_of_message_reaches_the_sdk_unchanged(tmp_path, said, chain, name):
    recorded = said[name]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world:
        message = await ask(world)
        event = await world.event()
    assert message.model_dump(exclude_unset=True, mode="json") == json.loads(recorded.reply)
    assert message._request_id == event.request_id
    assert (event.target_id, event.usage.output_tokens) == ("an", message.usage.output_tokens)


async def test_a_signature_of_thinking_is_never_touched_though_the_thinking_is_judged(tmp_path):
    content = [
        {"type": "thinking", "thinking": "They live at bob@example.com.", "signature": "EqMBbob@example.com=="},
        {"type": "redacted_thinking", "data": "bob@example.com"},
        {"type": "text", "text": "Done."},
    ]
    usage = {"input_tokens": 9, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 1, "output_tokens": 5}
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "usage": usage,
            "stop_reason": "end_turn", "stop_sequence": None}  # fmt: skip
    async with open_world(tmp_path, Reply(body=json.dumps(body).encode()), chain=PII) as world:
        thinking, hidden, _ = (await ask(world)).content
        counted = (await world.event()).usage
    assert thinking.thinking == "They live at [EMAIL]."
    assert thinking.signature == "EqMBbob@example.com=="
    assert hidden.data == "bob@example.com"
    assert (counted.input_tokens, counted.cached_input_tokens, counted.output_tokens) == (100, 90, 5)


async def test_a_streamed_message_through_the_helper(tmp_path, said, chain):
    async with (
        open_world(tmp_path, reply_of(said["messages_stream"]), chain=chain) as world,
        world.anthropic() as sdk,
        sdk.messages.stream(model="m", max_tokens=64, messages=HELLO) as events,
    ):
        pieces = [piece async for piece in events.text_stream]
        message = await events.get_final_message()
        event = await world.event()
        assert world.replay.last.header("accept-encoding") == "identity"
    assert "".join(pieces) == message.content[0].text
    assert message.stop_reason == "end_turn"
    assert (event.usage.input_tokens, event.usage.output_tokens) == (10, message.usage.output_tokens)
    assert not event.usage.estimated


async def test_images_pass_byte_for_byte_where_nothing_reads_them(tmp_path, said):
    content = [{"type": "text", "text": "Describe it."}, IMAGE]
    async with open_world(tmp_path, reply_of(said["messages_multimodal"])) as world:
        await ask(world, messages=[{"role": "user", "content": content}])
        assert json.loads(world.replay.last.body)["messages"][0]["content"] == content


async def test_images_are_refused_where_a_policy_would_have_to_read_them(tmp_path):
    async with open_world(tmp_path, Reply(), chain=PII) as world:
        with pytest.raises(anthropic.BadRequestError) as raised:
            await ask(world, messages=[{"role": "user", "content": [IMAGE]}])
        event = await world.event()
        assert world.replay.calls == 0
    assert raised.value.body["type"] == "error"
    assert raised.value.body["error"]["type"] == "invalid_request_error"
    assert raised.value.body["error"]["code"] == "content_not_inspectable"
    assert raised.value.request_id == event.request_id


async def test_tokens_of_a_call_are_counted_by_the_provider_on_the_redacted_text(tmp_path):
    async with open_world(tmp_path, Reply(body=b'{"input_tokens":14}'), chain=PII) as world, world.anthropic() as sdk:
        mail = [{"role": "user", "content": "Mail bob@example.com"}]
        assert (await sdk.messages.count_tokens(model="m", messages=mail)).input_tokens == 14
        assert world.replay.last.target == "/v1/messages/count_tokens"
        assert b"bob@example.com" not in world.replay.last.body


async def test_models_are_listed_page_by_page(tmp_path):
    target = {"id": "a", "provider": "anthropic", "model": "claude-haiku-4-5", "aliases": ["haiku"],
              "secret_key_ref": {"env": "UPSTREAM_KEY"}}  # fmt: skip
    async with (
        open_world(tmp_path, Reply(), providers={"targets": [target]}) as world,
        world.anthropic() as sdk,
    ):
        models = [model async for model in sdk.models.list()]
        assert [model.id for model in models] == ["claude-haiku-4-5", "haiku"]
        assert models[0].display_name == "claude-haiku-4-5"
        assert models[0].created_at.year >= 2026
        assert (await sdk.models.retrieve("haiku")).type == "model"


ERRORS = [
    (400, "invalid_request_error", anthropic.BadRequestError),
    (404, "not_found_error", anthropic.NotFoundError),
    (413, "request_too_large", anthropic.RequestTooLargeError),
    (429, "rate_limit_error", anthropic.RateLimitError),
    (500, "api_error", anthropic.InternalServerError),
    (529, "overloaded_error", anthropic.OverloadedError),
]


@pytest.mark.parametrize(("status", "kind", "error"), ERRORS)
@pytest.mark.parametrize("streams", [False, True])
async def test_errors_of_the_provider_keep_status_type_and_retry_after(tmp_path, chain, status, kind, error, streams):
    body = {"type": "error", "error": {"type": kind, "message": "No luck for bob@example.com."}, "request_id": "req_up"}
    headers = (("retry-after", "7"), ("request-id", "req_up"), ("anthropic-organization-id", "org-1"))
    async with open_world(
        tmp_path, Reply(status=status, body=json.dumps(body).encode(), headers=headers), chain=chain
    ) as world:
        with pytest.raises(error) as raised:
            await ask(world, stream=streams)
        event = await world.event()
    assert raised.value.status_code == status
    assert raised.value.body["error"]["type"] == kind
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.response.headers["x-upstream-request-id"] == "req_up"
    assert "anthropic-organization-id" not in raised.value.response.headers
    assert raised.value.request_id == event.request_id
    assert ("bob@example.com" in str(raised.value)) == (not chain)
    assert event.status == status


async def test_the_versions_and_betas_that_a_client_names_reach_the_provider(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["messages"])) as world, world.anthropic() as sdk:
        beta = {
            "betas": ["context-1m-2025-08-07"],
            "extra_query": {"beta": "true"},
            "extra_headers": {"anthropic-version": "2023-06-01"},
        }
        await sdk.beta.messages.create(model="m", max_tokens=9, messages=HELLO, **beta)
        sent = world.replay.last
    assert sent.target == "/v1/messages?beta=true"
    assert sent.header("anthropic-version") == "2023-06-01"
    assert sent.header("anthropic-beta") == "context-1m-2025-08-07"


async def test_cache_control_and_the_order_of_a_system_prompt_stay_as_they_are(tmp_path, said):
    system = [{"type": "text", "text": "You are terse. é"},
              {"cache_control": {"type": "ephemeral"}, "type": "text", "text": "Know bob@example.com."}]  # fmt: skip
    async with open_world(tmp_path, reply_of(said["messages"]), chain=PII) as world:
        await ask(world, system=system)
        sent = world.replay.last.body
    redacted = json.dumps(system, ensure_ascii=False).replace("bob@example.com", "[EMAIL]")
    assert json.dumps(json.loads(sent)["system"], ensure_ascii=False) == redacted
