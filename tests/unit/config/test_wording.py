"""Problems are told in words that help."""

from typing import Literal

import msgspec
import pytest

from keeptrusts.config.kinds import PolicyKind
from keeptrusts.config.load import Judge
from keeptrusts.config.wording import suggest_among, suggest_name
from unit.config.samples import JUDGE, judge, pack


def only(tree):
    (problem,) = judge(tree).problems
    return problem


@pytest.mark.parametrize(
    ("tree", "path", "message", "suggestion"),
    [
        (
            pack(pack={"name": "a", "version": "1", "enabld": True}),
            "pack.enabld",
            "not known",
            "did you mean `enabled`?",
        ),
        (
            pack(target={"api_key": "x"}),
            "providers.targets[0].api_key",
            "not known",
            "write `secret_key_ref: {env: NAME}`",
        ),
        (pack(pack={"name": "a"}), "pack.version", "`version` is missing", "add `version:` here"),
        (
            pack(pack={"name": "a", "version": "1", "enabled": "yes"}),
            "pack.enabled",
            "must be true or false, not text",
            "write true or false",
        ),
        (
            pack(pack={"name": "a", "version": "1", "description": 5}),
            "pack.description",
            "must be text, not a number",
            "put it in quotes",
        ),
        (
            pack(pack={"name": "a", "version": "1", "description": True}),
            "pack.description",
            "not true or false",
            "put it in quotes",
        ),
        (
            pack(target={"aliases": "small"}),
            "providers.targets[0].aliases",
            "must be a list, not text",
            "write [small]",
        ),
        (pack(policy={"sound": None}), "policy.sound", "no value", "leave the key out"),
        (pack(limits={"max_in_flight": "10"}), "limits.max_in_flight", "a whole number, not text", "without quotes"),
        (pack(limits={"max_in_flight": 0}), "limits.max_in_flight", "at least 1", ""),
        (pack(limits={"max_in_flight": 10**9}), "limits.max_in_flight", "at most 1000000", ""),
        (
            pack(limits={"max_in_flight": 1.5}),
            "limits.max_in_flight",
            "a whole number, not a number with a fraction",
            "",
        ),
        (
            pack(limits={"max_in_flight": 1.0}),
            "limits.max_in_flight",
            "a whole number, not a number with a fraction",
            "",
        ),
        (pack(target={"timeouts": {"idle_s": 0}}), "providers.targets[0].timeouts.idle_s", "more than 0", ""),
        (pack(target={"model": "a b"}), "providers.targets[0].model", "a model's name", ""),
        (pack(target={"headers": {"a b": "c"}}), 'providers.targets[0].headers["a b"]', "name of an HTTP header", ""),
        (pack(target={"format": "gemini"}), "providers.targets[0].format", "one of anthropic, openai", ""),
        (
            pack(target={"secret_key_ref": {}}),
            "providers.targets[0].secret_key_ref",
            "exactly one of env, store and file",
            "",
        ),
        (pack(providers={"targets": []}), "providers.targets", "at least 1 entries", ""),
        (
            pack(pack={"name": "a", "version": "1", "description": "x" * 2001}),
            "pack.description",
            "at most 2000 characters",
            "",
        ),
        (
            pack(policies={"chain": ["sund"]}),
            "policies.chain[0]",
            "no policy of the kind `sund`",
            "did you mean `sound`?",
        ),
        (pack(policy={"sund": {}}), "policy.sund", "no policy of the kind `sund`", "did you mean `sound`?"),
        (pack() | {"providers": []}, "providers", "a mapping of keys to values, not a list", ""),
    ],
)
def test_a_problem_says_what_and_what_to_do(tree, path, message, suggestion):
    problem = only(tree)
    assert problem.path == path
    assert message in problem.message
    assert suggestion in problem.suggestion


def test_alternatives_are_judged_by_the_one_that_was_meant():
    class Own(msgspec.Struct, forbid_unknown_fields=True):
        """A pattern with a name."""

        name: Literal["a", "b"]

    class Spec(msgspec.Struct, forbid_unknown_fields=True):
        """Patterns."""

        patterns: tuple[str | Own, ...] = ()
        phases: frozenset[Literal["input"]] = frozenset()

    kind = PolicyKind(name="p", spec=Spec, compile=lambda spec: spec, phases=(), summary="")
    judged = Judge({"p": kind}).judge(
        "pack: {name: a, version: 1}\npolicies: {chain: [p]}\n"
        "policy: {p: {patterns: [1, {name: c}, x, {nam: a}], phases: [input, input]}}\n"
        "providers: {targets: [{id: a, provider: openai, model: b}]}\n"
    )
    found = [(problem.code, problem.path.removeprefix("policy.p."), problem.message) for problem in judged.problems]
    assert found == [
        ("E004", "patterns[0]", "this must be text or a mapping of keys to values, not a number"),
        ("E004", "patterns[1].name", "`c` is not possible here; it must be one of a, b"),
        ("E004", "patterns[3].name", "`name` is missing"),
        ("E002", "patterns[3].nam", "this key is not known"),
        ("E004", "phases", "this list has the same entry twice"),
    ]


def test_the_nearest_name_is_suggested_or_all_of_them_or_nothing():
    assert suggest_among("Enabled", ["enabled", "name"]) == "did you mean `enabled`?"
    assert suggest_among("zzz", ["enabled", "name"]) == "possible here: enabled, name"
    assert suggest_among("zzz", []) == suggest_name("zzz", ["enabled"]) == ""


def test_values_under_sensitive_keys_and_credentials_are_not_quoted():
    judged = JUDGE.judge(
        "pack: {name: a, version: sk-abcdefghijklmn o}\npolicies: {chain: [sk-abcdefghijklmn]}\n"
        "providers: {targets: [{id: a, provider: openai, model: b, secret_key_ref: {env: hunter-2}, "
        "format: kt_gk_rabc}]}\n"
    )
    text = repr(judged)
    assert "abcdefghijklmn" not in text
    assert "hunter" not in text
    assert "rabc" not in text


@pytest.mark.parametrize("reference", ["sk-proj-abc", {"env": "sk-ant-123"}])
def test_a_credential_in_a_pack_is_told_where_it_belongs(reference):
    problem = only(pack(target={"secret_key_ref": reference}))
    assert "`secret_key_ref: {env: NAME}`" in problem.suggestion
    assert "sk-" not in str(problem) + problem.excerpt
