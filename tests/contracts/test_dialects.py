"""What both dialects promise, on what real providers sent and on small bodies written for this."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.json_body import replace_at
from keeptrusts.providers.sse import SseSplitter, render

JSON = b"application/json"

ROUTES = {route: route.value for route in Route}
CALLS = {
    Route.CHAT: b'{ "model" : "m", "messages": [{"role":"user","content":"hi \\u00e9"}], "stream": true }',
    Route.COMPLETIONS: b'{"model":"m","prompt":["a", "b"],"stream":true,"t":0.10}',
    Route.RESPONSES: b'{"model":"m","input":"hi","stream":true}',
    Route.EMBEDDINGS: b'{"model":"m","input":["a"]}',
    Route.MODERATIONS: b'{"model":"m","input":"a"}',
    Route.SPEECH: b'{"model":"m","input":"a","voice":"x"}',
    Route.IMAGE_GENERATIONS: b'{"model":"m","prompt":"a"}',
    Route.MESSAGES: b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"stream":true}',
    Route.COUNT_TOKENS: b'{"model":"m","messages":[{"role":"user","content":"hi"}]}',
}
STREAMED = [Route.CHAT, Route.COMPLETIONS, Route.RESPONSES, Route.MESSAGES]


@pytest.fixture(params=list(CALLS), ids=lambda route: route.value)
def route(request):
    return request.param


def test_a_call_that_nothing_changes_keeps_its_bytes(route):
    dialect = dialect_of(route)
    call = dialect.read_call(route, CALLS[route], b"application/json; charset=utf-8")
    assert (call.model, call.route, call.body) == ("m", route, CALLS[route])
    assert dialect.write_call(call, model="m", changes={}, ask_usage=False) == CALLS[route]


def test_a_change_of_every_text_and_the_model_is_written_at_its_place(route):
    dialect = dialect_of(route)
    call = dialect.read_call(route, CALLS[route], JSON)
    texts, _ = dialect.texts(call)
    assert texts
    changes = {text.path: f"<{text.value}>" for text in texts}
    body = dialect.write_call(call, model="other/model", changes=changes, ask_usage=False)
    assert json.loads(body) == replace_at(call.tree, {**changes, ("model",): "other/model"})
    again = dialect.read_call(route, body, JSON)
    assert [text.value for text in dialect.texts(again)[0]] == list(changes.values())


@pytest.mark.parametrize(
    "content_type", [b"", b"text/plain", b"application/json; charset=latin-1", b"application/jsonx"]
)
def test_other_content_types_are_refused(route, content_type):
    with pytest.raises(Fault) as raised:
        dialect_of(route).read_call(route, CALLS[route], content_type)
    assert raised.value.code is Code.UNSUPPORTED_CONTENT_TYPE


@pytest.mark.parametrize("model", ['""', '"a b"', '"-a"', '"a\\n"', f'"{"a" * 129}"', "5", '"../x"', '"é"', "[]"])
def test_a_model_outside_the_grammar_is_refused(route, model):
    with pytest.raises(Fault) as raised:
        dialect_of(route).read_call(route, b'{"model":%b}' % model.encode(), JSON)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, "model")


def test_the_model_of_the_path_comes_before_that_of_the_body(route):
    dialect = dialect_of(route)
    call = dialect.read_call(route, CALLS[route], JSON, model="of-path")
    assert call.model == "of-path"
    assert json.loads(dialect.write_call(call, model="up", changes={}, ask_usage=False))["model"] == "up"
    with pytest.raises(Fault):
        dialect.read_call(route, b'{ "model":5}', JSON, model="of-path")
    bare = dialect.read_call(route, b'{"input":"x"}', JSON, model="of-path")
    assert json.loads(dialect.write_call(bare, model="up", changes={}, ask_usage=False)) == {
        "input": "x",
        "model": "up",
    }


def test_a_limit_is_added_only_where_the_call_has_none():
    for route, member in [(Route.CHAT, "max_completion_tokens"), (Route.RESPONSES, "max_output_tokens")]:
        dialect = dialect_of(route)
        call = dialect.read_call(route, CALLS[route], JSON)
        sent = dialect.write_call(call, model="m", changes={}, ask_usage=False, max_output_tokens=7)
        assert json.loads(sent)[member] == 7
    dialect = dialect_of(Route.MESSAGES)
    call = dialect.read_call(Route.MESSAGES, CALLS[Route.MESSAGES], JSON)
    assert (
        dialect.write_call(call, model="m", changes={}, ask_usage=False, max_output_tokens=7) == CALLS[Route.MESSAGES]
    )


@pytest.mark.parametrize("route", STREAMED, ids=lambda route: route.value)
@pytest.mark.parametrize("code", [Code.OUTPUT_BLOCKED, Code.UPSTREAM_TRUNCATED, Code.INTERNAL])
def test_a_failure_inside_a_stream_is_whole_events_and_no_clean_end(route, code):
    reader = dialect_of(route).open_stream(route, strip_usage=False)
    sent = reader.fail(code, "why", "req_1")
    events = split(sent)
    assert b"".join(events) == sent
    assert b"req_1" in sent
    fresh = dialect_of(route).open_stream(route, strip_usage=False)
    for event in events:
        fresh.watch(event)
    assert fresh.failure


@pytest.mark.parametrize("route", STREAMED, ids=lambda route: route.value)
def test_a_block_inside_a_stream_names_its_policy(route):
    reader = dialect_of(route).open_stream(route, strip_usage=False)
    assert b'"policy":"words"' in reader.fail(Code.OUTPUT_BLOCKED, "why", "req_1", "words")
    assert b'policy":' not in reader.fail(Code.UPSTREAM_TRUNCATED, "why", "req_1")


@pytest.mark.parametrize("route", STREAMED, ids=lambda route: route.value)
def test_what_cannot_be_read_as_an_event_is_unreadable_and_comments_pass(route):
    reader = dialect_of(route).open_stream(route, strip_usage=False)
    for event in (b"data: {broken\n\n", b"event: x\ndata: [1]\n\n", b'data: "text"\n\n'):
        assert reader.watch(event) == event
        piece = reader.read(event)
        assert piece.unreadable
        assert reader.write(piece, {}) == event
    for event in (b": ping\n\n", b"\n", b"event: ping\n\n"):
        piece = reader.read(event)
        assert not piece.unreadable
        assert reader.write(piece, {}) == event
    assert not reader.is_complete


def test_an_answer_that_is_no_object_is_an_error_of_the_provider():
    for route in STREAMED:
        dialect = dialect_of(route)
        for body in (b"", b"[]", b"<html>", b"\xff", b"[" * 100_000):
            with pytest.raises(Fault) as raised:
                dialect.read_reply(route, body, JSON, with_texts=True)
            assert raised.value.code is Code.UPSTREAM_ERROR
            assert dialect.read_reply(route, body, JSON, with_texts=False).body == body


# Whatever a client or a provider sends: an answer or a Fault, never another error.

WORDS = [
    "text",
    "content",
    "function",
    "tool_use",
    "tool_result",
    "message",
    "image_url",
    "document",
    "output_text",
    "x",
]
KEYS = [
    "type",
    "content",
    "text",
    "role",
    "messages",
    "input",
    "output",
    "tools",
    "function",
    "arguments",
    "choices",
    "delta",
    "index",
    "tool_calls",
    "source",
    "content_block",
    "message",
    "response",
    "item",
    "part",
    "finish_reason",
    "usage",
    "error",
    "system",
    "prompt",
    "audio",
    "container",
    "sequence_number",
    "output_index",
    "annotations",
    "custom",
]
TYPES = [
    "content_block_delta",
    "content_block_start",
    "message_start",
    "message_delta",
    "error",
    "response.completed",
    "response.output_item.done",
    "response.output_text.delta",
    "response.content_part.done",
    "response.x.done",
]
odd_values = st.recursive(
    st.sampled_from([*WORDS, "", None, True, 0, -1, 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
odd_trees = st.dictionaries(st.sampled_from(KEYS), odd_values, max_size=6)


@given(tree=odd_trees, route=st.sampled_from(list(CALLS)))
@settings(max_examples=100, deadline=None)
def test_no_call_makes_a_dialect_stumble(tree, route):
    dialect = dialect_of(route)
    body = json.dumps({"model": "m", **tree}).encode()
    try:
        call = dialect.read_call(route, body, JSON)
    except Fault:
        return
    texts, _ = dialect.texts(call)
    changes = {text.path: "new" for text in texts}
    assert len(changes) == len(texts)
    sent = dialect.write_call(call, model="m", changes=changes, ask_usage=False)
    assert json.loads(sent) == replace_at(call.tree, changes)


@given(tree=odd_trees, route=st.sampled_from(list(CALLS)))
@settings(max_examples=70, deadline=None)
def test_no_answer_makes_a_dialect_stumble(tree, route):
    dialect = dialect_of(route)
    reply = dialect.read_reply(route, json.dumps(tree).encode(), JSON, with_texts=True)
    changes = {text.path: "new" for text in reply.texts}
    assert len(changes) == len(reply.texts)
    dialect.write_reply(reply, changes)


@given(
    trees=st.lists(st.tuples(st.sampled_from(TYPES), odd_trees), max_size=4),
    route=st.sampled_from([*STREAMED, Route.SPEECH]),
    named=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_no_event_makes_a_reader_stumble(trees, route, named):
    reader = dialect_of(route).open_stream(route, strip_usage=False)
    watcher = dialect_of(route).open_stream(route, strip_usage=False)
    for kind, tree in trees:
        event = render(kind if named else "", json.dumps({"type": kind, **tree} if named else tree).encode())
        assert watcher.watch(event) == event
        piece = reader.read(event)
        assert reader.write(piece, {}) == event
        for fragment in piece.fragments:
            assert reader.carry(fragment.channel, "more")
        changes = {text.path: "new" for text in (*piece.fragments, *piece.repeats)}
        assert reader.write(piece, changes)
        assert (reader.usage, reader.is_complete) == (watcher.usage, watcher.is_complete)


# What real providers sent.


def split(stream: bytes) -> list[bytes]:
    splitter = SseSplitter()
    events = splitter.feed(stream)
    rest = splitter.finish()
    return [*events, rest] if rest else events


def exchanges(folder: Path) -> Iterator[tuple[str, Route, bytes, bytes, bytes, int]]:
    """Name, route, request, reply, the reply's content type and status of each recorded exchange."""
    routes = {f"/{route.value}": route for route in Route}
    for path in sorted((folder / "openai-http").glob("*.yaml")):
        for exchange in yaml.safe_load(path.read_text())["interactions"]:
            request, response = exchange["request"], exchange["response"]
            url = request["url"].partition("?")[0]
            route = next((found for end, found in routes.items() if url.endswith(end)), None)
            kind = response["headers"].get("Content-Type", ["application/json"])[0]
            if route is not None:
                yield (
                    path.stem,
                    route,
                    request["body"].encode(),
                    response["body"].encode(),
                    kind.encode(),
                    response["code"],
                )


