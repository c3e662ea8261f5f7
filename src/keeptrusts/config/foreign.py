"""Recognises the files of other tools, so that the author hears what the file is, and not of fifty unknown keys."""

from collections.abc import Callable, Mapping
from typing import Any

_Tree = Mapping[str, Any]


def find_foreign_tool(tree: _Tree) -> tuple[str, str] | None:
    """The tool whose file this seems to be, and the key that gives it away. None for a pack, however wrong."""
    if "pack" in tree or "policies" in tree or "policy" in tree:
        return None
    for key, tool, is_it in _SIGNS:
        if key in tree and is_it(tree):
            return tool, key
    return None


def _always(_tree: _Tree) -> bool:
    return True


def _has(*keys: str) -> Callable[[_Tree], bool]:
    return lambda tree: all(key in tree for key in keys)


def _api_group(*groups: str) -> Callable[[_Tree], bool]:
    return lambda tree: "kind" in tree and str(tree["apiVersion"]).partition("/")[0] in groups


def _is_bifrost(tree: _Tree) -> bool:
    providers = tree["providers"]
    return isinstance(providers, dict) and any(isinstance(one, dict) and "keys" in one for one in providers.values())


def _is_portkey(tree: _Tree) -> bool:
    targets = tree.get("targets")
    return isinstance(targets, list) or "virtual_key" in tree or "mode" in str(tree.get("strategy"))


_SIGNS: tuple[tuple[str, str, Callable[[_Tree], bool]], ...] = (
    ("model_list", "the LiteLLM proxy", _always),
    ("litellm_settings", "the LiteLLM proxy", _always),
    ("router_settings", "the LiteLLM proxy", _has("general_settings")),
    ("_format_version", "Kong's declarative configuration", _always),
    ("apiVersion", "Envoy AI Gateway", _api_group("aigateway.envoyproxy.io")),
    ("apiVersion", "the Kubernetes Gateway API", _api_group("gateway.networking.k8s.io", "gateway.envoyproxy.io")),
    ("apiVersion", "Kubernetes (a resource's manifest)", _has("kind")),
    ("openapi", "OpenAPI", _always),
    ("swagger", "OpenAPI (Swagger)", _always),
    ("virtual_key", "Portkey", _always),
    ("strategy", "Portkey", _is_portkey),
    ("override_params", "Portkey", _always),
    ("rails", "NeMo Guardrails", _always),
    ("binds", "agentgateway", _always),
    ("static_resources", "Envoy", _always),
    ("services", "Docker Compose", _always),
    ("providers", "Bifrost", _is_bifrost),
    ("endpoints", "the MLflow AI Gateway", _always),
)
