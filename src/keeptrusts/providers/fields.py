"""Reading the members of a call that the gateway relies on, with an exact error for each that cannot be relied on."""

import re
from functools import lru_cache
from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import ServiceTier

_MAX_MODEL = 128
_TIERS: dict[str, ServiceTier] = {"default": "standard", "flex": "flex", "priority": "priority", "fast": "fast"}
_is_model = lru_cache(maxsize=1024)(re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*").fullmatch)


def read_model(tree: dict[str, Any], default: str | None) -> str:
    """The model asked for. Raises Fault(INVALID_REQUEST) for none, or for a name outside the grammar."""
    model = tree.get("model", default)
    if type(model) is str and len(model) <= _MAX_MODEL and _is_model(model):
        return model
    if model is None:
        raise Fault(Code.INVALID_REQUEST, "`model` is missing; name the model that should answer.", param="model")
    raise Fault(
        Code.INVALID_REQUEST,
        "`model` must be 1 to 128 letters, digits and . _ : / @ -, beginning with a letter or digit.",
        param="model",
    )


def read_tier(tree: dict[str, Any]) -> ServiceTier | None:
    """OpenAI's `service_tier`. None where the provider chooses: for `auto`, for none, and for what we do not know."""
    value = tree.get("service_tier")
    return _TIERS.get(value) if type(value) is str else None


def read_flag(tree: dict[str, Any], key: str) -> bool:
    """A boolean that may be absent or null."""
    value = tree.get(key)
    if value is None or value is False:
        return False
    if value is True:
        return True
    raise Fault(Code.INVALID_REQUEST, f"`{key}` must be true or false.", param=key)


def read_count(tree: dict[str, Any], key: str) -> int | None:
    """A whole number that is at least 0, None where it is absent or null."""
    value = tree.get(key)
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is int and value >= 0:
        return value
    raise Fault(Code.INVALID_REQUEST, f"`{key}` must be a whole number that is not negative.", param=key)


def read_list(tree: dict[str, Any], key: str) -> list[Any]:
    """A list that may be absent or null."""
    value = tree.get(key)
    if value is None:
        return []
    if type(value) is list:
        return value
    raise Fault(Code.INVALID_REQUEST, f"`{key}` must be a list.", param=key)


def read_object(tree: dict[str, Any], key: str) -> dict[str, Any]:
    """An object that may be absent or null."""
    value = tree.get(key)
    if value is None:
        return {}
    if type(value) is dict:
        return value
    raise Fault(Code.INVALID_REQUEST, f"`{key}` must be an object.", param=key)
