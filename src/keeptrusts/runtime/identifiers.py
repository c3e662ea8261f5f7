"""Identifiers that sort by time: a UUID of version 7, as 32 hex digits behind a prefix."""

import os


def new_hex(unix_ns: int) -> str:
    """A UUIDv7 (RFC 9562) for this moment, in hex without dashes."""
    bits = int.from_bytes(os.urandom(10), "big") >> 6
    return f"{unix_ns // 1_000_000:012x}7{bits >> 62:03x}{0x8000_0000_0000_0000 | bits & 0x3FFF_FFFF_FFFF_FFFF:016x}"
