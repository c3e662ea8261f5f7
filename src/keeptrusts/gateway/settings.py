"""What the operator sets for one gateway process: flags over environment over defaults, validated once.

The only file of the gateway that reads the environment.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import platformdirs

from keeptrusts.gateway.http.limits import Limits

FailMode: TypeAlias = Literal["block", "allow"]

DEFAULT_LISTEN = "0.0.0.0:41002"
MIN_TOKEN_LENGTH = 16
METRICS_TOKEN = "KEEPTRUSTS_METRICS_TOKEN"  # noqa: S105 - the name of a variable
REQUIRE_TLS = "KEEPTRUSTS_REQUIRE_TLS"
MAX_GRACE_S = 86_400
DEFAULT_EDGE = Limits()
EDGE_LIMITS = {
    "max_buffered_bytes": "KEEPTRUSTS_MAX_BUFFERED_BYTES",
    "max_connections": "KEEPTRUSTS_MAX_CONNECTIONS",
    "max_connections_per_address": "KEEPTRUSTS_MAX_CONNECTIONS_PER_ADDRESS",
}
MAX_WORKERS = 256

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):([0-9]{1,5})")


class InvalidSettings(ValueError):
    """Settings that cannot work. The message says which one, and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One gateway process. `environment` is where `secret_key_ref.env` looks."""

    policy_config: Path
    state_root: Path
    listen: Address = Address("0.0.0.0", 41002)  # noqa: S104 - what a container needs; a token is required off loopback
    admin_listen: Address | None = None
    token_name: str = "KEEPTRUSTS_GATEWAY_TOKEN"  # noqa: S105 - the name of a variable
    allow_anonymous: bool = False
    trust_identity_headers: bool = False
    name: str | None = None
    fail_mode: FailMode = "block"
    grace_s: float = 30.0
    workers: int = 1
    events_stdout: bool = False
    edge: Limits = DEFAULT_EDGE
    tls_cert: Path | None = None
    tls_key: Path | None = None
    require_tls: bool = False
    ca_file: Path | None = None
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: str = ""
    secrets_dir: Path | None = None
    api_url: str | None = None
    environment: Mapping[str, str] = field(repr=False)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address: `127.0.0.0/8`, `::1`, `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_address(text: str) -> Address:
    """Read `host:port` or `[ipv6]:port`. Raises InvalidSettings."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        raise InvalidSettings(f"cannot listen on {text!r}: expected HOST:PORT, such as 127.0.0.1:41002 or [::1]:41002")
    return Address(match[1] or match[2], int(match[3]))


def parse_workers(text: str | None) -> int:
    """Read a number of worker processes, or `auto`: one for each core of this process. Raises InvalidSettings."""
    if text is None:
        return 1
    if text == "auto":
        return min(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MAX_WORKERS
        )
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_WORKERS):
        raise InvalidSettings(f"--workers {text!r}: expected a number from 1 to {MAX_WORKERS}, or auto")
    return int(text)


def read_environment() -> dict[str, str]:
    """The process's environment. An empty variable is an unset one."""
    return {name: value for name, value in os.environ.items() if value}  # noqa: TID251 - here is where it is read


def default_state_root() -> Path:
    """Where processes keep their state unless told otherwise: the platform's place for it."""
    return Path(platformdirs.user_state_dir("keeptrusts"))


