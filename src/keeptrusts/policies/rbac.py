"""`rbac`: which roles may use which models and tools. Judges names only, and knows a caller by its identity."""

import re
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keeptrusts.config.names import TOOL, Header, ModelGlob, Name, ToolGlob
from keeptrusts.contract.call import Call
from keeptrusts.contract.identity import Identity
from keeptrusts.policies.globs import Globs
from keeptrusts.policies.verdict import ALLOW, Block, Phase, Verdict

_is_tool = re.compile(TOOL).match

_Models = Annotated[tuple[ModelGlob, ...], Meta(max_length=500)]
_Tools = Annotated[tuple[ToolGlob, ...], Meta(max_length=500)]


class RoleRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one role may use. Without an allow list all is allowed that is not denied; an empty one allows nothing."""

    allowed_models: _Models | UnsetType = UNSET
    denied_models: _Models = ()
    allowed_tools: _Tools | UnsetType = UNSET
    denied_tools: _Tools = ()


class RbacSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `rbac`. `deny_if_missing` names identity headers without which a call is refused."""

    deny_if_missing: Annotated[tuple[Header, ...], Meta(max_length=16)] = ()
    roles: Annotated[dict[Name, RoleRules], Meta(max_length=200)] = {}


class Rbac:
    """Judges a call by who makes it: which model it asks for, which tools it offers. Immutable and shared by all calls.

    Where the pack names roles, a caller without one of them may use nothing. What is denied is denied in any case of
    letters; what is allowed must be written as the pack has it.
    """

    kind = "rbac"
    phases = frozenset({Phase.INPUT})

    def __init__(self, spec: RbacSpec) -> None:
        self._needed = tuple(header.lower() for header in spec.deny_if_missing)
        self._roles = {name: _Rules(rules) for name, rules in spec.roles.items()}

    @classmethod
    def compile(cls, spec: RbacSpec) -> "Rbac":
        return cls(spec)

    @property
    def identity_headers(self) -> tuple[str, ...]:
        return self._needed

    def judge_call(self, call: Call, identity: Identity) -> Verdict:
        for header in self._needed:
            if identity.find(header) is None:
                return Block("identity_missing", _missing(header))
        if not self._roles:
            return ALLOW
        rules = self._roles.get(identity.role or "")
        if rules is None or not rules.models.permits(call.model):
            return Block("model_not_allowed", f"{_who(identity)} may not use the model {call.model}.", param="model")
        for tool in call.tools:
            if not rules.tools.permits(tool):
                return Block("tool_not_allowed", f"{_who(identity)} may not use {_name(tool)}.", param="tools")
        return ALLOW

    def permits_model(self, model: str, identity: Identity) -> bool:
        if not self._roles:
            return True
        rules = self._roles.get(identity.role or "")
        return rules is not None and rules.models.permits(model)


class _Rules:
    """What one role may use."""

    def __init__(self, rules: RoleRules) -> None:
        self.models = _Lists(rules.allowed_models, rules.denied_models)
        self.tools = _Lists(rules.allowed_tools, rules.denied_tools)


class _Lists:
    """An allow list, None where all is allowed, and a deny list that wins."""

    def __init__(self, allowed: tuple[str, ...] | UnsetType, denied: tuple[str, ...]) -> None:
        self._allowed = None if allowed is UNSET else Globs(allowed)
        self._denied = Globs(denied, ignore_case=True)

    def permits(self, name: str) -> bool:
        return name not in self._denied and (self._allowed is None or name in self._allowed)


def _missing(header: str) -> str:
    return (
        f"This call does not say who it is for: {header} is missing, or does not count. Identity headers count only "
        "for callers with the token of a gateway that runs with --trust-identity-headers."
    )


def _who(identity: Identity) -> str:
    return "A caller without a role" if identity.role is None else f"The role {identity.role}"


def _name(tool: str) -> str:
    """A tool's name may be anything that a client made up; only what looks like a name is repeated."""
    return f"the tool {tool}" if _is_tool(tool) else "a tool of that name"
