"""A small pack and a few kinds of policies, for tests of the language that need no real policy."""

import copy
import json
from typing import Any

import msgspec

from keeptrusts.config.kinds import PolicyKind
from keeptrusts.config.load import Judge, Judged
from keeptrusts.config.problems import Problem


class SoundSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that a policy compiles, unless a word is `bad`."""

    action: str = "redact"
    words: tuple[str, ...] = ()


class CapSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings with one that has no default."""

    cap: int


class BadWordError(ValueError):
    def __init__(self, index: int) -> None:
        super().__init__("refused")
        self.path = f"words[{index}]"
        self.message = "this word cannot be compiled"
        self.suggestion = "take another word"


def compile_sound(spec: SoundSpec) -> SoundSpec:
    for index, word in enumerate(spec.words):
        if word == "bad":
            raise BadWordError(index)
    return spec


KINDS = {
    kind.name: kind
    for kind in (
        PolicyKind(name="sound", spec=SoundSpec, compile=compile_sound, phases=("input",), summary="is fine"),
        PolicyKind(name="cap", spec=CapSpec, compile=lambda spec: spec, phases=("input",), summary="needs a cap"),
        PolicyKind(
            name="counts",
            spec=SoundSpec,
            compile=compile_sound,
            phases=("admission",),
            summary="counts money",
            needs_prices=True,
        ),
        PolicyKind(name="later", spec=SoundSpec, compile=None, phases=("input",), summary="comes later"),
    )
}
JUDGE = Judge(KINDS)

PACK: dict[str, Any] = {
    "pack": {"name": "team-a", "version": "1.0"},
    "policies": {"chain": ["sound"]},
    "providers": {
        "targets": [
            {"id": "main", "provider": "openai", "model": "gpt-4o-mini", "secret_key_ref": {"env": "OPENAI_KEY"}}
        ]
    },
}


def pack(**sections: Any) -> dict[str, Any]:
    """The small pack with other sections; `target` changes fields of its only target."""
    tree = copy.deepcopy(PACK)
    tree["providers"]["targets"][0].update(sections.pop("target", {}))
    tree["providers"].update(sections.pop("providers", {}))
    return tree | sections


def judge(tree: Any) -> Judged:
    """Judge a tree as a file that holds it; JSON is YAML."""
    return JUDGE.judge(json.dumps(tree, ensure_ascii=False))


def codes(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems]


def found(tree: Any) -> list[tuple[str, str]]:
    return codes(judge(tree).problems)


def warned(tree: Any) -> list[tuple[str, str]]:
    return codes(judge(tree).warnings)
