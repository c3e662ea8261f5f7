"""Whether calls are traced: only where OpenTelemetry's variables name a collector. Imports its SDK only then."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keeptrusts.gateway.tracing.export import SpanOutlet

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
MAX_QUEUE = 2048

log = logging.getLogger(__name__)


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether the variables name a collector, and none of them switches traces off."""
    is_off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return not is_off and any(environment.get(name) for name in ENDPOINTS)


@asynccontextmanager
async def open_tracing(environment: Mapping[str, str], instance_id: str) -> "AsyncIterator[SpanOutlet | None]":
    """An outlet for spans for the life of the block, or None: the gateway serves all the same."""
    if not is_asked_for(environment):
        yield None
        return
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning("traces go out as OTLP over HTTP", extra={"facts": {"asked": protocol, "used": SPOKEN}})
    try:
        from keeptrusts.gateway.tracing.export import open_outlet  # noqa: PLC0415 - half a second, for who asks for it
    except ImportError:
        log.warning(
            "no traces: a collector is configured, and OpenTelemetry is not installed. "
            "Install the extra: pip install 'keeptrusts[otel]'"
        )
        yield None
        return
    async with open_outlet(instance_id, _max_queue(environment)) as outlet:
        log.info("calls are traced")
        yield outlet


def _max_queue(environment: Mapping[str, str]) -> int:
    text = environment.get("OTEL_BSP_MAX_QUEUE_SIZE", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else MAX_QUEUE
