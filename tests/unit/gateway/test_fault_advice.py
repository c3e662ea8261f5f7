"""Every way in which a call can fail is explained."""

from keeptrusts.contract.faults import Code
from keeptrusts.gateway.fault_advice import ADVICE


def test_every_code_has_a_sentence():
    assert set(ADVICE) == set(Code)
    assert all(sentence.endswith(".") and "|" not in sentence for sentence in ADVICE.values())
