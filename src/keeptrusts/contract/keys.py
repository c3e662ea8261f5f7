"""Gateway keys: `kt_gk_<12 base62 id>_<43 base62 secret><6 base62 CRC32>`.

The id begins with `r` (a gateway process) or `c` (an application); the checksum tells a typing error from a wrong key.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from typing import Literal

PREFIX = "kt_gk_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"kt_gk_([rc][0-9A-Za-z]{11})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """The parts of a key that may be shown: never its secret."""

    key_id: str
    kind: Literal["runtime", "consumer"]


def parse_gateway_key(text: str) -> GatewayKey:
    """Read a key. Raises ValueError, which never quotes it, if it is not one or its checksum is wrong."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError("not a gateway key: expected kt_gk_ and 62 further characters")
    name, _, checksum = match.groups()
    if checksum_of(text[:-6]) != checksum:
        raise ValueError("the gateway key's checksum is wrong: a character is missing or mistyped")
    return GatewayKey(f"gk_{name}", "runtime" if name[0] == "r" else "consumer")


def checksum_of(text: str) -> str:
    """CRC32 of the key's text before the checksum, as six base62 digits."""
    value = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def fingerprint(secret: bytes) -> bytes:
    """What is kept of a secret: SHA-256, 32 bytes."""
    return hashlib.sha256(secret).digest()


def is_same(left: bytes, right: bytes) -> bool:
    """Compare two fingerprints in constant time."""
    return hmac.compare_digest(left, right)