def read_settings(environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Join flags (None where not given) and environment. Raises InvalidSettings with the way out."""

    def value(flag: str, variable: str) -> Any:
        given = flags.get(flag)
        return environment.get(variable) if given is None else given

    config = value("policy_config", "KEEPTRUSTS_POLICY_CONFIG")
    if config is None:
        raise InvalidSettings(
            "no policy pack: start with --policy-config PATH, or write one with `kt init`. "
            "A gateway without a pack (hosted mode) needs a control plane, which is not supported yet."
        )
    admin = value("admin_listen", "KEEPTRUSTS_ADMIN_LISTEN")
    settings = Settings(
        policy_config=Path(config),
        state_root=Path(value("state_dir", "KEEPTRUSTS_STATE_DIR") or default_state_root()),
        listen=parse_address(value("listen", "KEEPTRUSTS_LISTEN") or DEFAULT_LISTEN),
        admin_listen=parse_address(admin) if admin else None,
        allow_anonymous=bool(flags.get("allow_anonymous")),
        trust_identity_headers=_switch(value, "trust_identity_headers", "KEEPTRUSTS_TRUST_IDENTITY_HEADERS"),
        name=value("name", "KEEPTRUSTS_GATEWAY_NAME"),
        fail_mode=flags.get("fail_mode") or "block",
        grace_s=30.0 if flags.get("grace") is None else float(flags["grace"]),
        workers=parse_workers(value("workers", "KEEPTRUSTS_WORKERS")),
        events_stdout=bool(flags.get("events_stdout")),
        edge=_edge_limits(value),
        tls_cert=_path(flags.get("tls_cert")),
        tls_key=_path(flags.get("tls_key")),
        require_tls=_switch(value, "require_tls", REQUIRE_TLS),
        ca_file=_path(environment.get("KEEPTRUSTS_CA_FILE")),
        https_proxy=environment.get("HTTPS_PROXY") or environment.get("https_proxy"),
        no_proxy=environment.get("NO_PROXY") or environment.get("no_proxy") or "",
        secrets_dir=_path(environment.get("KEEPTRUSTS_SECRETS_DIR")),
        api_url=environment.get("KEEPTRUSTS_API_URL"),
        environment=environment,
    )
    _check(settings)
    return settings


def find_plaintext_token(settings: Settings) -> str | None:
    """Where callers would send a token over plain http from other machines; None where none do."""
    tokens = (settings.token_name, METRICS_TOKEN)
    has_token = any(settings.environment.get(name) or settings.environment.get(f"{name}_FILE") for name in tokens)
    addresses = [address for address in (settings.listen, settings.admin_listen) if address is not None]
    open_ones = [str(address) for address in addresses if not address.is_loopback]
    if settings.tls_cert is not None or not has_token or not open_ones:
        return None
    return f"callers send their token to {' and '.join(open_ones)} over plain http, readable by everybody on the way"


def _edge_limits(value: Callable[[str, str], Any]) -> Limits:
    """What the operator says of the edge's limits, the rest as it is by default. Raises InvalidSettings."""
    given = {name: value(name, variable) for name, variable in EDGE_LIMITS.items()}
    try:
        counts = {name: int(count) for name, count in given.items() if count is not None}
    except ValueError:
        counts = {"": 0}
    if min(counts.values(), default=1) < 1:
        raise InvalidSettings(f"{', '.join(EDGE_LIMITS.values())}: each takes a whole number of at least 1")
    return Limits(**counts)


def _switch(value: Callable[[str, str], Any], flag: str, variable: str) -> bool:
    """A flag that has a variable too. Raises InvalidSettings."""
    given = value(flag, variable)
    if given in {None, False, "false"}:
        return False
    if given in {True, "true"}:
        return True
    raise InvalidSettings(f"{variable}={given}: expected true or false")


def _path(value: Any) -> Path | None:
    return Path(value) if value else None


def _check(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InvalidSettings("--tls-cert and --tls-key go together: give both or none")
    if settings.fail_mode not in {"block", "allow"}:
        raise InvalidSettings(f"--fail-mode {settings.fail_mode!r}: expected block or allow")
    if not 0 <= settings.grace_s <= MAX_GRACE_S:
        raise InvalidSettings(f"--grace is the number of seconds that running requests get: 0 to {MAX_GRACE_S}")
    plaintext = find_plaintext_token(settings)
    if settings.require_tls and plaintext is not None:
        raise InvalidSettings(
            f"{REQUIRE_TLS} is set, and {plaintext}: give --tls-cert and --tls-key, or listen on 127.0.0.1"
        )
