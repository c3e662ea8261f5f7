"""A value that is never shown by accident."""

import json
import traceback

import pytest

from keeptrusts.contract.secret import Secret

SECRET = Secret("sk-canary")


@pytest.mark.parametrize(
    "shown",
    [str(SECRET), repr(SECRET), f"{SECRET}", f"{SECRET!r:>20}", "%s" % SECRET, repr([SECRET]),  # noqa: UP031
     json.dumps({"key": SECRET}, default=str)],
)  # fmt: skip
def test_no_way_of_printing_shows_it(shown):
    assert "canary" not in shown
    assert "***" in shown


def test_only_reveal_gives_the_text():
    assert SECRET.reveal() == "sk-canary"


def test_it_stays_hidden_in_the_repr_of_what_holds_it():
    with pytest.raises(KeyError) as raised:
        raise KeyError(SECRET)
    assert "canary" not in "".join(traceback.format_exception(raised.value))


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        SECRET.text = "other"
