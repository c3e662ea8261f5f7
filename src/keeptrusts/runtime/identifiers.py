"""Identifiers that sort by time: a UUID of version 7, as 32 hex digits behind a prefix."""

import os

_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def new_hex(unix_ns: int) -> str:
    """A UUIDv7 (RFC 9562) for this moment, in hex without dashes."""
    random = os.urandom(10).hex()
    return f"{unix_ns // 1_000_000:012x}7{random[:3]}{_VARIANTS[random[3]]}{random[4:19]}"
