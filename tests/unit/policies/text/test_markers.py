import pytest

from keeptrusts.policies.text.markers import compile_marker


@pytest.mark.parametrize(
    ("form", "preserve_length", "kind", "value", "expected"),
    [
        ("label", False, "email", "a@b.com", "[EMAIL]"),
        ("label", True, "email", "anna@b.com", "[EMAIL]***"),
        ("label", True, "ip_address", "10.1.2.3", "********"),
        ("asterisks", False, "card", "4111 1111 1111 1111", "****"),
        ("asterisks", True, "us_ssn", "123-45-6789", "***********"),
        ("partial", False, "card", "4111 1111 1111 1111", "****1111"),
        ("partial", True, "card", "4111 1111 1111 1111", "**** **** **** 1111"),
        ("partial", False, "email", "anna@b.com", "a***@b.com"),
        ("partial", True, "email", "anna@b.com", "a***@b.com"),
        ("partial", False, "custom", "abc123", "****"),
        ("partial", True, "custom", "abc123", "******"),
    ],
)
def test_markers(form, preserve_length, kind, value, expected):
    assert compile_marker(form, preserve_length=preserve_length, custom={})(kind, value) == expected


def test_own_markers_win():
    marker = compile_marker("asterisks", preserve_length=True, custom={"email": "<mail>"})
    assert marker("email", "anna@b.com") == "<mail>"
    assert marker("card", "4111") == "****"
