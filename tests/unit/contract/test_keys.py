"""Gateway keys: their parts, their checksum, and how they are compared."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keeptrusts.contract.keys import PREFIX, GatewayKey, checksum_of, fingerprint, is_same, parse_gateway_key

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make_key(name="c0123456789a", secret="s" * 43):
    text = f"{PREFIX}{name}_{secret}"
    return text + checksum_of(text)


keys = st.builds(
    make_key,
    st.tuples(st.sampled_from("rc"), st.text(BASE62, min_size=11, max_size=11)).map("".join),
    st.text(BASE62, min_size=43, max_size=43),
)


def test_a_key_says_whose_it_is():
    assert parse_gateway_key(make_key("r0123456789a")) == GatewayKey("gk_r0123456789a", "runtime")
    assert parse_gateway_key(make_key("c0123456789a")) == GatewayKey("gk_c0123456789a", "consumer")


@given(keys)
def test_every_key_has_the_announced_length_and_reads_back(key):
    assert len(key) == len(PREFIX) + 12 + 1 + 43 + 6
    assert parse_gateway_key(key).key_id == "gk_" + key[len(PREFIX) :][:12]


@given(keys, st.data())
def test_one_mistyped_character_is_always_noticed(key, data):
    place = data.draw(st.integers(len(PREFIX), len(key) - 1))
    wrong = data.draw(st.sampled_from(BASE62))
    assume(wrong != key[place])
    with pytest.raises(ValueError, match=r"checksum|expected") as refused:
        parse_gateway_key(key[:place] + wrong + key[place + 1 :])
    assert key[20:40] not in str(refused.value)


@given(keys, st.data())
def test_two_characters_in_the_wrong_order_are_always_noticed(key, data):
    place = data.draw(st.integers(len(PREFIX), len(key) - 2))
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assume(swapped != key)
    with pytest.raises(ValueError, match=r"checksum|expected"):
        parse_gateway_key(swapped)


KEY = make_key()


@pytest.mark.parametrize(
    "text",
    ["", "kt_gk_", "sk-abcdef", KEY[:-1], KEY + "0", KEY + "\n", " " + KEY, KEY.upper(), KEY.replace("s", "ß"),
     make_key("x" * 12)],
)  # fmt: skip
def test_what_is_no_key_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="gateway key") as refused:
        parse_gateway_key(text)
    assert text[6:20] not in str(refused.value) or not text[6:20]


def test_only_the_hash_of_a_secret_is_kept_and_compared():
    assert fingerprint(b"secret") == hashlib.sha256(b"secret").digest()
    assert is_same(fingerprint(b"secret"), fingerprint(b"secret"))
    assert not is_same(fingerprint(b"secret"), fingerprint(b"secreT"))
