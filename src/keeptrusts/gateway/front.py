"""The handler behind a listening address: sends each request to the pipeline or to a page, and renders faults."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.faults import render_refusal
from keeptrusts.gateway.http.exchange import BodyRule, Exchange, Head
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.gateway.pages import Pages
from keeptrusts.gateway.pipeline import Admission, Pipeline, TurnedAway
from keeptrusts.gateway.routes import (
    ADMIN_PAGES,
    MODEL_PAGES,
    MODEL_ROUTES,
    MOVED_PAGES,
    PAGES,
    Page,
    expects_anthropic,
    find_deployment,
    is_not_offered,
)
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.log_rate import LogRate

log = logging.getLogger(__name__)

MAX_PAGE_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class PageVisit(BodyRule):
    """A request for one of the gateway's own pages; `page` is None for `GET /v1/models/{id}`."""

    page: Page | None


class Front:
    """One listening address. It serves traffic and admin calls, unless the latter have an address of their own."""

    def __init__(
        self,
        pipeline: Pipeline,
        pages: Pages,
        meter: Meter,
        clock: Clock,
        *,
        serves_traffic: bool,
        serves_admin: bool,
    ) -> None:
        self._pipeline = pipeline
        self._pages = pages
        self._meter = meter
        self._clock = clock
        self._routes = MODEL_ROUTES if serves_traffic else {}
        self._serves_admin = serves_admin
        self._log_rate = LogRate(clock)

    def admit(self, head: Head) -> BodyRule | Refusal:
        """Decide from the head alone who gets to send a body."""
        try:
            route = self._routes.get(head.path)
            if route is not None:
                return self._pipeline.admit(route, head)
            deployment = find_deployment(head.path) if self._routes else None
            if deployment is not None:
                return self._pipeline.admit(deployment[0], head, model=deployment[1])
            return self._find_page(head)
        except TurnedAway as away:
            return self._refuse(head, away.fault, away.request_id)
        except Fault as fault:
            return self._refuse(head, fault)

    def handle(self, exchange: Exchange) -> Awaitable[None]:
        """Serve one request whose body is there."""
        rule = exchange.rule
        if isinstance(rule, Admission):
            return self._pipeline.serve(exchange, rule)
        assert isinstance(rule, PageVisit)
        return self._show(exchange, rule)

    async def _show(self, exchange: Exchange, rule: PageVisit) -> None:
        try:
            if rule.page is None:
                self._pages.serve_model(exchange)
            else:
                await self._pages.serve(exchange, rule.page, may_tell_all=self._serves_admin)
        except Fault as fault:
            refusal = self._refuse(exchange.head, fault)
            exchange.respond(refusal.status, refusal.headers, refusal.body)

    def _find_page(self, head: Head) -> PageVisit:
        method = "GET" if head.method == "HEAD" else head.method
        page = PAGES.get((method, head.path))
        if page is not None and self._serves(page):
            if page in ADMIN_PAGES:
                self._pages.check_admin(head)
            return PageVisit(MAX_PAGE_BODY, page)
        if method == "GET" and head.path.startswith(MODEL_PAGES) and self._routes:
            return PageVisit(MAX_PAGE_BODY, None)
        raise self._unknown(head)

    def _serves(self, page: Page) -> bool:
        return self._serves_admin or page not in MOVED_PAGES

    def _unknown(self, head: Head) -> Fault:
        if self._methods_of(head.path):
            return Fault(Code.METHOD_NOT_ALLOWED, "This path does not take this method.")
        if is_not_offered(head.path):
            return Fault(Code.ROUTE_NOT_OFFERED, "The gateway knows this route of the provider and does not offer it.")
        return Fault(Code.ROUTE_NOT_FOUND, "No such route. Model routes begin with /v1/, such as /v1/chat/completions.")

    def _methods_of(self, path: str) -> str:
        """The methods that a path of this address takes, as `Allow` lists them; empty where there is no such path."""
        if path in self._routes:
            return "POST"
        taken = {method for (method, known), page in PAGES.items() if known == path and self._serves(page)}
        if self._routes and path.startswith(MODEL_PAGES):
            taken.add("GET")
        return ", ".join(sorted(taken | {"HEAD"} if "GET" in taken else taken))

    def _refuse(self, head: Head, fault: Fault, request_id: str | None = None) -> Refusal:
        request_id = request_id or f"req_{new_hex(self._clock.unix_ns())}"
        is_anthropic = bool(self._routes) and expects_anthropic(head.path)
        refusal = render_refusal(fault, request_id, anthropic=is_anthropic)
        if fault.code is Code.METHOD_NOT_ALLOWED:
            allow = b"allow: %b\r\n" % self._methods_of(head.path).encode()
            refusal = replace(refusal, headers=refusal.headers + allow)
        self._meter.refuse(fault.code)
        self._log(fault, request_id, head.peer)
        return refusal

    def _log(self, fault: Fault, request_id: str, peer: str) -> None:
        """Anybody can cause refusals, so their lines are bounded; the next one says how many were left out."""
        suppressed = self._log_rate.admit()
        if suppressed is None:
            return
        facts = {"code": fault.code, "request_id": request_id, "peer": peer}
        log.info("refused", extra={"facts": facts | ({"suppressed": suppressed} if suppressed else {})})
