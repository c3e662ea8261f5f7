"""The authored pack as a value."""

import msgspec
import pytest

from keeptrusts.config.pack import Limits, Pack, SizeLimits
from unit.config.samples import PACK


def test_a_small_pack_has_the_documented_defaults():
    pack = msgspec.convert(PACK, Pack)
    assert pack.pack.enabled
    assert pack.size_limits == SizeLimits(max_body_bytes=33_554_432, max_response_bytes=67_108_864)
    assert pack.limits == Limits(max_in_flight=1000)
    assert pack.providers.routing.strategy == "ordered"
    assert pack.providers.server_tools == ()


def test_a_pack_written_out_holds_only_what_was_written_or_has_a_default():
    written = msgspec.to_builtins(msgspec.convert(PACK, Pack))
    assert written["pack"] == {"name": "team-a", "version": "1.0", "enabled": True, "description": ""}
    assert "global_rate_limit" not in written
    assert msgspec.convert(written, Pack) == msgspec.convert(PACK, Pack)


@pytest.mark.parametrize("section", ["pack", "providers"])
def test_a_pack_without_label_or_providers_is_refused(section):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({key: value for key, value in PACK.items() if key != section}, Pack)
