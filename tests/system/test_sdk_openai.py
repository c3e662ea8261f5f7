"""The real OpenAI SDK through a whole gateway, with answers that providers really gave."""

import asyncio
import json
from pathlib import Path

import httpx2
import openai
import pytest
from openai import AsyncAzureOpenAI, OpenAI

from fakes.recordings import Exchange, list_exchanges
from fakes.replay import Reply, stream
from fakes.worlds import PII, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.fixtures]

HELLO = [{"role": "user", "content": "Hello!"}]
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
TOKEN = "a-token-of-the-operator"
SPEECH = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def said(recorded) -> dict[str, Exchange]:
    """Recorded exchanges by name."""
    return {exchange.name: exchange for exchange in list_exchanges(recorded)}


@pytest.fixture(params=[(), PII], ids=["empty", "pii"])
def chain(request):
    return request.param


def reply_of(exchange: Exchange) -> Reply:
    if exchange.is_stream:  # the last blank line was lost when some were recorded
        return stream(exchange.reply.rstrip(b"\n") + b"\n\n", size=97, headers=exchange.headers)
    return Reply(
        body=exchange.reply, status=exchange.status, content_type=exchange.content_type, headers=exchange.headers
    )


async def chat(world: World, **changes):
    async with world.openai() as sdk:
        return await sdk.chat.completions.create(**({"model": "gpt-5-nano", "messages": HELLO} | changes))


async def test_a_whole_chat(tmp_path, said, chain):
    recorded = said["chat-basic"]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world:
        answer = await chat(world)
        event = await world.event()
    assert answer.model_dump(exclude_unset=True) == json.loads(recorded.reply)
    assert answer._request_id == event.request_id
    assert event.usage.output_tokens == answer.usage.completion_tokens


async def test_the_sync_client_gets_the_same(tmp_path, said, chain):
    recorded = said["chat-basic"]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world:

        def call() -> str | None:
            with OpenAI(base_url=f"{world.url}/v1", api_key="none", max_retries=0) as sdk:
                return sdk.chat.completions.create(model="m", messages=HELLO).choices[0].message.content

        said_ = await asyncio.to_thread(call)
    assert said_ == json.loads(recorded.reply)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("name", ["chat-json-mode", "chat-reasoning", "chat-tools", "chat-parallel-tools",
                                  "azure-chat-basic", "gemini-chat_completion", "gemini-chat_with_tools",
                                  "groq-chat_completion", "groq-chat_with_tools", "openai-chat_with_tools",
                                  "openai-chat_completion_reasoning", "openai-chat_json_mode"])  # fmt: skip
async def test_every_kind_of_chat_answer_reaches_the_sdk_unchanged(tmp_path, said, chain, name):
    recorded = said[name]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world:
        answer = await chat(world, tools=TOOLS)
    assert answer.model_dump(exclude_unset=True) == json.loads(recorded.reply)
    if "tools" in name:
        calls = answer.choices[0].message.tool_calls
        assert all(json.loads(call.function.arguments) is not None for call in calls)


async def streamed(world: World, **changes):
    async with world.openai() as sdk:
        chunks = await sdk.chat.completions.create(model="gpt-5-nano", messages=HELLO, stream=True, **changes)
        return [chunk async for chunk in chunks]


@pytest.mark.parametrize("name", ["openai-chat_completion_stream", "groq-chat_completion_stream",
                                  "gemini-chat_completion_stream", "chat-streaming"])  # fmt: skip
async def test_a_streamed_chat(tmp_path, said, chain, name):
    async with open_world(tmp_path, reply_of(said[name]), chain=chain) as world:
        chunks = await streamed(world, stream_options={"include_usage": True})
        event = await world.event()
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == said_in(said[name])
    assert any(chunk.choices and chunk.choices[0].finish_reason == "stop" for chunk in chunks)
    assert (event.stream, event.status, event.error_code) == (True, 200, None)


