"""Settings of `dlp-filter`."""

import msgspec
import pytest

from keeptrusts.policies.dlp_filter import DlpFilterSpec


def test_defaults_redact_what_is_built_in():
    spec = msgspec.convert({}, DlpFilterSpec)
    assert (spec.action, spec.unreadable, spec.detect_patterns, spec.blocked_terms) == ("redact", "block", (), ())


@pytest.mark.parametrize(
    "written",
    [{"action": "flag"}, {"detect_patterns": [""]}, {"detect_patterns": ["a" * 1025]}, {"blocked_terms": ["a"] * 1001}],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, DlpFilterSpec)
