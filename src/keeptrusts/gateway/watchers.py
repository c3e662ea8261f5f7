"""Who may see how the gateway is: callers on this machine, and holders of its token or of the one for watching."""

from keeptrusts.contract.faults import Fault
from keeptrusts.contract.keys import fingerprint, is_same
from keeptrusts.gateway.callers import AnonymousCallers, Callers, list_credentials
from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import METRICS_TOKEN, MIN_TOKEN_LENGTH, InvalidSettings, is_loopback


class Watchers:
    """Tells who gets the whole of `/health` and `/metrics`. Nobody is refused: others get less."""

    def __init__(self, callers: Callers, secrets: Secrets) -> None:
        """Raises InvalidSettings for a token that is too short to be one."""
        token = secrets.find_variable(METRICS_TOKEN)
        if token is not None and len(token.reveal()) < MIN_TOKEN_LENGTH:
            raise InvalidSettings(f"{METRICS_TOKEN} is too short: {MIN_TOKEN_LENGTH} characters at least")
        self._callers = callers
        self._secrets = secrets

    def admit(self, head: Head) -> bool:
        """Whether this caller may see details."""
        return is_loopback(head.peer) or self._has_metrics_token(head) or self._has_own_token(head)

    def _has_metrics_token(self, head: Head) -> bool:
        """The variable or its file is read at each request that brings a credential: a new one counts at once."""
        presented = set(list_credentials(head.headers))
        if len(presented) != 1 or head.has_repeated_credentials:
            return False
        token = self._secrets.find_variable(METRICS_TOKEN)
        return token is not None and is_same(fingerprint(presented.pop()), fingerprint(token.reveal().encode()))

    def _has_own_token(self, head: Head) -> bool:
        if isinstance(self._callers, AnonymousCallers):
            return False
        try:
            self._callers.identify(head)
        except Fault:
            return False
        return True
