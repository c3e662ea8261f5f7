"""Names have one grammar each, the same for Python and for the schema's validator, and words to explain it."""

import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config import names

GOOD = {
    names.NAME: ["a", "team-alpha-prod", "0.x_y", "a" * 63],
    names.VERSION: ["0.1.0", "0.10", "1", "v2+build-3", "a" * 32],
    names.MODEL: ["gpt-4o-mini", "meta-llama/Llama-3.1-8B:free", "m@1", "A" * 128],
    names.UPSTREAM_MODEL: ["*", "gpt-4o"],
    names.MODEL_GLOB: ["*", "gpt-4*", "a/*:b"],
    names.TOOL: ["web_search", "mcp"],
    names.TOOL_GLOB: ["web_*", "*"],
    names.ENV_NAME: ["TEAM_ALPHA_OPENAI_KEY", "_x", "a1"],
    names.VARIABLE: ["OPENAI_API_KEY", "a.b-c"],
    names.FILE: ["openai", "team/openai.key", "/run/secrets/openai key"],
    names.HEADER: ["Authorization", "x-api-key", "openai-organization"],
    names.HEADER_VALUE: ["x", "org-1 two", "~" * 1024],
    names.PREFIX: ["", "Bearer ", " "],
    names.API_VERSION: ["2024-10-21", "2025-04-01-preview"],
    names.TIMEZONE: ["UTC", "Europe/Berlin", "Etc/GMT+1"],
    names.BASE_URL: [
        "https://api.openai.com",
        "http://localhost:11434/v1/",
        "https://[::1]:8443",
        "http://my_service:8080/a/b%20c",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ],
}
BAD = {
    names.NAME: ["", "A", "-a", ".a", "a b", "a/b", "a" * 64, "é", "a\n"],
    names.VERSION: ["", "a b", "1" * 33, "1/2", "1\n", "\x1b[1m"],
    names.MODEL: ["", "*", "-a", "a b", "a" * 129, "a?b", "a\r\nx: y", "a\n"],
    names.UPSTREAM_MODEL: ["", "gpt-*", "**", "*\n"],
    names.MODEL_GLOB: ["", "gpt-4?", "[ab]", "-x", "*\n"],
    names.TOOL: ["", "a*", "a b", "a\n"],
    names.TOOL_GLOB: ["", "a b", "a\n"],
    names.ENV_NAME: ["", "1A", "A-B", "sk-abc", "A=B", "A\n"],
    names.VARIABLE: ["", "a b", "a/b", "a" * 129, "a\n"],
    names.FILE: ["", "a\x00b", "a\nb", "a\\b", "a\n"],
    names.HEADER: ["", "a b", "a:b", "x\r\nHost: evil", "é", "a" * 65, "a\n"],
    names.HEADER_VALUE: ["", " x", "x ", "a\r\nb: c", "é", "~" * 1025, "a\n", "\t"],
    names.PREFIX: ["x\r\nHost: evil", "é", "a" * 65, "a\n", "\x00"],
    names.API_VERSION: ["", "2024&x=1", "a b", "1" * 33, "1\n"],
    names.TIMEZONE: ["", "../etc", "1", "UTC\n"],
    names.BASE_URL: [
        "",
        "api.openai.com",
        "ftp://a",
        "https://",
        "https://user@host",
        "https://user:pw@host/v1",
        "https://host?a=b",
        "https://host/v1#f",
        "https://host:port",
        "https://host/a b",
        "https://-host",
        "https://host/\x1b",
        "https://host\n",
        "javascript:alert(1)",
        "https://a\\@b",
    ],
}


def matches(pattern, text):
    python = re.search(pattern, text) is not None
    rust = jsonschema_rs.is_valid({"type": "string", "pattern": pattern}, text)
    assert python is rust, "Python and the schema's validator disagree"
    return python


@pytest.mark.parametrize(("pattern", "text"), [(pattern, text) for pattern, texts in GOOD.items() for text in texts])
def test_sound_names_pass(pattern, text):
    assert matches(pattern, text)


@pytest.mark.parametrize(("pattern", "text"), [(pattern, text) for pattern, texts in BAD.items() for text in texts])
def test_names_that_could_do_harm_do_not_pass(pattern, text):
    assert not matches(pattern, text)


def test_every_grammar_has_words_and_both_kinds_of_examples():
    assert set(GOOD) == set(BAD) == set(names.WORDS)


@given(st.sampled_from(sorted(names.WORDS)), st.text(alphabet="aA0.-_:/@*? \n\r\x1b\x00é[]#%=\\", max_size=8))
def test_python_and_the_validator_read_every_grammar_alike(pattern, text):
    matches(pattern, text)


@given(st.characters(max_codepoint=255), st.sampled_from([names.HEADER, names.HEADER_VALUE, names.PREFIX]))
def test_nothing_but_visible_ascii_reaches_a_header(char, pattern):
    if matches(pattern, f"a{char}b"):
        assert char == " " or "!" <= char <= "~"
