"""Which key is this, and may it call? Decided from headers alone, before a body is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import NOBODY, Identity
from keeptrusts.contract.keys import PREFIX, fingerprint, is_same, parse_gateway_key
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.settings import MIN_TOKEN_LENGTH, InvalidSettings, is_loopback

MAX_RIGHT = 1024
"""Header values that are remembered, about one for each connection."""

_BEARER = b"bearer "
_PREFIX = PREFIX.encode()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `key_id` is None for anonymous callers and for a token that is no gateway key.

    `identity` is whom the key stands for; headers that say otherwise count only where the caller is trusted with them.
    """

    key_id: str | None
    identity: Identity = NOBODY
    trusts_identity_headers: bool = False
    is_anonymous: bool = False


ANONYMOUS = Caller(None, is_anonymous=True)


class TokenCallers:
    """A gateway with a token of its own: whoever presents it may call, and perhaps say for whom.

    Header values that were found right are remembered as the objects that they are: a connection that repeats its head
    presents the same ones. Their bytes are compared nowhere but by fingerprint, in constant time.
    """

    def __init__(self, token: Secret, *, trust_identity_headers: bool = False) -> None:
        self._trust_identity_headers = trust_identity_headers
        self.accept(token)

    def accept(self, token: Secret) -> None:
        """Take this token from now on, and no other. Raises InvalidSettings for one that cannot be used."""
        check_token(token)
        text = token.reveal()
        self._fingerprint = fingerprint(text.encode())
        self._right: dict[int, bytes] = {}  # by id, which is nobody else's as long as they are here
        self._caller = Caller(_key_id(text), trusts_identity_headers=self._trust_identity_headers)

    def identify(self, head: Head) -> Caller:
        """Raises Fault: 401 where no key, two different ones or a wrong one is presented."""
        headers = head.headers
        authorization = headers.get(b"authorization", b"")
        is_only = not (head.has_repeated_credentials or b"x-api-key" in headers or b"api-key" in headers)
        if is_only and self._right.get(id(authorization)) is authorization:
            return self._caller
        presented = list_credentials(headers)
        if not presented:
            raise Fault(
                Code.MISSING_KEY,
                "No gateway key: send it as `Authorization: Bearer ...`, `x-api-key` or `api-key`.",
            )
        keys = [key for key in presented if key.startswith(_PREFIX)] or presented
        if head.has_repeated_credentials or len(set(keys)) > 1:
            raise Fault(Code.CONFLICTING_KEYS, "Two different keys were sent: send one.")
        if not is_same(fingerprint(keys[0]), self._fingerprint):
            raise Fault(Code.INVALID_KEY, "This key is not known to the gateway.")
        if is_only:
            if len(self._right) >= MAX_RIGHT:
                self._right.clear()
            self._right[id(authorization)] = authorization
        return self._caller


class AnonymousCallers:
    """A gateway without a token. On loopback, a browser that was lured to another name for it is refused."""

    def __init__(self, *, loopback_only: bool) -> None:
        self._loopback_only = loopback_only
        self._last_host = b"localhost"  # the Host header that was found right last: nearly all are the same

    def identify(self, head: Head) -> Caller:
        """Raises Fault: 403 where the Host header names something else than this machine."""
        host = head.headers.get(b"host", b"localhost")
        if self._loopback_only and host != self._last_host:
            if not is_loopback(_host_name(host)):
                raise Fault(
                    Code.FORBIDDEN,
                    "A gateway without a token answers only calls to localhost or 127.0.0.1: set "
                    "KEEPTRUSTS_GATEWAY_TOKEN to serve it under another name.",
                )
            self._last_host = host
        return ANONYMOUS


def make_callers(
    token: Secret | None, *, listens_on_loopback: bool, allow_anonymous: bool, trust_identity_headers: bool = False
) -> "Callers":
    """Decide who may call. Raises InvalidSettings where anybody on the network could, or could be whoever it likes."""
    if token is not None:
        return TokenCallers(token, trust_identity_headers=trust_identity_headers)
    if trust_identity_headers:
        raise InvalidSettings(
            "--trust-identity-headers without a token: anybody could name any user and role. "
            "Set KEEPTRUSTS_GATEWAY_TOKEN, or leave it out"
        )
    if not listens_on_loopback and not allow_anonymous:
        raise InvalidSettings(
            "no token, and the gateway would listen beyond this machine: set KEEPTRUSTS_GATEWAY_TOKEN "
            f"({MIN_TOKEN_LENGTH} characters or more), listen on 127.0.0.1, or give --allow-anonymous"
        )
    return AnonymousCallers(loopback_only=not allow_anonymous)


def check_token(token: Secret) -> None:
    """Raises InvalidSettings for a token that is too short, or a mistyped gateway key."""
    text = token.reveal()
    if len(text) < MIN_TOKEN_LENGTH:
        raise InvalidSettings(f"KEEPTRUSTS_GATEWAY_TOKEN is too short: {MIN_TOKEN_LENGTH} characters at least")
    if text.startswith(PREFIX):
        try:
            parse_gateway_key(text)
        except ValueError as bad:
            raise InvalidSettings(f"KEEPTRUSTS_GATEWAY_TOKEN: {bad}") from None


def list_credentials(headers: Mapping[bytes, bytes]) -> list[bytes]:
    """Every credential of a request, wherever the SDK put it."""
    found = []
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == _BEARER:
        found.append(authorization[7:].strip())
    for name in (b"x-api-key", b"api-key"):
        value = headers.get(name)
        if value:
            found.append(value)
    return found


def _key_id(token: str) -> str | None:
    return parse_gateway_key(token).key_id if token.startswith(PREFIX) else None


def _host_name(host: bytes) -> str:
    text = host.decode("latin-1")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].lower()


Callers = TokenCallers | AnonymousCallers
