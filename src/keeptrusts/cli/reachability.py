"""Whether providers can be reached: a connection, its TLS, and one request without any credential."""

import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from keeptrusts.config.endpoint import resolve_endpoint
from keeptrusts.config.targets import ProviderTarget

TIMEOUT_S = 3.0
MOST_PROBES = 20
_PORTS = {"http": 80, "https": 443}
_HEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A place to reach. `proxy` is reached in its stead, where one is set; `date` is what its clock says."""

    scheme: str
    host: str
    port: int
    proxy: tuple[str, int] | None = None
    ca_file: str | None = None
    error: str | None = None
    date: datetime | None = None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def via(self) -> str:
        return f" (its proxy {self.proxy[0]}:{self.proxy[1]})" if self.proxy else ""


def list_probes(targets: Iterable[ProviderTarget], environment: Mapping[str, str]) -> list[Probe]:
    """One probe for each place that the targets name."""
    proxy = urlsplit(environment.get("HTTPS_PROXY") or environment.get("https_proxy") or "")
    exempt = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").replace(" ", "").split(",")
    probes: dict[Probe, None] = {}
    for target in targets:
        url = urlsplit(resolve_endpoint(target).url)
        host = url.hostname or ""
        uses_proxy = proxy.hostname and url.scheme == "https" and not _is_exempt(host, exempt)
        probe = Probe(
            scheme=url.scheme,
            host=host,
            port=url.port or _PORTS[url.scheme],
            proxy=(proxy.hostname or "", proxy.port or _PORTS.get(proxy.scheme, 80)) if uses_proxy else None,
            ca_file=environment.get("KEEPTRUSTS_CA_FILE"),
        )
        probes[probe] = None
    return list(probes)[:MOST_PROBES]


def _is_exempt(host: str, exempt: list[str]) -> bool:
    """Whether NO_PROXY names the host or a domain that it belongs to."""
    names = [name.lstrip(".") for name in exempt if name]
    return any(name in {"*", host} or host.endswith(f".{name}") for name in names)


def run_probes(probes: list[Probe]) -> Iterator[Probe]:
    """Try all at once; each comes back with `error` or `date` filled in, in order."""
    if not probes:
        return
    with ThreadPoolExecutor(max_workers=min(8, len(probes))) as pool:
        yield from pool.map(_run, probes)


def _run(probe: Probe) -> Probe:
    try:
        with socket.create_connection(probe.proxy or (probe.host, probe.port), timeout=TIMEOUT_S) as connection:
            if probe.proxy:
                return probe
            if probe.scheme == "http":
                return replace(probe, date=_ask_date(connection, probe.host))
            context = ssl.create_default_context()
            if probe.ca_file:
                context.load_verify_locations(probe.ca_file)
            with context.wrap_socket(connection, server_hostname=probe.host) as secured:
                return replace(probe, date=_ask_date(secured, probe.host))
    except ssl.SSLCertVerificationError as error:
        return replace(probe, error=f"its certificate is not trusted ({error.verify_message})")
    except TimeoutError:
        return replace(probe, error=f"no answer within {TIMEOUT_S:.0f} s")
    except (OSError, ValueError) as error:
        return replace(probe, error=getattr(error, "strerror", None) or type(error).__name__)


def _ask_date(connection: socket.socket, host: str) -> datetime | None:
    """What the server's clock says; None where it does not tell. That it answers oddly is no failure to reach it."""
    try:
        connection.sendall(f"HEAD / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode("ascii"))
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
            piece = connection.recv(4096)
            if not piece:
                break
            head += piece
    except OSError:
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"date":
            return _parse_date(value.decode("ascii", "replace").strip())
    return None


def _parse_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