def said_in(exchange: Exchange) -> str:
    """The streamed text, by a reading of our own."""
    lines = [json.loads(line[6:]) for line in exchange.reply.decode().splitlines() if line.startswith("data: {")]
    return "".join(line["choices"][0]["delta"].get("content") or "" for line in lines if line["choices"])


async def test_usage_that_was_asked_for_arrives_as_the_last_chunk(tmp_path, said, chain):
    async with open_world(tmp_path, reply_of(said["chat-streaming-detailed-usage"]), chain=chain) as world:
        chunks = await streamed(world, stream_options={"include_usage": True})
        event = await world.event()
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 100)
    assert (event.usage.input_tokens, event.usage.output_tokens) == (12, 100)
    assert not event.usage.estimated


async def test_usage_that_nobody_asked_for_is_counted_and_not_shown(tmp_path, said, chain):
    async with open_world(tmp_path, reply_of(said["chat-streaming-detailed-usage"]), chain=chain) as world:
        chunks = await streamed(world)
        event = await world.event()
        assert json.loads(world.replay.last.body)["stream_options"] == {"include_usage": True}
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert (event.usage.input_tokens, event.usage.output_tokens) == (12, 100)


async def test_cached_tokens_are_counted(tmp_path, chain):
    usage = {"prompt_tokens": 2006, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1920}}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [], "usage": usage}
    async with open_world(tmp_path, Reply(body=json.dumps(body).encode()), chain=chain) as world:
        await chat(world)
        counted = (await world.event()).usage
    assert (counted.input_tokens, counted.cached_input_tokens, counted.output_tokens) == (2006, 1920, 3)


async def test_the_chat_stream_helper_builds_the_whole_answer(tmp_path, said, chain):
    recorded = said["openai-chat_completion_stream"]
    async with (
        open_world(tmp_path, reply_of(recorded), chain=chain) as world,
        world.openai() as sdk,
        sdk.chat.completions.stream(model="m", messages=HELLO) as events,
    ):
        answer = await events.get_final_completion()
    assert answer.choices[0].message.content == said_in(recorded)


async def test_a_whole_response(tmp_path, said, chain):
    recorded = said["openai-responses"]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world, world.openai() as sdk:
        answer = await sdk.responses.create(model="m", input="Hello!")
        event = await world.event()
    whole = json.loads(recorded.reply)
    assert answer.output_text == whole["output"][0]["content"][0]["text"]
    assert event.usage.input_tokens == whole["usage"]["input_tokens"]


async def test_a_streamed_response_through_the_helper(tmp_path, said, chain):
    recorded = said["openai-responses_stream"]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world, world.openai() as sdk:
        async with sdk.responses.stream(model="m", input="Hello!") as events:
            kinds = [event.type async for event in events]
            answer = await events.get_final_response()
        event = await world.event()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert answer.output_text
    assert (event.usage.output_tokens, event.usage.estimated) == (answer.usage.output_tokens, False)


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings_in_both_encodings(tmp_path, said, chain, encoding):
    recorded = said["embeddings-basic" if encoding == "float" else "embeddings-base64"]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world, world.openai() as sdk:
        answer = await sdk.embeddings.create(model="m", input="How do I reset my password?", encoding_format=encoding)
        event = await world.event()
    assert answer.data[0].embedding == json.loads(recorded.reply)["data"][0]["embedding"]
    assert event.usage.input_tokens == answer.usage.prompt_tokens


async def test_embeddings_as_the_sdk_asks_for_them_by_itself(tmp_path, said, chain):
    async with open_world(tmp_path, reply_of(said["embeddings-base64"]), chain=chain) as world, world.openai() as sdk:
        answer = await sdk.embeddings.create(model="m", input="How do I reset my password?")
    assert len(answer.data[0].embedding) == 1536
    assert isinstance(answer.data[0].embedding[0], float)


