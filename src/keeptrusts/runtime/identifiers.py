"""Identifiers that sort by time: a UUID of version 7 (RFC 9562), as 32 hex digits behind a prefix."""

import os

_TAIL_BYTES = 10  # what follows the milliseconds: random, but for the version and the variant
_TAIL_DIGITS = 2 * _TAIL_BYTES
_VERSION = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))


def new_hex(unix_ns: int) -> str:
    """A UUIDv7 for this moment, in hex without dashes."""
    return _milliseconds(unix_ns) + _draw_tails(1)


class HexPool:
    """As `new_hex`, for whoever needs thousands a second: the system is asked for randomness once for 256 of them.

    Of one process: a fork would go on with the same ones.
    """

    def __init__(self) -> None:
        self._tails = ""
        self._used = 0

    def new_hex(self, unix_ns: int) -> str:
        """A UUIDv7 for this moment, in hex without dashes."""
        used = self._used
        if used == len(self._tails):
            self._tails = _draw_tails(256)
            used = 0
        self._used = used + _TAIL_DIGITS
        return _milliseconds(unix_ns) + self._tails[used : used + _TAIL_DIGITS]


def _milliseconds(unix_ns: int) -> str:
    return (unix_ns // 1_000_000).to_bytes(6, "big").hex()


def _draw_tails(count: int) -> str:
    random = bytearray(os.urandom(count * _TAIL_BYTES))
    random[::_TAIL_BYTES] = random[::_TAIL_BYTES].translate(_VERSION)
    random[2::_TAIL_BYTES] = random[2::_TAIL_BYTES].translate(_VARIANT)
    return random.hex()
