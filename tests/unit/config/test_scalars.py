"""Plain scalars mean what YAML 1.2's core schema says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.scalars import OddNumber, read_scalar


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "Yes", "y", "n", "tRUE", "1_000", "0b1", "1:30", "2024-01-01"]
)
def test_words_of_yaml_1_1_are_text(text):
    assert read_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("012", 12),
        ("0o14", 12),
        ("0xFF", 255),
        ("0.10", 0.1),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_numbers_truth_and_nothing_are_read(text, value):
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["-", "+", ".", "..", "e5", "1e", "0o8", "0x", "--1", "1.2.3", "nul", "- 1", "0xg"])
def test_near_numbers_are_text(text):
    assert read_scalar(text) == text


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "9223372036854775808", "0x" + "f" * 17, "9" * 5000]
)
def test_numbers_that_no_setting_means_are_refused(text):
    with pytest.raises(OddNumber):
        read_scalar(text)


@given(st.text(alphabet="0123456789+-.eExo~nulTaF_", max_size=80))
def test_a_scalar_is_read_or_refused_and_never_infinite(text):
    try:
        value = read_scalar(text)
    except OddNumber:
        return
    if isinstance(value, float):
        assert math.isfinite(value)
    if isinstance(value, str):
        assert value == text
