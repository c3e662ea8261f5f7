"""What the language knows of a kind of policy."""

from unit.config.samples import KINDS


def test_settings_without_a_default_are_needed():
    assert KINDS["cap"].needs == ("cap",)
    assert KINDS["sound"].needs == ()
