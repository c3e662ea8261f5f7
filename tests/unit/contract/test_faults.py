"""What can go wrong with a call, by name."""

import re

import pytest

from keeptrusts.contract.faults import Code, Fault


def test_a_fault_keeps_what_the_edge_needs_to_explain_it():
    fault = Fault(Code.INPUT_BLOCKED, "no", param="messages[0]", policy="pii-detector")
    assert (fault.code, fault.message, fault.param, fault.policy) == (
        "input_blocked",
        "no",
        "messages[0]",
        "pii-detector",
    )
    assert str(fault) == "no"


def test_a_fault_that_is_about_no_parameter_and_no_policy_says_so():
    fault = Fault(Code.DRAINING, "later")
    assert (fault.param, fault.policy) == (None, None)


@pytest.mark.parametrize("code", Code)
def test_every_code_is_a_word_that_clients_can_compare(code):
    assert re.fullmatch("[a-z]+(_[a-z]+)*", code)
    assert code.name.lower() in {code.value, code.value.removesuffix("_error")}
