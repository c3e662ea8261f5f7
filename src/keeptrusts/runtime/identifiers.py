"""Identifiers that sort by time: a UUID of version 7 (RFC 9562), as 32 hex digits behind a prefix."""

import os

_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
_RANDOM_DIGITS = 20


def new_hex(unix_ns: int) -> str:
    """A UUIDv7 for this moment, in hex without dashes."""
    return _uuid7(unix_ns, os.urandom(_RANDOM_DIGITS // 2).hex())


class HexPool:
    """As `new_hex`, for whoever needs thousands a second: the system is asked for randomness once for 256 of them.

    Of one process: a fork would go on with the same ones.
    """

    def __init__(self) -> None:
        self._random = ""
        self._used = 0

    def new_hex(self, unix_ns: int) -> str:
        """A UUIDv7 for this moment, in hex without dashes."""
        used = self._used
        if used == len(self._random):
            self._random = os.urandom(128 * _RANDOM_DIGITS).hex()
            used = 0
        self._used = used + _RANDOM_DIGITS
        return _uuid7(unix_ns, self._random[used : self._used])


def _uuid7(unix_ns: int, random: str) -> str:
    return f"{unix_ns // 1_000_000:012x}7{random[:3]}{_VARIANTS[random[3]]}{random[4:19]}"
