"""Settings of `prompt-injection`."""

import msgspec
import pytest

from keeptrusts.policies.prompt_injection import Encoding, InjectionResponse, PromptInjectionSpec


def test_defaults_take_off_every_disguise_and_block():
    spec = msgspec.convert({}, PromptInjectionSpec)
    assert spec.encoding == Encoding(decode_base64=True, normalize_unicode=True, detect_homoglyphs=True)
    assert spec.scope == ("user", "tool_results")
    assert spec.response.action == "block"
    assert spec.unreadable == "block"


def test_own_words_and_patterns_are_kept():
    written = {"detection": {"attack_patterns": ["(?i)ignore"]}, "response": {"action": "flag", "message": "No."}}
    spec = msgspec.convert(written, PromptInjectionSpec)
    assert spec.detection.attack_patterns == ("(?i)ignore",)
    assert spec.response == InjectionResponse(action="flag", message="No.")


@pytest.mark.parametrize(
    "written",
    [
        {"scope": []},
        {"scope": ["system"]},
        {"detection": {"attack_patterns": ["a"] * 101}},
        {"detection": {"attack_patterns": ["a" * 1025]}},
        {"response": {"action": "redact"}},
        {"encoding": {"decode_rot13": True}},
    ],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, PromptInjectionSpec)
