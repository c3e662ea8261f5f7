"""The published JSON Schema and the types agree about every pack."""

import json

import jsonschema_rs
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.pack import Pack
from keeptrusts.config.schema import DIALECT, make_schema
from unit.config.samples import KINDS, PACK, pack

SCHEMA = make_schema(KINDS)
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)


def test_the_schema_is_a_schema():
    assert SCHEMA["$schema"] == DIALECT
    assert jsonschema_rs.meta.is_valid(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_schema_knows_the_kinds_and_their_settings():
    assert SCHEMA["$defs"]["Policies"]["properties"]["chain"]["items"]["enum"] == list(KINDS)
    assert set(SCHEMA["$defs"]["Pack"]["properties"]["policy"]["properties"]) == set(KINDS)
    assert VALIDATOR.is_valid(PACK)
    assert not VALIDATOR.is_valid(pack(policy={"nope": {}}))
    assert not VALIDATOR.is_valid(pack(policy={"cap": {}}))
    assert not VALIDATOR.is_valid(pack(policies={"chain": ["nope"]}))


def test_exactly_one_place_of_a_secret_is_asked_for():
    for reference, is_sound in [({}, False), ({"env": "A"}, True), ({"env": "A", "file": "b"}, False)]:
        assert VALIDATOR.is_valid(pack(target={"secret_key_ref": reference})) is is_sound


def paths(tree, path=()):
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from paths(value, (*path, key))


FULL = pack(
    target={
        "aliases": ["small", "gpt-4*"],
        "format": "openai",
        "base_url": "https://api.openai.com",
        "api_key_header": "Authorization",
        "api_key_prefix": "Bearer ",
        "headers": {"openai-organization": "org-1"},
        "timeouts": {"connect_s": 5},
        "price": {"input_per_mtok_usd": 0.15},
        "max_output_tokens": 16384,
        "data_policy": {"training_opt_out": True},
        "weight": 1,
    },
    providers={
        "routing": {"strategy": "ordered"},
        "fallback": {"triggers": ["timeout"]},
        "circuit_breaker": {"failure_threshold": 5},
        "server_tools": ["web_search"],
        "provider_state": "refuse",
    },
    size_limits={"max_body_bytes": 4096},
    limits={"max_in_flight": 10, "max_in_flight_per_key": 5},
    global_rate_limit={"max_requests": 5},
    user_rate_limit={"max_requests": 5, "header_names": ["x-user-id"]},
    token_rate_limit={"max_tokens": 5},
)
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        10**12,
        0.5,
        "",
        "x",
        "*",
        "a b",
        "a\n",
        "ordered",
        "UTC",
        "https://host",
        [],
        ["x"],
        {},
        {"x": "y"},
    ]
)


@given(st.sampled_from(list(paths(FULL))[1:]), VALUES)
def test_types_and_schema_judge_every_single_change_alike(path, value):
    tree = json.loads(json.dumps(FULL))
    node = tree
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    try:
        msgspec.convert(tree, Pack)
        is_sound = True
    except msgspec.ValidationError:
        is_sound = False
    if path[0] != "policies" and "secret_key_ref" not in path:  # kinds and the one reference only the schema knows
        assert VALIDATOR.is_valid(tree) is is_sound


def test_every_optional_field_may_be_left_out_and_every_unknown_one_is_refused():
    assert VALIDATOR.is_valid(FULL)
    msgspec.convert(FULL, Pack)
    for path in paths(FULL):
        node = json.loads(json.dumps(FULL))
        inner = node
        for step in path:
            inner = inner[step]
        if isinstance(inner, dict) and path[-1:] != ("headers",):
            inner["zzz"] = {}
            assert not VALIDATOR.is_valid(node)
