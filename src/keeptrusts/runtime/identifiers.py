"""Identifiers that sort by time: a UUID of version 7, as 32 hex digits behind a prefix."""

import os


def new_hex(unix_ns: int) -> str:
    """A UUIDv7 (RFC 9562) for this moment, in hex without dashes."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (unix_ns // 1_000_000) << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF
    return f"{value:032x}"
