"""What is shown of a pack holds no secret, no control character, and fits a line."""

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.excerpts import MASK, WIDTH, Excerpts, escape, hide, is_sensitive, shorten, show

CANARY = "hunter2correct"


def of(text, line=1, path=()):
    return Excerpts(text).of(line, 1, path)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  name: team-a", "name: team-a"),
        ("  api_key: hunter2", "api_key: ***"),
        ("  - {id: a, password: 'x y', model: m}", "- {id: a, password: ***"),
        ('"client_secret" : "x"', '"client_secret" : ***'),
        ("secret_key_ref: {env: TEAM_ALPHA_OPENAI_KEY}", "secret_key_ref: {env: TEAM_ALPHA_OPENAI_KEY}"),
        ("secret_key_ref: {env: hunter2}", "secret_key_ref: ***"),
        ("secret_key_ref: hunter2", "secret_key_ref: ***"),
        ("secret_key_ref: # the key: hunter2", "secret_key_ref: # the key: ***"),
        ("max_output_tokens: many", "max_output_tokens: many"),
        ("api_key_header: X Y", "api_key_header: X Y"),
        ("base_url: https://me:hunter2@host", "base_url: https://***@host"),
        ("model: sk-proj-abcdefgh1234", "model: ***"),
        ("- kt_gk_rabc_def", "- ***"),
        ("note: AKIAIOSFODNN7EXAMPLE", "note: ***"),
        ("note: Bearer hunter2", "note: Bearer ***"),
        ("id: 0123456789abcdef0123456789abcdef", "id: ***"),
        ("model: abcdefghijklmnopqrstuvwxyzabcdefghij", "model: abcdefghijklmnopqrstuvwxyzabcdefghij"),
    ],
)
def test_secrets_are_masked_and_the_rest_stays_readable(line, shown):
    assert of(line) == shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"password:\n  {CANARY}", 2),
        (f"password: |\n  first\n  {CANARY}", 3),
        (f"password: # why\n{CANARY}", 2),
        (f"secret_key_ref:\n  a:\n    b: {CANARY}", 3),
        (f"? password\n: {CANARY}", 2),
        (f"tokens:\n\n  - {CANARY}", 3),
        (f"secret_key_ref:\n  env: {CANARY}", 2),
    ],
)
def test_values_below_a_sensitive_key_are_masked(text, line):
    assert CANARY not in of(text, line)
    assert MASK in of(text, line)


def test_a_variables_name_below_a_reference_stays_readable():
    assert of("secret_key_ref:\n  env: OPENAI_API_KEY # prod", 2) == "env: OPENAI_API_KEY # prod"


def test_a_problem_below_a_sensitive_path_masks_its_line():
    assert of(f"a: {CANARY}", 1, ("secrets", "a")) == "a: ***"


def test_an_excerpt_is_short_and_shows_the_column():
    line = "x" * 500 + "HERE" + "y" * 500
    shown = Excerpts(line).of(1, 501, ())
    assert len(shown) <= WIDTH
    assert "HERE" in shown


def test_a_line_that_is_not_there_has_no_excerpt():
    assert Excerpts("a").of(7, 1, ()) == ""
    assert Excerpts("").of(0, 1, ()) == ""


def test_control_characters_are_escaped():
    assert escape("a\x1b[31mb\u202e\n") == "a\\x1b[31mb\\u202e\\n"
    assert of("a: \x1b]8;;x\x07") == "a: \\x1b]8;;x\\x07"


def test_values_in_messages_are_quoted_short_or_not_at_all():
    assert show("redat", ("policy", "x", "action")) == "`redat`"
    assert show(True, ()) == "`true`"
    assert show("hunter2", ("secret_key_ref", "env")) == "this value"
    assert len(show("x" * 1000, ())) < 50
    assert shorten("sk-abcdefghijkl") == MASK


def test_only_names_that_may_hold_secrets_are_sensitive():
    assert all(
        is_sensitive(name) for name in ("api_key", "apiKey", "PASSWORD", "authToken", "secret_key_ref", "Cookie")
    )
    assert not any(is_sensitive(name) for name in ("max_output_tokens", "token_rate_limit", "api_key_header", "model"))


@given(st.text(alphabet="aA0 :=-_\"'{}[]#\n\tkeysctoknpaw", max_size=60), st.integers(1, 5), st.integers(1, 60))
def test_an_excerpt_never_fails(text, line, column):
    assert len(Excerpts(text).of(line, column, ())) <= WIDTH


sensitive = st.sampled_from(["api_key", "password", "client_secret", "token", "Authorization", "secret_key_ref"])
wrapped = st.sampled_from(
    [
        lambda key: {key: CANARY},
        lambda key: {key: [1, CANARY]},
        lambda key: {key: {"value": CANARY, "other": 1}},
        lambda key: {"list": [{"a": 1, key: CANARY}]},
        lambda key: {"x": {key: f"line one\n{CANARY}\nline three"}},
    ]
)


@given(
    wrapped, sensitive, st.booleans(), st.sampled_from([None, 20, 4000]), st.sampled_from(["json", "yaml", "indented"])
)
def test_no_layout_of_a_secret_shows_it_on_any_line(wrap, key, flow, width, writer):
    tree = {"first": 1, "inner": wrap(key), "last": "end"}
    if writer == "yaml":
        text = yaml.safe_dump(tree, default_flow_style=flow, width=width, sort_keys=False)
    else:
        text = json.dumps(tree, indent=2 if writer == "indented" else None)
    excerpts = Excerpts(text)
    for number in range(1, text.count("\n") + 2):
        assert CANARY not in excerpts.of(number, 1, ())


@pytest.mark.usefixtures("untraced")
def test_masking_a_huge_line_is_quick():
    for filler in ("a", "key", "key: ", "sk-", "://", "k.-", "Bearer ", "eyJaaaaaaaa."):
        line = (filler * (262_144 // len(filler)))[:262_144]
        begin = time.process_time()
        assert len(Excerpts(line).of(1, 100_000, ())) <= WIDTH
        hide(line)
        assert time.process_time() - begin < 0.5


def test_a_number_beside_a_secret_is_shown():
    lines = ["- id: key_a", "  weight: -1", "- {weight: -1, secret_key_ref: {env: sk-ant-123}}"]
    excerpts = Excerpts("\n".join(lines))
    assert excerpts.of(2, 11, ("targets", 0, "weight")) == "weight: -1"
    assert excerpts.of(2, 11, ()) == "weight: ***"
    assert excerpts.of(3, 30, ("targets", 1, "secret_key_ref", "env")) == "- {weight: -1, secret_key_ref: ***"
