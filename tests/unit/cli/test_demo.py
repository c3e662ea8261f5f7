import json
import shlex

import pytest

from keeptrusts.cli.demo import curl, introduce, make_pack
from keeptrusts.policies.catalog import load_pack


def test_without_keys_both_dialects_go_to_the_fake_provider():
    pack = load_pack(make_pack({}, "http://127.0.0.1:9").encode())
    assert [(target.format, target.base_url) for target in pack.providers.targets] == [
        ("openai", "http://127.0.0.1:9"),
        ("anthropic", "http://127.0.0.1:9"),
    ]
    assert pack.policies.chain == ("pii-detector", "audit-logger")


@pytest.mark.parametrize(
    ("keys", "providers"),
    [
        (["OPENAI_API_KEY"], ["openai"]),
        (["ANTHROPIC_API_KEY"], ["anthropic"]),
        (["ANTHROPIC_API_KEY", "OPENAI_API_KEY"], ["openai", "anthropic"]),
    ],
)
def test_with_keys_the_real_providers_are_called(keys, providers):
    pack = load_pack(make_pack(dict.fromkeys(keys, "sk-x"), None).encode())
    assert [target.provider for target in pack.providers.targets] == providers
    assert sorted(target.secret_key_ref.env for target in pack.providers.targets) == sorted(keys)


def test_no_key_is_ever_written_or_printed():
    keys = {"OPENAI_API_KEY": "sk-secret", "ANTHROPIC_API_KEY": "sk-secret"}
    assert "sk-secret" not in make_pack(keys, None)
    assert "sk-secret" not in introduce("http://127.0.0.1:1", keys, "pack.yaml", "kt events tail")


@pytest.mark.parametrize("anthropic", [True, False])
def test_the_call_to_try_is_a_command_that_a_shell_understands(anthropic):
    words = shlex.split(curl("http://127.0.0.1:1", "it's me", anthropic=anthropic).replace("\\\n", ""))
    assert words[0] == "curl"
    assert json.loads(words[-1])["messages"] == [{"role": "user", "content": "it's me"}]
