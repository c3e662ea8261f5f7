"""Which finds of a pattern are the real thing: checksums, number plans and what stands around the find.

A check sees the whole text as UTF-8 and may look at most BEHIND bytes before the match and AHEAD bytes after it. It
answers where the value ends (a match may have taken too much), REFUSED (it is none: look on from the next
character), or minus the end (it is something else: look on behind it).
"""

import ipaddress
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[bytes, int, int], int]

REFUSED = 0
BEHIND = 16
AHEAD = 4  # a whole character

NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
NOT_ALPHANUMERIC = bytes(code for code in range(256) if not (code < 128 and chr(code).isalnum()))
DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))

SEPARATORS = " .-/(\u00a0\u2007\u202f\u2010\u2011\u2012\u2013\u2014\u2015\u2212".encode()

NOT_TOP_LEVEL = frozenset(
    {"png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "bmp", "pdf", "txt", "csv", "log", "json", "yaml", "yml", "xml"}
    | {"html", "htm", "css", "scss", "js", "jsx", "ts", "tsx", "mjs", "cjs", "next", "beta", "alpha", "snapshot"}
)
"""Endings of files and versions that look like `icon@2x.png` and are no domain."""

PHONE_REGIONS = ("GB", "DE", "FR")
"""Whose plans decide about numbers that begin with a trunk zero."""

VERSION_WORDS = (b"version", b"ver", b"release", b"build", b"v", b"rev", b"==", b">=", b"<=", b"~>", b"!=")


def luhn_is_valid(digits: bytes) -> bool:
    """The checksum of payment cards and provider numbers, over ASCII digits."""
    straight = digits[::-2]
    return (sum(straight) - 48 * len(straight) + sum(digits[-2::-2].translate(DOUBLED))) % 10 == 0


def check_card(text: bytes, start: int, end: int) -> int:
    if is_fraction(text, start):
        return REFUSED
    return end if luhn_is_valid(text[start:end].translate(None, NOT_DIGITS)) else REFUSED


def is_fraction(text: bytes, start: int) -> bool:
    """`0.4532015112830366` is no card number."""
    return start > 1 and text[start - 1] == 0x2E and 0x30 <= text[start - 2] <= 0x39


def check_joined(text: bytes, start: int, end: int) -> int:
    """A part of a longer number, such as `12-345-67-8901`, is none of its own."""
    return REFUSED if is_joined(text, start, end, b"-.") else end


def check_row(text: bytes, start: int, end: int) -> int:
    """The same where spaces separate: three numbers out of the line of a table are none."""
    return REFUSED if is_joined(text, start, end, b"-. ") else end


def is_joined(text: bytes, start: int, end: int, joints: bytes) -> bool:
    before = start > 1 and text[start - 1] in joints and text[start - 2 : start - 1].isdigit()
    return before or (text[end : end + 1] in joints and text[end + 1 : end + 2].isdigit())


def check_email(text: bytes, start: int, end: int) -> int:
    """Skips image names, package versions and `git@` remotes, but nothing that could hide a number."""
    value = text[start:end].lower()
    local, _, domain = value.partition(b"@")
    labels = domain.decode("ascii").split(".")
    is_none = labels[-1] in NOT_TOP_LEVEL or local == b"git" or (labels[0].isdigit() and labels[1].isdigit())
    digits = len(value) - len(value.translate(None, b"0123456789"))
    return -end if is_none and digits < 7 else end


def check_ipv4(text: bytes, start: int, end: int) -> int:
    """Refuses versions, parts of longer dotted numbers, and addresses that are nobody's: loopback, masks, networks."""
    first, _, third, fourth = text[start:end].split(b".")
    if first in {b"0", b"127", b"255"} or (third == fourth == b"0"):
        return REFUSED
    if text[end : end + 1] == b"." and text[end + 1 : end + 2].isdigit():
        return REFUSED
    before = text[max(0, start - BEHIND) : start].lower()
    if before.endswith(b".") and before[-2:-1].isdigit():
        return REFUSED
    return REFUSED if before.rstrip(b" :=").endswith(VERSION_WORDS) or before.endswith(VERSION_WORDS) else end


def check_ipv6(text: bytes, start: int, end: int) -> int:
    if (start and text[start - 1] == 0x3A) or text[end : end + 1] == b":":
        return REFUSED
    try:
        address = ipaddress.IPv6Address(text[start:end].decode("ascii"))
    except ValueError:
        return REFUSED
    return REFUSED if address.is_loopback or address.is_unspecified else end


def check_iban(text: bytes, start: int, end: int) -> int:
    """The country tells the length; what the pattern took beyond it is a following word."""
    length = iban_length(text[start : start + 2])
    seen = 0
    for at in range(start, end):
        seen += 48 <= text[at] < 58 or 65 <= text[at] < 91
        if seen == length:
            follows = text[at + 1 : at + 2]
            is_whole = not (follows.isalnum() or follows == b"_")
            compact = text[start : at + 1].translate(None, NOT_ALPHANUMERIC)
            return at + 1 if is_whole and iban_module().is_valid(compact.decode("ascii")) else REFUSED
    return REFUSED


@cache
def iban_module() -> Any:
    """Loaded with the first policy that needs it: it brings 50 ms of imports."""
    from stdnum import iban  # noqa: PLC0415

    return iban


@cache
def iban_length(country: bytes) -> int:
    """Characters of this country's numbers, 0 where there are none."""
    from stdnum import numdb  # noqa: PLC0415

    form = numdb.get("iban").info(country.decode("ascii"))[0][1].get("bban", "")
    return 4 + sum(map(int, re.findall(r"(\d+)!", form))) if form else 0


def check_npi(text: bytes, start: int, end: int) -> int:
    return end if luhn_is_valid(b"80840" + text[start:end]) else REFUSED


def check_has_digit(text: bytes, start: int, end: int) -> int:
    return end if len(text[start:end].translate(None, NOT_DIGITS)) > 2 else REFUSED


@cache
def phone_module() -> Any:
    """Loaded with the first policy that needs it: it brings 30 ms of imports."""
    import phonenumbers  # noqa: PLC0415

    return phonenumbers


def check_international_phone(text: bytes, start: int, end: int) -> int:
    """Possible in its country's plan. A last group that makes the number too long is no part of it."""
    if start and text[start - 1 : start].isalnum():
        return REFUSED
    for _ in range(3):
        if end - start > 7 and is_possible(text[start:end].decode("utf-8")):
            return end
        end = start + len(text[start:end].rstrip(b"0123456789)").rstrip(SEPARATORS))
    return REFUSED


def is_possible(number: str) -> bool:
    library = phone_module()
    try:
        parsed = library.parse(number)
    except library.NumberParseException:
        return False
    return bool(library.is_possible_number_with_reason(parsed) == library.ValidationResult.IS_POSSIBLE)


def check_national_phone(text: bytes, start: int, end: int) -> int:
    """Valid in one of the plans that write a trunk zero."""
    if is_joined(text, start, end, b"-. "):
        return REFUSED
    number = text[start:end].decode("utf-8")
    return end if any(is_valid(number, region) for region in PHONE_REGIONS) else REFUSED


def check_spaced_us_phone(text: bytes, start: int, end: int) -> int:
    """`250 300 4000` may be three numbers; only real area codes and exchanges count."""
    if is_joined(text, start, end, b"-. "):
        return REFUSED
    return end if is_valid(text[start:end].decode("utf-8"), "US") else REFUSED


def is_valid(number: str, region: str) -> bool:
    library = phone_module()
    try:
        return bool(library.is_valid_number(library.parse(number, region)))
    except library.NumberParseException:
        return False