def recorded_streams(folder: Path) -> Iterator[tuple[str, Route, bytes]]:
    for path in sorted(folder.glob("*/*stream*.txt")):
        route = {"messages_stream": Route.MESSAGES, "responses_stream": Route.RESPONSES}.get(path.stem, Route.CHAT)
        yield f"{path.parent.name}/{path.stem}", route, path.read_bytes()
    for name, route, _, reply, kind, _ in exchanges(folder):
        if b"event-stream" in kind:
            yield name, route, reply


def recorded_replies(folder: Path) -> Iterator[tuple[str, Route, bytes]]:
    for path in sorted(folder.glob("*/*.json")):
        if path.stem != "models":
            route = (
                Route.MESSAGES
                if "messages" in path.stem
                else Route.RESPONSES
                if "responses" in path.stem
                else Route.CHAT
            )
            yield f"{path.parent.name}/{path.stem}", route, path.read_bytes()
    for name, route, _, reply, kind, status in exchanges(folder):
        if status == 200 and b"json" in kind:
            yield name, route, reply


@pytest.mark.fixtures
def test_recorded_calls_keep_their_bytes(recorded):
    count = 0
    for name, route, body, *_ in exchanges(recorded):
        if body.startswith(b"{") and not name.endswith("bad-request"):
            dialect = dialect_of(route)
            call = dialect.read_call(route, body, JSON)
            dialect.texts(call)
            assert dialect.write_call(call, model=call.model, changes={}, ask_usage=False) == body, name
            changed = dialect.write_call(call, model="elsewhere", changes={}, ask_usage=False)
            assert changed == body.replace(f'"{call.model}"'.encode(), b'"elsewhere"'), name
            count += 1
    assert count > 30


