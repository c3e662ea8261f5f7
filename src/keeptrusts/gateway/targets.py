"""Targets, ready to be called: where to connect and the bytes that every request to one begins with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from urllib.parse import quote, urlsplit

from msgspec import UNSET

from keeptrusts.config.endpoint import Endpoint, Format, resolve_endpoint
from keeptrusts.config.targets import Price, ProviderTarget
from keeptrusts.contract.call import Route
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.breaker import Breaker
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.policies.verdict import TargetPolicy
from keeptrusts.providers.prices import find_price
from keeptrusts.providers.pricing import Price as ModelPrice
from keeptrusts.runtime.http.messages import Origin, Timeouts, parse_origin

_VERSIONED_ROUTES = frozenset({Route.RESPONSES})
"""Routes that Azure serves below `/openai/v1/` only: they are younger than its deployment paths."""

_API_VERSION = re.compile(rb"(?:^|&)api-version=[^&]*")


@dataclass(slots=True)
class TargetCounters:
    """What happened at one target since start. Owned by the event loop.

    `failures` counts requests that brought an error, whoever caused it, or no whole answer; `fallbacks` counts calls
    that left it for another one. `rests_until`: it asked to be left alone until then (`retry-after`), on the monotonic
    clock.
    """

    requests: int = 0
    failures: int = 0
    fallbacks: int = 0
    open: int = 0
    upstream_ms: float = 0.0
    last_status: int | None = None
    is_reachable: bool = True
    rests_until: float = 0.0
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One provider endpoint.

    `head` are the header lines of every request to it, the credential included; `declared` are the names of those
    headers, in lower case: a client's do not come beside them. `openings` are whole beginnings of requests, by their
    route, for calls without a query to targets that do not name the model in the path.
    `names_model_in_path` and `query`: Azure's deployment paths, and their `api-version`.
    `event_members` is what its calls' events say of it, as JSON, `answer_line` the header that names it to clients.
    `price` is what its own model costs; `authored_price` what the pack says of it, whatever the model.
    `has_credential` is False where its secret is missing: such a target is passed over. `objection` says why the pack
    lets no call go to it, None where it may.
    """

    id: str
    provider: str
    format: Format
    model: str
    max_output_tokens: int | None
    authored_price: Price | None
    price: ModelPrice | None
    weight: int
    names: frozenset[str]
    globs: tuple[re.Pattern[str], ...]
    origin: Origin
    path: bytes
    query: bytes
    names_model_in_path: bool
    head: bytes = field(repr=False)
    openings: Mapping[Route, bytes] = field(repr=False)
    declared: frozenset[bytes]
    timeouts: Timeouts
    has_credential: bool
    objection: str | None
    event_members: str
    answer_line: bytes
    counters: TargetCounters = field(compare=False)

    def answers(self, model: str) -> bool:
        """Whether clients may ask for this model here."""
        return model in self.names or self.model == "*" or any(glob.match(model) for glob in self.globs)

    def place_of(self, route: Route, model: str) -> tuple[bytes, bytes]:
        """Path and query of a call; at Azure's deployment paths the model is one segment of the path."""
        if not self.names_model_in_path:
            return self.path + route.encode(), b""
        if route in _VERSIONED_ROUTES:
            return b"%bv1/%b" % (self.path, route.encode()), b""
        return b"%bdeployments/%b/%b" % (self.path, quote(model, safe="").encode(), route.encode()), self.query

    def opening(self, route: Route, model: str, query: bytes) -> bytes:
        """Request line and header lines of a call, up to where its own begin."""
        if not query and not self.names_model_in_path:
            return self.openings[route]
        path, own_query = self.place_of(route, model)
        return b"POST %b%b HTTP/1.1\r\n%b" % (path, _join_queries(query, own_query), self.head)

    def upstream_model(self, asked: str) -> str:
        return asked if self.model == "*" else self.model

    def price_of(self, asked: str) -> ModelPrice | None:
        """What a call costs here that asks for this model; None where nobody says."""
        if self.model != "*":
            return self.price
        return find_price(self.provider, asked, self.format, self.authored_price)


def make_target(
    spec: ProviderTarget,
    secrets: Secrets,
    counters: Mapping[str, TargetCounters],
    policies: Sequence[TargetPolicy] = (),
) -> Target:
    """Resolve the credential and prepare the request head. Counters of a target that stays are kept."""
    endpoint = resolve_endpoint(spec)
    origin = parse_origin(endpoint.url)
    needs_secret = spec.secret_key_ref is not UNSET
    secret = None if spec.secret_key_ref is UNSET else secrets.find(spec.secret_key_ref)
    authored = None if spec.price is UNSET else spec.price
    path, head = urlsplit(endpoint.url).path.encode("ascii") + b"/", _head(spec, endpoint, origin, secret)
    return Target(
        id=spec.id,
        provider=spec.provider,
        format=endpoint.format,
        model=spec.model,
        max_output_tokens=None if spec.max_output_tokens is UNSET else spec.max_output_tokens,
        authored_price=authored,
        price=find_price(spec.provider, spec.model, endpoint.format, authored),
        weight=spec.weight,
        names=frozenset({spec.model, *spec.aliases} - {"*"}),
        globs=tuple(re.compile(translate(alias)) for alias in spec.aliases if "*" in alias),
        origin=origin,
        path=path,
        query=b"" if endpoint.api_version is None else b"api-version=" + endpoint.api_version.encode("ascii"),
        names_model_in_path=endpoint.api_version is not None,
        head=head,
        openings={route: b"POST %b%b HTTP/1.1\r\n%b" % (path, route.encode(), head) for route in Route},
        declared=frozenset(name.lower().encode("ascii") for name in (endpoint.api_key_header, *spec.headers)),
        timeouts=Timeouts(
            connect_s=spec.timeouts.connect_s,
            first_byte_s=spec.timeouts.first_byte_s,
            idle_s=spec.timeouts.idle_s,
            total_s=spec.timeouts.total_s,
        ),
        has_credential=secret is not None or not needs_secret,
        objection=next(filter(None, (policy.objection(spec.data_policy) for policy in policies)), None),
        event_members=f'"provider":"{spec.provider}","target_id":"{spec.id}"',
        answer_line=b"x-keeptrusts-target: %b\r\n" % spec.id.encode(),
        counters=counters.get(spec.id) or TargetCounters(),
    )


def _head(spec: ProviderTarget, endpoint: Endpoint, origin: Origin, secret: Secret | None) -> bytes:
    lines = [f"host: {origin.authority}"]
    if secret is not None:
        lines.append(f"{endpoint.api_key_header.lower()}: {endpoint.api_key_prefix}{secret.reveal()}")
    lines += [f"{name.lower()}: {value}" for name, value in spec.headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _join_queries(query: bytes, own: bytes) -> bytes:
    """The client's query and the target's `api-version`: the client's own wins, and goes nowhere but to Azure."""
    if not query and not own:
        return b""
    if not _API_VERSION.search(query):
        return b"?" + b"&".join(part for part in (query, own) if part)
    kept = query if own else _API_VERSION.sub(b"", query).lstrip(b"&")
    return b"?" + kept if kept else b""
