"""The words of the tables."""

from keeptrusts.providers.translation.fate import Fate
from keeptrusts.providers.translation.members import carried, find_refused, left_out, refused

TABLE = {"a": carried("x", lambda value: value != 5), "b": left_out("x"), "c": refused("x", 0, {})}


def test_the_first_member_that_cannot_be_carried_is_found():
    assert find_refused({"a": 1, "b": 2, "c": 0}, TABLE) is None
    assert find_refused({"a": 5}, TABLE) == "a"
    assert find_refused({"c": 1}, TABLE) == "c"
    assert find_refused({"a": 1, "d": 1}, TABLE) == "d"


def test_null_says_nothing():
    assert find_refused({"c": None, "d": None}, TABLE) is None


def test_a_key_that_may_be_a_text_is_not_shown():
    assert find_refused({"ann@example.org": 1}, TABLE) == "a member that is not known"


def test_each_maker_has_its_fate():
    assert [member.fate for member in TABLE.values()] == [Fate.CARRIED, Fate.LEFT_OUT, Fate.REFUSED]
