"""Messages cross the channel as they are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from keeptrusts.config.problems import Problem
from keeptrusts.gateway.messages import AskStatus, PackVersion, Refused, Start, decode, encode
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import read_settings

PACK = PackVersion(content=b"pack", digest="sha256:1", source="file", applied_at=datetime(2026, 11, 23, tzinfo=UTC))
PROBLEM = Problem(code="E001", path="a", line=1, column=2, message="no", excerpt="")
FLAGS = {
    "policy_config": "pack.yaml",
    "listen": "[::1]:7",
    "admin_listen": "127.0.0.1:8",
    "tls_cert": "a",
    "tls_key": "b",
}
SETTINGS = read_settings({}, FLAGS)
PLACE = Place(directory=Path("/state/gateway-7"), instance_id="ins_1", boot_id="ab" * 16, index=1, workers=2)


@pytest.mark.parametrize(
    "message",
    [PACK, AskStatus(), Refused([PROBLEM]), Start(version="1", settings=SETTINGS, place=PLACE, pack=PACK)],
    ids=lambda message: type(message).__name__,
)
def test_a_message_is_read_as_it_was_written(message):
    assert decode(encode(message)) == message


def test_what_is_no_message_is_not_encoded():
    with pytest.raises(NotImplementedError):
        encode(object())