@pytest.mark.fixtures
def test_recorded_replies_are_read_and_keep_their_bytes(recorded):
    count = 0
    for name, route, body in recorded_replies(recorded):
        dialect = dialect_of(route)
        reply = dialect.read_reply(route, body, JSON, with_texts=True)
        assert dialect.write_reply(reply, {}) == body, name
        assert dialect.read_reply(route, body, JSON, with_texts=False).usage == reply.usage, name
        if route not in {Route.EMBEDDINGS, Route.IMAGE_GENERATIONS} and b'"length"' not in body:
            assert reply.texts, name
        if route not in {Route.TRANSLATIONS, Route.IMAGE_GENERATIONS} and b'"seconds"' not in body:
            assert reply.usage, name
        changes = {text.path: text.value[::-1] for text in reply.texts}
        again = dialect.read_reply(route, dialect.write_reply(reply, changes), JSON, with_texts=True)
        assert [text.value for text in again.texts] == list(changes.values()), name
        count += 1
    assert count > 40


@pytest.mark.fixtures
def test_recorded_streams_are_complete_and_keep_their_bytes(recorded):
    count = 0
    for name, route, stream in recorded_streams(recorded):
        dialect = dialect_of(route)
        watcher = dialect.open_stream(route, strip_usage=False)
        reader = dialect.open_stream(route, strip_usage=False)
        assert b"".join([watcher.watch(event) for event in split(stream)]) == stream, name
        assert not watcher.is_complete or watcher.failure is None, name
        written = b""
        for event in split(stream):
            written += reader.write(reader.read(event), {})
        assert written == stream, name
        assert watcher.is_complete, name
        assert (watcher.usage, watcher.is_complete, watcher.failure) == (
            reader.usage,
            reader.is_complete,
            reader.failure,
        )
        count += 1
    assert count >= 10


@pytest.mark.fixtures
def test_recorded_streams_that_are_cut_are_never_complete(recorded):
    for name, route, stream in recorded_streams(recorded):
        events = split(stream)
        reader = dialect_of(route).open_stream(route, strip_usage=False)
        for event in events[: len(events) // 2]:
            reader.watch(event)
        assert not reader.is_complete or len(events) <= 4, name
