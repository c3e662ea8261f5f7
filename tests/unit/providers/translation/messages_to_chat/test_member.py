import pytest

from keeptrusts.providers.translation.fate import Fate
from keeptrusts.providers.translation.messages_to_chat.member import Member


@pytest.mark.parametrize("value", [None, False, [], {}, ""])
def test_a_member_that_asks_for_nothing_is_no_obstacle(value):
    assert Member(Fate.REFUSED, "why").find_obstacle(value) is None


def test_a_refused_member_is_an_obstacle_and_a_check_says_where():
    assert Member(Fate.REFUSED, "why").find_obstacle(["x"]) == ""
    checked = Member(Fate.CARRIED, "how", lambda value: ".a" if value == "bad" else None)
    assert checked.find_obstacle("bad") == ".a"
    assert checked.find_obstacle("good") is None
    assert checked.find_obstacle(None) is None
    assert Member(Fate.LEFT_OUT, "why").find_obstacle("x") is None
