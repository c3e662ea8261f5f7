"""For whom a call is made, as far as somebody vouches for it. Which key it comes with is not told here. Values only."""

from collections.abc import Mapping

import msgspec

__all__ = ["NOBODY", "ROLE_HEADER", "USER_HEADER", "Identity"]

USER_HEADER = "x-user-id"
ROLE_HEADER = "x-user-role"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A user and a role, each None where nobody named one.

    `headers` are further identity headers that count, by their names in lower case. What a caller says of itself
    without being trusted never gets here.
    """

    user: str | None = None
    role: str | None = None
    headers: Mapping[str, str] = {}

    def find(self, header: str) -> str | None:
        """What is known under the name of an identity header, in lower case."""
        if header == USER_HEADER:
            return self.user
        return self.role if header == ROLE_HEADER else self.headers.get(header)


NOBODY = Identity()
