import pytest
from stdnum import luhn

from keeptrusts.policies.text import checks
from keeptrusts.policies.text.checks import REFUSED


@pytest.mark.parametrize(
    "number", [b"4111111111111111", b"378282246310005", b"4111111111111112", b"80840" + b"1234567893", b"0"]
)
def test_the_checksum_is_the_libraries(number):
    assert checks.luhn_is_valid(number) == luhn.is_valid(number.decode())


def judged(check, text, value):
    start = text.index(value)
    end = check(text, start, start + len(value))
    return text[start:end] if end > 0 else end


@pytest.mark.parametrize(
    ("check", "text", "value", "expected"),
    [
        (checks.check_card, b"0.4532015112830366", b"4532015112830366", REFUSED),
        (checks.check_card, b"1. 4532015112830366", b"4532015112830366", b"4532015112830366"),
        (
            checks.check_iban,
            b"DE89 3704 0044 0532 0130 00 AB",
            b"DE89 3704 0044 0532 0130 00 AB",
            b"DE89 3704 0044 0532 0130 00",
        ),
        (checks.check_iban, b"DE89370400440532013000AB", b"DE89370400440532013000AB", REFUSED),
        (checks.check_iban, b"XX89370400440532013000", b"XX89370400440532013000", REFUSED),
        (checks.check_ipv4, b"version: 1.2.3.4", b"1.2.3.4", REFUSED),
        (checks.check_ipv4, b"Host: 1.2.3.4", b"1.2.3.4", b"1.2.3.4"),
        (checks.check_ipv4, b"1.2.3.4.5", b"2.3.4.5", REFUSED),
        (checks.check_ipv6, b"2023:10:30", b"2023:10:30", REFUSED),
        (checks.check_ipv6, b"x:2001:db8::1", b"2001:db8::1", REFUSED),
        (checks.check_international_phone, b"+49 30 1234567 123456789", b"+49 30 1234567 123456789", b"+49 30 1234567"),
        (checks.check_international_phone, b"a+49 30 1234567", b"+49 30 1234567", REFUSED),
        (checks.check_international_phone, b"+999 30 1234567", b"+999 30 1234567", REFUSED),
        (checks.check_national_phone, b"0171-1234567", b"0171-1234567", b"0171-1234567"),
        (checks.check_national_phone, b"01-0000", b"01-0000", REFUSED),
        (checks.check_spaced_us_phone, b"202 555 0123", b"202 555 0123", b"202 555 0123"),
        (checks.check_spaced_us_phone, b"1 202 555 0123 4", b"202 555 0123", REFUSED),
        (checks.check_row, b"1 123 45 6789", b"123 45 6789", REFUSED),
        (checks.check_joined, b"1 123-45-6789", b"123-45-6789", b"123-45-6789"),
        (checks.check_joined, b"123-45-6789-1", b"123-45-6789", REFUSED),
        (checks.check_npi, b"1234567890", b"1234567890", REFUSED),
        (checks.check_has_digit, b"A-1234", b"A-1234", b"A-1234"),
        (checks.check_has_digit, b"A-12", b"A-12", REFUSED),
        (checks.check_email, b"icon@2x.png", b"icon@2x.png", -11),
        (checks.check_email, b"41111111@2x.png", b"41111111@2x.png", b"41111111@2x.png"),
    ],
)
def test_checks(check, text, value, expected):
    assert judged(check, text, value) == expected
