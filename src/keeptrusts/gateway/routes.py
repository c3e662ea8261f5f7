"""The route table of the gateway, in one list: which path is which model route, and what else is served or refused."""

from enum import StrEnum
from urllib.parse import unquote

from keeptrusts.contract.call import Route


class Page(StrEnum):
    """A path that is answered by the gateway itself."""

    MODELS = "/v1/models"
    HEALTH = "/health"
    ALIVE = "/healthz"
    READY = "/readyz"
    METRICS = "/metrics"
    ME = "/keeptrusts/me"
    CONFIG = "/keeptrusts/config"
    RELOAD = "/keeptrusts/config/reload"
    PROVIDER_METRICS = "/keeptrusts/providers/metrics"


MODEL_ROUTES: dict[str, Route] = {
    prefix + route.value: route for prefix in ("/v1/", "/", "/openai/v1/", "/openai/") for route in Route
}

DEPLOYMENTS = "/openai/deployments/"
"""Azure's older paths, which name the model: `/openai/deployments/{model}/chat/completions`."""

PAGES: dict[tuple[str, str], Page] = {
    **{("GET", page.value): page for page in Page if page is not Page.RELOAD},
    ("GET", "/models"): Page.MODELS,
    ("GET", "/openai/v1/models"): Page.MODELS,
    ("GET", "/openai/models"): Page.MODELS,
    ("POST", Page.RELOAD.value): Page.RELOAD,
}

MODEL_PAGES = ("/v1/models/", "/models/", "/openai/v1/models/", "/openai/models/")
"""Prefixes of `GET .../models/{id}`."""

ADMIN_PAGES = frozenset({Page.CONFIG, Page.RELOAD, Page.PROVIDER_METRICS})
"""What the gateway's own token is needed for."""

MOVED_PAGES = ADMIN_PAGES | {Page.METRICS}
"""What an admin address takes away from the address of the calls."""

NOT_OFFERED = (
    "files",
    "uploads",
    "batches",
    "realtime",
    "assistants",
    "threads",
    "vector_stores",
    "fine_tuning",
    "conversations",
)
"""First path segments that providers offer and the gateway does not."""


def find_deployment(path: str) -> tuple[Route, str] | None:
    """The model route and the model that one of Azure's older paths names."""
    if not path.startswith(DEPLOYMENTS):
        return None
    model, _, rest = path.removeprefix(DEPLOYMENTS).partition("/")
    route = MODEL_ROUTES.get(f"/{rest}")
    return None if route is None else (route, unquote(model))


def is_not_offered(path: str) -> bool:
    """Whether the path is a provider's route that we know and do not serve."""
    if path.rstrip("/") in MODEL_ROUTES:
        return False
    first, rest = _first_segment(path)
    return first in NOT_OFFERED or (first in {"responses", "messages", "chat", "completions"} and bool(rest))


def expects_anthropic(path: str) -> bool:
    """Whether a client that asks for this path reads Anthropic's errors, be the path served or not."""
    return _first_segment(path)[0] == "messages"


def _first_segment(path: str) -> tuple[str, str]:
    """The first segment behind the prefixes that model routes may have, and what follows it."""
    first, _, rest = path.removeprefix("/openai").removeprefix("/v1").removeprefix("/").partition("/")
    return first, rest
