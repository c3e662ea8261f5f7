"""What the gateway answers itself: how it is, which models it offers, what it runs. Knows no provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.callers import AnonymousCallers, Caller, Callers
from keeptrusts.gateway.health import State, WorkerHealth, brief
from keeptrusts.gateway.http.exchange import Exchange, Head
from keeptrusts.gateway.identity import name_caller
from keeptrusts.gateway.instance import Instance
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.metrics.exposition import CONTENT_TYPE
from keeptrusts.gateway.metrics.page import render_page
from keeptrusts.gateway.permits import permitted_models
from keeptrusts.gateway.routes import MODEL_PAGES, Page
from keeptrusts.gateway.routing import is_offered, list_models
from keeptrusts.gateway.settings import is_loopback
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.book import Budget, SpendBook
from keeptrusts.gateway.spend.refusals import when
from keeptrusts.gateway.watchers import Watchers
from keeptrusts.runtime.http.compression import encode_body

JSON = b"content-type: application/json\r\n"


class Pages:
    """The gateway's own pages. Details are for callers that may watch the gateway.

    What probes ask of one worker, and what clients ask, is answered here; the rest is asked of the instance.
    """

    def __init__(
        self,
        active: ActiveConfig,
        callers: Callers,
        worker: WorkerHealth,
        instance: Instance,
        watchers: Watchers,
        *,
        book: SpendBook,
        limiter: Limiter,
    ) -> None:
        self._active = active
        self._callers = callers
        self._worker = worker
        self._instance = instance
        self._watchers = watchers
        self._book = book
        self._limiter = limiter
        self._local: dict[Page, Callable[[Head], tuple[int, Any]]] = {
            Page.ALIVE: lambda _: (200, {"status": "alive"}),
            Page.READY: self._ready_page,
            Page.MODELS: self._models_page,
        }
        self._shared: dict[Page, Callable[[Head], Awaitable[tuple[int, Any]]]] = {
            Page.ME: self._me_page,
            Page.CONFIG: self._config_page,
            Page.RELOAD: self._reload_page,
            Page.PROVIDER_METRICS: self._provider_metrics_page,
        }

    async def serve(self, exchange: Exchange, page: Page, *, may_tell_all: bool) -> None:
        """Answer one page. `may_tell_all`: this address gives details to whom they may be given. Raises Fault."""
        if page is Page.METRICS:
            await self._serve_metrics(exchange)
            return
        if page is Page.HEALTH:
            status, content = await self._health_page(is_full=may_tell_all and self._watchers.admit(exchange.head))
        elif page in self._local:
            status, content = self._local[page](exchange.head)
        else:
            status, content = await self._shared[page](exchange.head)
        exchange.respond(status, JSON, msgspec.json.encode(content))

    def serve_model(self, exchange: Exchange) -> None:
        """`GET /v1/models/{id}`. Raises Fault."""
        caller = self._identify(exchange.head)
        path = exchange.head.path
        name = unquote(next(path.removeprefix(prefix) for prefix in MODEL_PAGES if path.startswith(prefix)))
        snapshot = self._active.current()
        permits = permitted_models(snapshot.call_policies, caller.identity)
        if not is_offered(name, snapshot.targets, permits):
            raise Fault(Code.MODEL_NOT_FOUND, "This model is not offered here: GET /v1/models lists those that are.")
        exchange.respond(200, JSON, msgspec.json.encode(_model(name, snapshot)))

    def check_admin(self, head: Head) -> None:
        """Raises Fault unless the caller holds the gateway's token or, where there is none, is on this machine."""
        self._callers.identify(head)
        if isinstance(self._callers, AnonymousCallers) and not is_loopback(head.peer):
            raise Fault(Code.FORBIDDEN, "Without a token, admin calls are answered on this machine only.")

    async def _serve_metrics(self, exchange: Exchange) -> None:
        head = exchange.head
        report, snapshots = await self._instance.report(), await self._instance.metrics()
        parts = []
        for part in render_page(report, snapshots, with_names=self._watchers.admit(head)):
            parts.append(part)
            await asyncio.sleep(0)  # a page of hundreds of targets must not hold up calls
        body = b"".join(parts)
        lines = b"content-type: %b\r\n" % CONTENT_TYPE
        encoded = encode_body(head.headers.get(b"accept-encoding", b""), body)
        if encoded is not None:
            encoding, body = encoded
            lines += b"content-encoding: %b\r\nvary: accept-encoding\r\n" % encoding
        exchange.respond(200, lines, body)

    async def _health_page(self, *, is_full: bool) -> tuple[int, Any]:
        health = (await self._instance.report()).health
        content = {**health, "worker": self._worker.index} if is_full else brief(health)
        return 503 if content["status"] == State.UNHEALTHY else 200, content

    def _ready_page(self, _: Head) -> tuple[int, Any]:
        is_ready = self._worker.is_ready()
        return 200 if is_ready else 503, {"status": "ready" if is_ready else "not ready"}

    def _models_page(self, head: Head) -> tuple[int, Any]:
        caller = self._identify(head)
        snapshot = self._active.current()
        models = [_model(name, snapshot) for name in _list_models(snapshot, caller)]
        ends = (
            {"first_id": models[0]["id"], "last_id": models[-1]["id"]}
            if models
            else {"first_id": None, "last_id": None}
        )
        return 200, {"object": "list", "data": models, "has_more": False, **ends}

    async def _me_page(self, head: Head) -> tuple[int, Any]:
        caller = self._identify(head)
        snapshot = self._active.current()
        budget = None if snapshot.spend is None else await self._book.budget(snapshot.spend, caller.key_id)
        return 200, {
            "key_id": caller.key_id,
            "user": caller.identity.user,
            "role": caller.identity.role,
            "team": None,
            "config": {"name": snapshot.pack.pack.name, "pack_version": snapshot.pack.pack.version},
            "policies": list(snapshot.pack.policies.chain),
            "models": _list_models(snapshot, caller),
            "limits": {
                "max_body_bytes": snapshot.pack.size_limits.max_body_bytes,
                **self._limiter.describe(snapshot.limits, caller),
            },
            "budget": None if budget is None else _budget(budget),
        }

    async def _config_page(self, head: Head) -> tuple[int, Any]:
        self.check_admin(head)
        report = await self._instance.report()
        snapshot = self._active.current()
        return 200, {
            "config": report.health["config"],
            "chain": list(snapshot.pack.policies.chain),
            "targets": [
                {
                    "id": t.id,
                    "provider": t.provider,
                    "model": t.model,
                    "aliases": sorted(t.names - {t.model}),
                    "has_credential": t.has_credential,
                    "objection": t.objection,
                }
                for t in snapshot.targets
            ],
            "rejection": report.rejection,
        }

    async def _provider_metrics_page(self, head: Head) -> tuple[int, Any]:
        self.check_admin(head)
        report = await self._instance.report()
        return 200, {
            "providers": {
                name: {
                    "requests": target.requests,
                    "failures": target.failures,
                    "open": target.open,
                    "last_status": target.last_status,
                    "upstream_ms_total": round(target.upstream_ms, 3),
                }
                for name, target in report.targets.items()
            }
        }

    async def _reload_page(self, _: Head) -> tuple[int, Any]:
        reloaded = await self._instance.reload()
        if reloaded.problems is not None:
            return 422, {"applied": False, "problems": reloaded.problems}
        return 200, {"applied": True, "config": reloaded.label, "digest": reloaded.digest}

    def _identify(self, head: Head) -> Caller:
        return name_caller(self._callers.identify(head), head.headers, self._active.current().identity_headers)


def _list_models(snapshot: Snapshot, caller: Caller) -> list[str]:
    return list_models(snapshot.targets, permitted_models(snapshot.call_policies, caller.identity))


def _budget(budget: Budget) -> dict[str, Any]:
    """Micro-dollars: what may be spent in a day, what is spent, what calls under way hold, and what is left."""
    return {
        "bucket": budget.bucket,
        "day": budget.day,
        "cap_micros": budget.cap_micros,
        "spent_micros": budget.spent_micros,
        "held_micros": budget.held_micros,
        "left_micros": budget.left_micros,
        "resets_at": when(budget.resets_ns),
    }


def _model(name: str, snapshot: Snapshot) -> dict[str, Any]:
    """One model in a shape that both SDKs read."""
    target = next(target for target in snapshot.targets if target.objection is None and target.answers(name))
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "created": int(snapshot.applied_at.timestamp()),
        "created_at": snapshot.applied_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "display_name": name,
        "owned_by": target.provider,
    }
