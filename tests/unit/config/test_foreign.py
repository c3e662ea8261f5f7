"""Files of other tools are called by their names."""

import pytest

from keeptrusts.config.foreign import find_foreign_tool


@pytest.mark.parametrize(
    ("tree", "tool"),
    [
        ({"model_list": [{"model_name": "x"}]}, "LiteLLM"),
        ({"litellm_settings": {}}, "LiteLLM"),
        ({"router_settings": {}, "general_settings": {}}, "LiteLLM"),
        ({"_format_version": "3.0", "services": []}, "Kong"),
        ({"apiVersion": "aigateway.envoyproxy.io/v1alpha1", "kind": "AIGatewayRoute"}, "Envoy AI Gateway"),
        ({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}, "Kubernetes Gateway API"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "Kubernetes"),
        ({"openapi": "3.1.0", "paths": {}}, "OpenAPI"),
        ({"swagger": "2.0"}, "OpenAPI"),
        ({"strategy": {"mode": "fallback"}, "targets": []}, "Portkey"),
        ({"virtual_key": "x"}, "Portkey"),
        ({"rails": {}, "models": []}, "NeMo"),
        ({"binds": []}, "agentgateway"),
        ({"static_resources": {}}, "Envoy"),
        ({"services": {"gateway": {"image": "x"}}}, "Docker Compose"),
        ({"providers": {"openai": {"keys": []}}}, "Bifrost"),
        ({"endpoints": []}, "MLflow"),
    ],
)
def test_a_file_of_another_tool_is_recognised(tree, tool):
    found = find_foreign_tool(tree)
    assert found is not None
    assert tool in found[0]
    assert found[1] in tree


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"pack": {}, "model_list": []},
        {"providers": {"targets": []}},
        {"providers": None},
        {"policies": {}, "services": {}},
        {"apiVersion": "v1"},
        {"apiVersion": None},
        {"strategy": "ordered"},
        {"router_settings": {}},
    ],
)
def test_a_pack_however_wrong_is_nobody_elses(tree):
    assert find_foreign_tool(tree) is None
