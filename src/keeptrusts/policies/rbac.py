"""`rbac`: what the author of a pack may say about which roles may use which models and tools."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keeptrusts.config.names import Header, ModelGlob, Name, ToolGlob

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
