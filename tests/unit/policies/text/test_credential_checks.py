"""Each check, on what it takes and what it refuses."""

import pytest

from keeptrusts.policies.text.checks import REFUSED
from keeptrusts.policies.text.credential_checks import (
    check_basic,
    check_own_key,
    check_secret,
    check_token,
    check_url_password,
    entropy,
)


def checked(check, value, before=b"", after=b""):
    text = before + value + after
    end = check(text, len(before), len(before) + len(value))
    return None if end == REFUSED else text[len(before) : end]


@pytest.mark.parametrize("value", [b"ghp_4fG7kLq9Zx2Vb8Nm", b"AKIAQ7R2T5VXZ3N6M4PW"])
def test_random_tokens_are_taken(value):
    assert checked(check_token, value, b"x ", b" y") == value


@pytest.mark.parametrize(
    "value",
    [
        b"AKIAIOSFODNN7EXAMPLE",
        b"ghp_xxxxxxxxxxxxxxxx",
        b"sk_test_your_key_here_12",
        b"sk-aaaabbbbaaaabbbb",
        b"hf_00000000",
    ],
)
def test_placeholders_are_no_tokens(value):
    assert checked(check_token, value) is None


@pytest.mark.parametrize("value", [b"q8Zr2vLk9Xw4Tn6B", b"9f86d081884c7d659a2f", b"Tr0ub4dor-9x!kd"])
def test_random_values_are_secrets(value):
    assert checked(check_secret, value, b"password=") == value


def test_the_full_stop_behind_a_secret_is_no_part_of_it():
    assert checked(check_secret, b"q8Zr2vLk9Xw4Tn6B.") == b"q8Zr2vLk9Xw4Tn6B"


@pytest.mark.parametrize(
    "value",
    [
        b"550e8400-e29b-41d4-a716-446655440000",
        b"self.config.get_token",
        b"must-contain-uppercase",
        b"2024-01-15/10:30",
        b"aaaaaaaaaaa1",
        b"no-digits-in-it-!@",
        b"abcdefghijkl1",
    ],
)
def test_names_numbers_and_words_are_no_secrets(value):
    assert checked(check_secret, value) is None


def test_basic_credentials_say_a_user_and_a_password():
    assert checked(check_basic, b"YWRtaW46czNjcjN0LXBhc3M=") is not None
    assert checked(check_basic, b"YXV0aGVudGljYXRpb24=") is None
    assert checked(check_basic, b"YWRtaW") is None


def test_the_sign_behind_a_url_password_is_no_part_of_it():
    assert checked(check_url_password, b"n0t-a-word@", b"x://u:", b"host") == b"n0t-a-word"
    assert checked(check_url_password, b"Password@") is None
    assert checked(check_url_password, b"your-password@") is None


def test_an_own_key_needs_its_checksum():
    assert checked(check_own_key, b"kt_gk_c" + b"A" * 11 + b"_" + b"0" * 49) is None


def test_entropy():
    assert entropy(b"") == entropy(b"aaaa") == 0
    assert entropy(b"abcd") == 2