async def test_tokens_cannot_be_read_and_are_refused_where_a_policy_reads(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["embeddings-tokens"]), chain=PII) as world, world.openai() as sdk:
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.embeddings.create(model="m", input=[4438, 656])
        assert raised.value.code == "content_not_inspectable"
        assert raised.value.param == "input"
        assert world.replay.calls == 0
        assert (await world.event()).decision == "block"


@pytest.mark.parametrize("settings", [{}, {"chain": PII, "policy": {"pii-detector": {"unreadable": "allow"}}}])
async def test_tokens_pass_where_nothing_reads_them_or_the_pack_allows_it(tmp_path, said, settings):
    async with open_world(tmp_path, reply_of(said["embeddings-tokens"]), **settings) as world, world.openai() as sdk:
        assert (await sdk.embeddings.create(model="m", input=[4438, 656])).data


async def test_completions_whole_and_streamed(tmp_path, said, chain):
    replies = [reply_of(said["completion-basic"]), reply_of(said["completion-streaming"])]
    async with open_world(tmp_path, *replies, chain=chain) as world, world.openai() as sdk:
        whole = await sdk.completions.create(model="babbage-002", prompt="def fib(n):")
        assert whole.choices[0].text == json.loads(said["completion-basic"].reply)["choices"][0]["text"]
        chunks = [chunk async for chunk in await sdk.completions.create(model="m", prompt="def", stream=True)]
        assert "".join(chunk.choices[0].text for chunk in chunks).endswith(":\n")
        assert chunks[-1].choices[0].finish_reason == "length"


