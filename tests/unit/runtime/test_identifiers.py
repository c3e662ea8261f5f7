"""Identifiers that sort by time."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import START_NS
from keeptrusts.runtime.identifiers import HexPool, new_hex

BOTH = pytest.mark.parametrize("make", [new_hex, HexPool().new_hex], ids=["alone", "pool"])

moments = st.integers(0, (1 << 48) * 1_000_000 - 1)


@BOTH
@given(moment=moments)
def test_it_is_a_uuid_of_version_7_with_the_moment_in_front(make, moment):
    text = make(moment)
    assert len(text) == 32
    read = uuid.UUID(text)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert read.int >> 80 == moment // 1_000_000


@given(moments, moments)
def test_a_later_millisecond_sorts_later(one, other):
    if one // 1_000_000 < other // 1_000_000:
        assert new_hex(one) < new_hex(other)


@BOTH
def test_no_two_are_the_same_within_a_moment(make):
    assert len({make(START_NS) for _ in range(10_000)}) == 10_000


@BOTH
def test_every_random_bit_is_used(make):
    seen = 0
    for _ in range(400):
        seen |= int(make(0), 16)
    assert seen == 0x7FFF_BFFF_FFFF_FFFF_FFFF
