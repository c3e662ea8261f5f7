"""What real providers sent and were sent, as exchanges: read from the folder of recorded traffic."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from keeptrusts.contract.call import Route

_ROUTES = {f"/{route.value}": route for route in Route}
_PROMPT = b'{"role": "user", "content": "Hello!"}'


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded call. `request` is what was sent, or a small call where only the answer was recorded."""

    name: str
    route: Route
    request: bytes
    reply: bytes
    content_type: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_stream(self) -> bool:
        return "event-stream" in self.content_type

    @property
    def path(self) -> str:
        return f"/v1/{self.route.value}"


def list_exchanges(folder: Path) -> list[Exchange]:
    """Every exchange of a model route whose request is JSON, in the order of their names."""
    found = [*_whole_exchanges(folder / "openai-http"), *_answers(folder)]
    return [exchange for exchange in found if exchange.request.startswith(b"{")]


def _whole_exchanges(folder: Path) -> Iterator[Exchange]:
    for path in sorted(folder.glob("*.yaml")):
        for turn in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["interactions"]:
            request, response = turn["request"], turn["response"]
            url = request["url"].partition("?")[0]
            route = next((found for end, found in _ROUTES.items() if url.endswith(end)), None)
            if route is not None:
                headers = {name: values[0] for name, values in response["headers"].items()}
                yield Exchange(
                    path.stem,
                    route,
                    request["body"].encode(),
                    response["body"].encode(),
                    headers.pop("Content-Type", "application/json"),
                    response["code"],
                    tuple((name, value) for name, value in headers.items() if name not in _FRAMING),
                )


_FRAMING = {"Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "Date"}


def _answers(folder: Path) -> Iterator[Exchange]:
    for path in sorted([*folder.glob("*/*.json"), *folder.glob("*/*stream*.txt")]):
        if path.stem != "models":
            is_stream = path.suffix == ".txt"
            route = _route_of(path.stem)
            kind = "text/event-stream" if is_stream else "application/json"
            request = _request_for(route, is_stream=is_stream)
            yield Exchange(f"{path.parent.name}-{path.stem}", route, request, path.read_bytes(), kind, 200)


def _route_of(stem: str) -> Route:
    if stem.startswith("messages"):
        return Route.MESSAGES
    return Route.RESPONSES if stem.startswith("responses") else Route.CHAT


def _request_for(route: Route, *, is_stream: bool) -> bytes:
    stream = b', "stream": true' if is_stream else b""
    if route is Route.RESPONSES:
        return b'{"model": "gpt-4o-mini", "input": "Hello!"' + stream + b"}"
    limit = b', "max_tokens": 64' if route is Route.MESSAGES else b""
    usage = b', "stream_options": {"include_usage": true}' if is_stream and route is Route.CHAT else b""
    return b'{"model": "claude-haiku-4-5", "messages": [' + _PROMPT + b"]" + limit + stream + usage + b"}"
