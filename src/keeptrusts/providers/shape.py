"""A dialect as a table: for each route, how its bodies are read. What the routes share is done here, once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from keeptrusts.contract.call import Call, Changes, Path, Reply, Role, Route, Text, Unreadable
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import form_body, json_body
from keeptrusts.providers.dialect import StreamReader
from keeptrusts.providers.fields import read_model
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.large_json import LARGE, read_large, splice_large
from keeptrusts.providers.usage import Counts, find_counts, read_counts

_JSON = re.compile(rb'application/(?:[a-z.]+\+)?json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*;?', re.IGNORECASE)
_FORM = re.compile(rb"multipart/form-data\s*;", re.IGNORECASE)

ASK_USAGE = ("stream_options", "include_usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the bodies of one route are read."""

    describe: Callable[[Call], None]  # fills in what routing needs to know
    collect_call: Callable[[dict[str, Any], Inventory], None]
    collect_reply: Callable[[dict[str, Any], Inventory], None] | None = None  # None: replies carry no text
    write_reply: Callable[[Reply, Changes], bytes] | None = None  # None: by replacing single strings
    binary_reply: str | None = None  # kind of a reply that is not JSON and cannot be read
    text_reply: bool = False  # a reply that is not JSON is text
    open_stream: Callable[[bool], StreamReader] | None = None
    counts: Callable[[Counts], Usage | None]
    output_limit: str | None = None  # name of the member that bounds an answer
    default_model: str | None = None  # what the provider takes where none is named
    clean: Callable[[bytes], bytes] | None = None  # leaves out of a call what only a translation of ours put into it
    takes_json: bool = True
    takes_form: bool = False


class ShapedDialect:
    """A wire format whose routes are given by their shapes. Immutable, shared by all calls."""

    def __init__(self, name: Literal["openai", "anthropic"], shapes: Mapping[Route, Shape]) -> None:
        self.name: Literal["openai", "anthropic"] = name
        self._shapes = shapes

    def read_call(self, route: Route, body: bytes, content_type: bytes, *, model: str | None = None) -> Call:
        """Read what routing needs; `model` is the one that the path names, if it does. Raises Fault."""
        shape = self._shapes[route]
        if shape.takes_json and (content_type == b"application/json" or _JSON.fullmatch(content_type)):
            tree = read_large(body) if len(body) > LARGE else json_body.read_json(body)
        elif shape.takes_form and _FORM.match(content_type):
            tree = form_body.read_form(body, content_type)
        else:
            raise _wrong_type(shape)
        if model is not None and type(tree.get("model", "")) is not str:
            raise Fault(Code.INVALID_REQUEST, "`model` must be a string.", param="model")
        asked = read_model(tree if model is None else {"model": model}, shape.default_model)
        call = Call(route=route, body=body, content_type=content_type, tree=tree, model=asked)
        shape.describe(call)
        return call

    def texts(self, call: Call) -> tuple[list[Text], list[Unreadable]]:
        found = Inventory()
        self._shapes[call.route].collect_call(call.tree, found)
        return found.texts, found.unreadable

    def write_call(
        self, call: Call, *, model: str, changes: Changes, ask_usage: bool, max_output_tokens: int | None = None
    ) -> bytes:
        """The body to send. `max_output_tokens` is written only where the call sets no limit of its own."""
        shape = self._shapes[call.route]
        changed: dict[Path, str] = dict(changes)
        if call.tree.get("model") is not None and call.tree["model"] != model:
            changed["model",] = model
        if shape.takes_form and _FORM.match(call.content_type):
            added = {} if call.tree.get("model") is not None or model == shape.default_model else {"model": model}
            return form_body.rewrite(call.body, call.content_type, changed, added)
        splice = splice_large if changed and len(call.body) > LARGE else json_body.splice
        body = splice(call.body, call.tree, changed)
        if ask_usage:
            body = json_body.set_flag(body, call.tree, *ASK_USAGE)
        if max_output_tokens is not None and call.max_output_tokens is None and shape.output_limit is not None:
            body = json_body.set_member(body, call.tree, shape.output_limit, max_output_tokens)
        if call.tree.get("model") is None and model != shape.default_model:
            body = json_body.set_member(body, call.tree, "model", model)
        return body if shape.clean is None else shape.clean(body)

    def read_reply(self, route: Route, body: bytes, content_type: bytes, *, with_texts: bool) -> Reply:
        shape = self._shapes[route]
        if shape.text_reply and b"json" not in content_type.lower():
            return _plain_text(route, body, with_texts=with_texts)
        if shape.binary_reply is not None:
            return Reply(
                route=route,
                body=body,
                tree=None,
                unreadable=(Unreadable((), shape.binary_reply),) if with_texts else (),
            )
        if not with_texts or shape.collect_reply is None:
            found = find_counts(body)
            return Reply(route=route, body=body, tree=None, usage=shape.counts(found) if found else None)
        tree = _decode_reply(body)
        inventory = Inventory()
        shape.collect_reply(tree, inventory)
        counts = read_counts(tree.get("usage"), tree.get("service_tier"))
        return Reply(
            route=route,
            body=body,
            tree=tree,
            texts=tuple(inventory.texts),
            unreadable=tuple(inventory.unreadable),
            usage=shape.counts(counts) if counts else None,
        )

    def write_reply(self, reply: Reply, changes: Changes) -> bytes:
        if not changes:
            return reply.body
        if reply.tree is None:
            return changes[()].encode()
        write = self._shapes[reply.route].write_reply
        return write(reply, changes) if write else json_body.splice(reply.body, reply.tree, changes)

    def open_stream(self, route: Route, *, strip_usage: bool) -> StreamReader:
        """Raises Fault(UPSTREAM_ERROR) for a route that has no streams."""
        open_stream = self._shapes[route].open_stream
        if open_stream is None:
            raise Fault(Code.UPSTREAM_ERROR, f"The provider answered {route} with a stream, which it does not have.")
        return open_stream(strip_usage)


def _wrong_type(shape: Shape) -> Fault:
    wanted = ["application/json"] * shape.takes_json + ["multipart/form-data"] * shape.takes_form
    return Fault(Code.UNSUPPORTED_CONTENT_TYPE, f"Send the body as {' or '.join(wanted)}, in UTF-8.")


def _decode_reply(body: bytes) -> dict[str, Any]:
    try:
        tree = json_body.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = None
    if type(tree) is not dict:
        raise Fault(Code.UPSTREAM_ERROR, "The provider's answer is not a JSON object, so no policy can read it.")
    return tree


def _plain_text(route: Route, body: bytes, *, with_texts: bool) -> Reply:
    if not with_texts:
        return Reply(route=route, body=body, tree=None)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Fault(Code.UPSTREAM_ERROR, "The provider's answer is not UTF-8, so no policy can read it.") from None
    return Reply(route=route, body=body, tree=None, texts=(Text((), text, Role.ASSISTANT),) if text else ())
