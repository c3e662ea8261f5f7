"""Members of a call that the gateway relies on."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.fields import read_count, read_flag, read_list, read_model, read_object


def test_what_is_absent_or_null():
    for tree in ({}, {"x": None}):
        assert read_flag(tree, "x") is False
        assert read_count(tree, "x") is None
        assert read_list(tree, "x") == []
        assert read_object(tree, "x") == {}


def test_what_is_there():
    assert read_flag({"x": True}, "x") is True
    assert [read_count({"x": value}, "x") for value in (0, 7, 7.0)] == [0, 7, 7]
    assert read_list({"x": [1]}, "x") == [1]
    assert read_object({"x": {"a": 1}}, "x") == {"a": 1}


@pytest.mark.parametrize("read", [read_flag, read_count, read_list, read_object])
@pytest.mark.parametrize("value", ["secret", -1, 1.5, float("inf")])
def test_the_wrong_type_is_named_but_not_quoted(read, value):
    with pytest.raises(Fault) as raised:
        read({"x": value}, "x")
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, "x")
    assert "secret" not in raised.value.message


@pytest.mark.parametrize(
    "model", ["gpt-4o", "a", "ft:gpt-4o:org::id", "@cf/meta/llama", "models/gemini-2.5", "A" * 128]
)
def test_models(model):
    if model.startswith("@"):
        with pytest.raises(Fault):
            read_model({"model": model}, None)
    else:
        assert read_model({"model": model}, None) == model


def test_a_model_may_have_a_default():
    assert read_model({}, "omni") == "omni"
    with pytest.raises(Fault, match="is missing"):
        read_model({}, None)
    with pytest.raises(Fault, match="is missing"):
        read_model({"model": None}, "omni")
