"""Each check on its own: what is well, what is not, and what to do about it."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keeptrusts.cli.checkup import Checkup, Finding, format_finding
from keeptrusts.cli.init import PACK
from keeptrusts.gateway.settings import parse_address

NOW = datetime(2126, 1, 1, tzinfo=UTC)
TRUSTED = {"KEEPTRUSTS_TRUST_IDENTITY_HEADERS": "true"}
SOUND = PACK.format(name="team-a")


class StoppedClock:
    def __init__(self, now):
        self._now = now

    def now(self):
        return self._now

    def unix_ns(self):
        return int(self._now.timestamp() * 1e9)

    def monotonic(self):
        return 0.0


def checkup(tmp_path, *, now=NOW, pack=None, listen="127.0.0.1:0", offline=True, **environment):
    file = tmp_path / "policy-config.yaml"
    if pack is not None:
        file.write_text(pack)
    return Checkup(environment, StoppedClock(now), file, parse_address(listen), tmp_path / "a" / "b", offline)


def test_what_is_not_named_comes_from_the_environment():
    named = {"KEEPTRUSTS_POLICY_CONFIG": "p.yaml", "KEEPTRUSTS_LISTEN": "127.0.0.1:7", "KEEPTRUSTS_STATE_DIR": "/s"}
    planned = Checkup.plan(named, StoppedClock(NOW), None, None, None, offline=True)
    assert (planned.pack_file, str(planned.listen), planned.state_root) == (Path("p.yaml"), "127.0.0.1:7", Path("/s"))
    planned = Checkup.plan(named, StoppedClock(NOW), Path("q"), "[::1]:8", Path("t"), offline=True)
    assert (planned.pack_file, str(planned.listen), planned.state_root) == (Path("q"), "[::1]:8", Path("t"))
    assert Checkup.plan({}, StoppedClock(NOW), None, None, None, offline=True).pack_file is None


def test_looking_at_the_state_directory_leaves_nothing_behind(tmp_path):
    assert checkup(tmp_path).state_dir().level == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_text("a file where a directory should be")
    assert checkup(tmp_path).state_dir().level == "bad"


def test_a_port_in_use_is_bad(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = checkup(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}").port()
    assert found.level == "bad"
    assert "--listen" in found.remedy
    assert checkup(tmp_path).port().level == "ok"


def test_a_token_is_needed_where_others_can_call(tmp_path):
    assert checkup(tmp_path).token().level == "ok"
    assert checkup(tmp_path, listen="0.0.0.0:0").token().level == "bad"
    assert checkup(tmp_path, listen="0.0.0.0:0", KEEPTRUSTS_GATEWAY_TOKEN="x" * 16).token().level == "ok"


def test_a_packs_problems_and_warnings_are_findings(tmp_path):
    pack, found = checkup(tmp_path, pack=SOUND.replace("pii-detector", "pii-detectr", 1)).pack()
    assert pack is None
    assert [finding.level for finding in found] == ["bad", "warning"]
    pack, found = checkup(tmp_path, pack=SOUND).pack()
    assert pack is not None
    assert [finding.level for finding in found] == ["ok"]


def test_a_pack_that_is_not_there_is_bad_and_one_that_was_not_named_a_warning(tmp_path):
    assert checkup(tmp_path).pack()[1][0].level == "bad"
    unnamed = Checkup.plan({}, StoppedClock(NOW), None, "127.0.0.1:0", tmp_path, offline=True)
    assert unnamed.pack()[1][0].level == "warning"
    assert [finding.level for finding in unnamed.findings()] == ["ok", "ok", "ok", "ok", "warning", "ok"]


@pytest.mark.parametrize(
    ("reference", "environment", "level"),
    [
        ("env: OPENAI_API_KEY", {"OPENAI_API_KEY": "sk-x"}, "ok"),
        ("env: OPENAI_API_KEY", {"OPENAI_API_KEY": "two words"}, "bad"),
        ("env: OPENAI_API_KEY", {}, "bad"),
        ("env: OPENAI_API_KEY", {"OPENAI_API_KEY_FILE": "{folder}/openai"}, "ok"),
        ("file: openai", {"KEEPTRUSTS_SECRETS_DIR": "{folder}"}, "ok"),
        ("file: other", {"KEEPTRUSTS_SECRETS_DIR": "{folder}"}, "bad"),
        ("file: openai", {}, "bad"),
    ],
)
def test_secrets_are_looked_for_where_the_gateway_will(tmp_path, reference, environment, level):
    (tmp_path / "openai").write_text("sk-x\n")
    given = {name: value.format(folder=tmp_path) for name, value in environment.items()}
    made = checkup(tmp_path, pack=SOUND.replace("env: OPENAI_API_KEY", reference), **given)
    (found,) = made.secrets(made.pack()[0])
    assert found.level == level
    assert "sk-x" not in repr(found)


@pytest.mark.parametrize(
    ("chain", "environment", "levels"),
    [
        ("pii-detector", {}, []),
        ("rbac", {}, ["warning"]),
        ("rbac", TRUSTED | {"KEEPTRUSTS_GATEWAY_TOKEN": "a-token-of-the-gateway"}, ["ok"]),
        ("pii-detector", TRUSTED, ["bad"]),
        ("pii-detector", {"KEEPTRUSTS_TRUST_IDENTITY_HEADERS": "yes"}, ["bad"]),
    ],
)
def test_roles_that_nobody_can_have_are_told(tmp_path, chain, environment, levels):
    pack = SOUND.replace("    - pii-detector\n", f"    - {chain}\n")
    findings = [found for found in checkup(tmp_path, pack=pack, **environment).findings() if found.check == "identity"]
    assert [found.level for found in findings] == levels


def test_the_clock_is_compared_with_the_installation_or_a_provider(tmp_path):
    assert checkup(tmp_path).clock_alone().level == "ok"
    assert checkup(tmp_path, now=datetime(1990, 1, 1, tzinfo=UTC)).clock_alone().level == "bad"
    assert checkup(tmp_path).clock_beside(NOW + timedelta(seconds=20)).level == "ok"
    assert checkup(tmp_path).clock_beside(NOW - timedelta(seconds=40)).level == "warning"


def test_an_unreachable_provider_is_bad_and_offline_nobody_is_asked(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pack = SOUND.replace("      model:", f"      base_url: http://127.0.0.1:{port}\n      model:")
    made = checkup(tmp_path, pack=pack, offline=False)
    assert [(found.level, found.check) for found in made.network(made.pack()[0])] == [
        ("bad", "network"),
        ("ok", "clock"),
    ]
    made = checkup(tmp_path, pack=pack)
    assert [found.check for found in made.network(made.pack()[0])] == ["clock"]


def test_a_finding_is_printed_without_raw_control_characters():
    assert format_finding(Finding("bad", "x", "a\x1b[1m", "b\n")) == "bad     x: a\\x1b[1m\n        = b\\n"
    assert format_finding(Finding("ok", "x", "a")) == "ok      x: a"
