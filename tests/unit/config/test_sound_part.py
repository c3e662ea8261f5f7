"""What can still be judged of settings in which something is wrong."""

from typing import Any

from keeptrusts.config.sound_part import SoundPart

SCHEMA: dict[str, Any] = {"properties": {}}


def test_what_was_objected_to_is_left_out():
    part = SoundPart({"a": 1, "b": {"c": 2, "d": 3}}, [("a",), ("b", "c")], SCHEMA)
    assert part.settings == {"b": {"d": 3}}


def test_an_entry_of_a_list_is_left_out_whole_and_places_stay_those_of_the_text():
    part = SoundPart({"words": ["x", {"n": 1}, "y", 7, "z"]}, [("words", 1, "n"), ("words", 3)], SCHEMA)
    assert part.settings == {"words": ["x", "y", "z"]}
    assert [part.original(("words", index)) for index in range(3)] == [("words", 0), ("words", 2), ("words", 4)]
    assert part.original(("other", 1)) == ("other", 1)


def test_a_needed_number_is_stood_in_for():
    properties = {"cap": {"type": "number", "exclusiveMinimum": 4}, "count": {"type": "integer"}, "name": {}}
    schema = {"properties": properties, "required": ["cap", "count", "name"]}
    assert SoundPart({"cap": -1}, [("cap",)], schema).settings == {"cap": 5, "count": 1, "name": None}


def test_a_problem_that_the_gap_may_have_made_is_a_follow_up():
    part = SoundPart({"words": 5, "names": []}, [("words",)], SCHEMA)
    assert part.is_follow_up(())
    assert part.is_follow_up(("names",), "words")
    assert not part.is_follow_up(("names",))


def test_settings_that_are_no_mapping_are_left_as_they_are():
    assert SoundPart(5, [()], SCHEMA).settings == 5
