"""Which finds are credentials and not placeholders, identifiers or words. As `checks`, for what `credentials` names."""

import binascii
import re
from collections import Counter
from math import log2

from keeptrusts.contract.keys import checksum_of
from keeptrusts.policies.text.checks import REFUSED

PLACEHOLDER = re.compile(
    rb"example|placeholder|xxxx|\*\*\*\*|\.\.\.|your[_\-]?|changeme|change[_\-]me|dummy|redacted|insert[_\-]|"
    rb"1234567890|abcdefgh|(.)\1{7}",
    re.IGNORECASE,
)
UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
NAMES = re.compile(rb"[A-Za-z_]+\d{0,3}(?:[./\-_]{1,2}[A-Za-z_]+\d{0,3})*[./\-]?")
NUMBER = re.compile(rb"[\d.,:/+\-]+")
COMMON = frozenset({b"password", b"passwd", b"pass", b"pwd", b"secret", b"user", b"username", b"token", b"postgres"})
MIN_DISTINCT = 8
MIN_BITS = 3.0
"""Of Shannon's entropy per character: what words and counters do not reach, and random characters pass by far."""


def check_token(text: bytes, start: int, end: int) -> int:
    """Random enough, and no placeholder."""
    value = text[start:end]
    return REFUSED if PLACEHOLDER.search(value) or len(set(value)) < MIN_DISTINCT else end


def check_own_key(text: bytes, start: int, end: int) -> int:
    """The checksum is right."""
    value = text[start:end].decode("ascii")
    return end if checksum_of(value[:-6]) == value[-6:] else REFUSED


def check_secret(text: bytes, start: int, end: int) -> int:
    """Nothing but the words beside it says what it is, so it must look random: no name, number, UUID or placeholder."""
    value = text[start:end].rstrip(b".,;:!?")
    plain = PLACEHOLDER.search(value) or UUID.fullmatch(value) or NAMES.fullmatch(value) or NUMBER.fullmatch(value)
    if plain or entropy(value) < MIN_BITS or not any(48 <= code < 58 for code in value):
        return REFUSED
    return start + len(value)


def entropy(value: bytes) -> float:
    """Bits per character."""
    size = len(value)
    return -sum(count / size * log2(count / size) for count in Counter(value).values()) if size else 0.0


def check_basic(text: bytes, start: int, end: int) -> int:
    """Says a user and a password."""
    try:
        said = binascii.a2b_base64(text[start:end])
    except binascii.Error:
        return REFUSED
    return end if b":" in said and said.isascii() and not PLACEHOLDER.search(said) else REFUSED


def check_url_password(text: bytes, start: int, end: int) -> int:
    """The `@` behind it is no part of it."""
    value = text[start : end - 1]
    return REFUSED if value.lower() in COMMON or PLACEHOLDER.search(value) else end - 1