async def test_moderations(tmp_path, chain):
    body = {"id": "modr-1", "model": "omni-moderation-latest", "results": [
        {"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}]}  # fmt: skip
    async with open_world(tmp_path, Reply(body=json.dumps(body).encode()), chain=chain) as world, world.openai() as sdk:
        answer = await sdk.moderations.create(input="I will hit bob@example.com")
        assert answer.results[0].flagged
        sent = json.loads(world.replay.last.body)
    assert sent["input"] == ("I will hit [EMAIL]" if chain else "I will hit bob@example.com")


async def test_a_transcription_is_judged_and_its_audio_reaches_the_provider(tmp_path):
    reply = Reply(body=b'{"text":"Mail bob@example.com now.","usage":{"type":"duration","seconds":7}}')
    policy = {"pii-detector": {"unreadable": "allow"}}
    async with open_world(tmp_path, reply, chain=PII, policy=policy) as world, world.openai() as sdk:
        answer = await sdk.audio.transcriptions.create(model="whisper-1", file=("talk.wav", SPEECH))
        assert answer.text == "Mail [EMAIL] now."
        assert SPEECH in world.replay.last.body
        assert world.replay.last.target == "/v1/audio/transcriptions"
        assert world.replay.last.header("content-type").startswith("multipart/form-data; boundary=")


async def test_audio_is_refused_where_a_policy_would_have_to_read_it(tmp_path):
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world, world.openai() as sdk:
        with pytest.raises(openai.BadRequestError, match="unreadable: allow"):
            await sdk.audio.transcriptions.create(model="whisper-1", file=("talk.wav", SPEECH))
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.audio.speech.create(model="tts-1", voice="alloy", input="hi")
        assert raised.value.code == "content_not_inspectable"
        assert world.replay.calls == 0


async def test_speech_arrives_byte_for_byte_and_its_text_is_judged(tmp_path):
    reply = Reply(pieces=[SPEECH[:999], SPEECH[999:]], content_type="audio/mpeg")
    policy = {"pii-detector": {"unreadable": "allow"}}
    async with open_world(tmp_path, reply, chain=PII, policy=policy) as world, world.openai() as sdk:
        answer = await sdk.audio.speech.create(model="tts-1", voice="alloy", input="mail bob@example.com")
        assert answer.content == SPEECH
        assert json.loads(world.replay.last.body)["input"] == "mail [EMAIL]"
        assert (await world.event()).decision == "redact"


async def test_images(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["image-generation-basic"])) as world, world.openai() as sdk:
        answer = await sdk.images.generate(model="dall-e-2", prompt="a cat")
    assert answer.data[0].url.startswith("https://")


async def test_models_are_listed_and_found(tmp_path):
    targets = {"targets": [target("gpt-4o-mini", aliases=["small", "gpt-*"]), target("mistralai/mixtral", id="b")]}
    async with open_world(tmp_path, Reply(), providers=targets) as world, world.openai() as sdk:
        assert [model.id async for model in sdk.models.list()] == ["gpt-4o-mini", "small", "mistralai/mixtral"]
        assert (await sdk.models.retrieve("small")).owned_by == "openai"
        assert (await sdk.models.retrieve("mistralai/mixtral")).id == "mistralai/mixtral"
        assert (await sdk.models.retrieve("gpt-9")).id == "gpt-9"
        with pytest.raises(openai.NotFoundError) as raised:
            await sdk.models.retrieve("o9")
        assert raised.value.code == "model_not_found"


async def test_the_azure_client_lists_and_finds_models(tmp_path):
    providers = {"targets": [target("gpt-4o-mini")]}
    async with (
        open_world(tmp_path, Reply(), providers=providers, token=TOKEN) as world,
        AsyncAzureOpenAI(azure_endpoint=world.url, api_version="2024-10-21", api_key=TOKEN, max_retries=0) as sdk,
    ):
        assert [model.id async for model in sdk.models.list()] == ["gpt-4o-mini"]
        assert (await sdk.models.retrieve("gpt-4o-mini")).id == "gpt-4o-mini"


def target(model: str, **changes) -> dict:
    common = {
        "id": "a",
        "provider": "openai",
        "base_url": "http://127.0.0.1:9",
        "secret_key_ref": {"env": "UPSTREAM_KEY"},
    }
    return common | {"model": model} | changes


ERRORS = [
    (400, openai.BadRequestError),
    (404, openai.NotFoundError),
    (409, openai.ConflictError),
    (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
    (529, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind"), ERRORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_of_the_provider_keep_status_code_and_retry_after(tmp_path, chain, status, kind, stream):
    body = {
        "error": {"message": "No luck for bob@example.com.", "type": "some_type", "param": "p", "code": "some_code"}
    }
    reply = Reply(
        status=status, body=json.dumps(body).encode(), headers=(("Retry-After", "7"), ("X-Request-Id", "up_1"))
    )
    async with open_world(tmp_path, reply, chain=chain) as world:
        with pytest.raises(kind) as raised:
            await chat(world, stream=stream)
        event = await world.event()
    error = raised.value
    assert (error.status_code, error.code, error.param, error.type) == (status, "some_code", "p", "some_type")
    assert error.response.headers["retry-after"] == "7"
    assert error.response.headers["x-upstream-request-id"] == "up_1"
    assert error.request_id == event.request_id
    assert ("bob@example.com" in error.message) == (not chain)
    assert (event.status, event.error_code, event.attempts[0].status) == (status, "upstream_error", status)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_credential_is_our_failure_and_not_the_clients(tmp_path, status):
    reply = Reply(status=status, body=b'{"error":{"message":"Incorrect API key provided: sk-canary"}}')
    async with open_world(tmp_path, reply) as world:
        async with world.openai(max_retries=2) as sdk:
            with pytest.raises(openai.InternalServerError) as raised:
                await sdk.chat.completions.create(model="m", messages=HELLO)
        assert (raised.value.status_code, raised.value.code) == (502, "upstream_refused_credential")
        assert "sk-canary" not in str(raised.value)
        assert world.replay.calls == 1


@pytest.mark.parametrize("name", ["chat-bad-request", "chat-unknown-model", "chat-no-messages"])
async def test_recorded_errors_are_those_that_the_sdk_raises(tmp_path, said, chain, name):
    recorded = said[name]
    async with open_world(tmp_path, reply_of(recorded), chain=chain) as world:
        with pytest.raises(openai.APIStatusError) as raised:
            await chat(world)
    theirs = json.loads(recorded.reply)["error"]
    assert (raised.value.status_code, raised.value.code) == (recorded.status, theirs["code"])
    assert theirs["message"] in raised.value.message


async def test_azure_paths_of_the_newer_kind_are_served(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["azure-chat-basic"])) as world:
        async with world.openai(base_url=f"{world.url}/openai/v1", default_query={"api-version": "preview"}) as sdk:
            answer = await sdk.chat.completions.create(model="m", messages=HELLO)
        assert answer.choices[0].message.content
        assert world.replay.last.target == "/v1/chat/completions"


async def test_the_azure_client_is_served_on_its_own_paths(tmp_path, said, chain):
    async with open_world(tmp_path, reply_of(said["azure-chat-basic"]), chain=chain, token=TOKEN) as world:
        async with AsyncAzureOpenAI(
            azure_endpoint=world.url, api_version="2024-10-21", api_key=TOKEN, max_retries=0
        ) as sdk:
            answer = await sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
            assert answer.choices[0].message.content
            assert world.replay.last.target == "/v1/chat/completions"
            assert world.replay.last.header("api-key") is None
            with pytest.raises(openai.BadRequestError):
                await sdk.chat.completions.create(model="a b", messages=HELLO)
        assert [event.model for event in world.events()] == ["gpt-4o-mini", None]
        assert world.events()[0].route == "/v1/chat/completions"


async def test_the_azure_client_makes_responses(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["openai-responses"]), token=TOKEN) as world:
        async with AsyncAzureOpenAI(
            azure_endpoint=world.url, api_version="2024-10-21", api_key=TOKEN, max_retries=0
        ) as sdk:
            answer = await sdk.responses.create(model="gpt-4o-mini", input="Hello")
            assert answer.output_text
        assert world.replay.last.target == "/v1/responses"


async def test_the_model_of_an_azure_path_counts_whatever_the_body_says(tmp_path, said):
    body = {"model": "gpt-5-pro", "messages": HELLO}
    async with open_world(tmp_path, reply_of(said["azure-chat-basic"])) as world:
        await world.ask("/openai/deployments/gpt-4o-mini/chat/completions", body)
        assert json.loads(world.replay.last.body)["model"] == "gpt-4o-mini"
        assert (await world.event()).model == "gpt-4o-mini"
        for path in ("/openai/deployments/m/files", "/openai/deployments/m", "/openai/deployments//chat/completions"):
            assert (await world.ask(path, body)).status in {400, 404}


async def test_a_raw_answer_carries_the_headers_that_clients_use(tmp_path, said):
    async with open_world(tmp_path, reply_of(said["chat-basic"]), chain=PII) as world, world.openai() as sdk:
        raw = await sdk.chat.completions.with_raw_response.create(model="m", messages=HELLO)
        event = await world.event()
    headers: httpx2.Headers = raw.headers
    assert headers["x-keeptrusts-config"] == "blue@1.0.0"
    assert headers["x-keeptrusts-decision"] == "allow"
    assert headers["x-keeptrusts-target"] == "oa"
    assert headers["x-request-id"] == event.request_id
    assert headers["x-upstream-request-id"] == dict(said["chat-basic"].headers)["X-Request-Id"]
    assert "x-ratelimit-remaining-tokens" in headers
    assert not {"set-cookie", "alt-svc", "cf-ray", "openai-organization"} & set(headers)


def test_the_folder_of_recordings_has_what_is_named_here(said, recorded):
    assert isinstance(recorded, Path)
    assert {"chat-basic", "openai-responses", "embeddings-tokens"} <= said.keys()
