"""What the gateway answers itself: how it is, which models it offers, what it runs. Knows no provider."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.callers import AnonymousCallers, Callers
from keeptrusts.gateway.health import Health, State
from keeptrusts.gateway.http.exchange import Exchange, Head
from keeptrusts.gateway.routes import MODEL_PAGES, Page
from keeptrusts.gateway.routing import list_models
from keeptrusts.gateway.settings import is_loopback
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.sources.file import FileSource

JSON = b"content-type: application/json\r\n"


class Pages:
    """The gateway's own pages. Details are for callers on this machine, or with the gateway's token."""

    def __init__(self, active: ActiveConfig, callers: Callers, health: Health, source: FileSource) -> None:
        self._active = active
        self._callers = callers
        self._health = health
        self._source = source
        self._pages: dict[Page, Callable[[Head], tuple[int, Any]]] = {
            Page.HEALTH: self._health_page,
            Page.ALIVE: lambda _: (200, {"status": "alive"}),
            Page.READY: self._ready_page,
            Page.MODELS: self._models_page,
            Page.ME: self._me_page,
            Page.CONFIG: self._config_page,
            Page.PROVIDER_METRICS: self._provider_metrics_page,
        }

    async def serve(self, exchange: Exchange, page: Page) -> None:
        """Answer one page. Raises Fault."""
        if page is Page.RELOAD:
            status, content = await self._reload()
        else:
            status, content = self._pages[page](exchange.head)
        exchange.respond(status, JSON, msgspec.json.encode(content))

    def serve_model(self, exchange: Exchange) -> None:
        """`GET /v1/models/{id}`. Raises Fault."""
        self._callers.identify(exchange.head)
        path = exchange.head.path
        name = unquote(next(path.removeprefix(prefix) for prefix in MODEL_PAGES if path.startswith(prefix)))
        snapshot = self._active.current()
        if name not in list_models(snapshot.targets):
            raise Fault(Code.MODEL_NOT_FOUND, "This model is not offered here: GET /v1/models lists those that are.")
        exchange.respond(200, JSON, msgspec.json.encode(_model(name, snapshot)))

    def check_admin(self, head: Head) -> None:
        """Raises Fault unless the caller holds the gateway's token or, where there is none, is on this machine."""
        self._callers.identify(head)
        if isinstance(self._callers, AnonymousCallers) and not is_loopback(head.peer):
            raise Fault(Code.FORBIDDEN, "Without a token, admin calls are answered on this machine only.")

    def _health_page(self, head: Head) -> tuple[int, Any]:
        content = self._health.full() if self._is_trusted(head) else self._health.brief()
        return 503 if content["status"] is State.UNHEALTHY else 200, content

    def _ready_page(self, _: Head) -> tuple[int, Any]:
        is_ready = self._health.is_ready()
        return 200 if is_ready else 503, {"status": "ready" if is_ready else "not ready"}

    def _models_page(self, head: Head) -> tuple[int, Any]:
        self._callers.identify(head)
        snapshot = self._active.current()
        models = [_model(name, snapshot) for name in list_models(snapshot.targets)]
        ends = (
            {"first_id": models[0]["id"], "last_id": models[-1]["id"]}
            if models
            else {"first_id": None, "last_id": None}
        )
        return 200, {"object": "list", "data": models, "has_more": False, **ends}

    def _me_page(self, head: Head) -> tuple[int, Any]:
        caller = self._callers.identify(head)
        snapshot = self._active.current()
        return 200, {
            "key_id": caller.key_id,
            "team": None,
            "config": {"name": snapshot.pack.pack.name, "pack_version": snapshot.pack.pack.version},
            "policies": list(snapshot.pack.policies.chain),
            "models": list_models(snapshot.targets),
            "limits": {
                "max_body_bytes": snapshot.pack.size_limits.max_body_bytes,
                "max_in_flight": snapshot.pack.limits.max_in_flight,
            },
        }

    def _config_page(self, head: Head) -> tuple[int, Any]:
        self.check_admin(head)
        snapshot = self._active.current()
        rejection = self._active.rejection
        return 200, {
            "config": self._health.full()["config"],
            "chain": list(snapshot.pack.policies.chain),
            "targets": [
                {
                    "id": t.id,
                    "provider": t.provider,
                    "model": t.model,
                    "aliases": sorted(t.names - {t.model}),
                    "has_credential": t.has_credential,
                }
                for t in snapshot.targets
            ],
            "rejection": msgspec.to_builtins(rejection.problems) if rejection else None,
        }

    def _provider_metrics_page(self, head: Head) -> tuple[int, Any]:
        self.check_admin(head)
        return 200, {
            "providers": {
                target.id: {
                    "requests": target.counters.requests,
                    "failures": target.counters.failures,
                    "open": target.counters.open,
                    "last_status": target.counters.last_status,
                    "upstream_ms_total": round(target.counters.upstream_ms, 3),
                }
                for target in self._active.current().targets
            }
        }

    async def _reload(self) -> tuple[int, Any]:
        problems = await self._source.reload()
        if problems is not None:
            return 422, {"applied": False, "problems": msgspec.to_builtins(problems.problems)}
        snapshot = self._active.current()
        return 200, {"applied": True, "config": snapshot.label, "digest": snapshot.digest}

    def _is_trusted(self, head: Head) -> bool:
        """Whether this caller may see details: on this machine, or with the gateway's token."""
        if is_loopback(head.peer):
            return True
        if isinstance(self._callers, AnonymousCallers):
            return False
        try:
            self._callers.identify(head)
        except Fault:
            return False
        return True


def _model(name: str, snapshot: Snapshot) -> dict[str, Any]:
    """One model in a shape that both SDKs read."""
    target = next(target for target in snapshot.targets if target.answers(name))
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "created": int(snapshot.applied_at.timestamp()),
        "created_at": snapshot.applied_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "display_name": name,
        "owned_by": target.provider,
    }
