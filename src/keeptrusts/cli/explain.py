"""Tells a person what a kind of policy can be set to, or what a code means: a pack's problem, or a call's error.

Settings are read off the JSON Schema.
"""

import json
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from keeptrusts.config.codes import MEANINGS, Code
from keeptrusts.contract.faults import Code as CallCode
from keeptrusts.gateway.fault_advice import ADVICE
from keeptrusts.gateway.faults import RENDERINGS
from keeptrusts.policies.catalog import CATALOG, pack_schema

WIDTH = 100


class Setting(NamedTuple):
    """One setting of a policy: where it stands, what it may be, and what it is if not given."""

    path: str
    values: str
    default: str


def explain_code(code: Code) -> str:
    meaning = MEANINGS[code]
    return "\n".join([f"{code}: {meaning.title}", "", *_wrap(meaning.explanation), "", *_wrap(meaning.remedy)])


def explain_call_code(code: CallCode) -> str:
    """The error of a call: its status, whether the same call can succeed later, and what to do."""
    rendering = RENDERINGS[code]
    retry = "the same call can succeed later" if rendering.retry else "the same call fails again"
    head = f"{code}: an error of calls, status {rendering.status}, type {rendering.openai_type}; {retry}"
    return "\n".join([head, "", *_wrap(ADVICE[code])])


def list_call_codes() -> str:
    """Every error of calls as a table for the reference."""
    lines = ["| code | status | type | retry | what it means, and what to do |", "| --- | --- | --- | --- | --- |"]
    for code, rendering in RENDERINGS.items():
        retry = "yes" if rendering.retry else "no"
        lines.append(f"| `{code}` | {rendering.status} | `{rendering.openai_type}` | {retry} | {ADVICE[code]} |")
    return "\n".join(lines) + "\n"


def explain_kind(name: str) -> str:
    kind = CATALOG[name]
    lines = [f"{name}: {kind.summary}", f"Runs in: {', '.join(kind.phases)}"]
    if kind.compile is None:
        lines.append("Not supported yet: a chain that names it is refused (E008).")
    rows = list_settings(name)
    path_width = max(len(row.path) for row in rows)
    value_width = max(len(row.values) for row in rows)
    lines += ["", f"Settings, under policy.{name}:"]
    lines += [f"  {row.path:{path_width}}  {row.values:{value_width}}  {row.default}".rstrip() for row in rows]
    notes = _notes(kind.spec)
    if notes:
        lines += ["", *_wrap(notes)]
    return "\n".join(lines)


def _notes(spec: type) -> str:
    """What the type of the settings says of them, but for whose they are."""
    _, _, notes = " ".join((spec.__doc__ or "").split()).partition("`. ")
    return notes


def list_settings(name: str) -> list[Setting]:
    """Every setting of a kind, nested ones by their dotted path."""
    schema = pack_schema()
    root = schema["$defs"]["Pack"]["properties"]["policy"]["properties"][name]
    return list(_settings(schema, root, ""))


def _settings(schema: dict[str, Any], node: dict[str, Any], prefix: str) -> Iterator[Setting]:
    node = _resolve(schema, node)
    for name, inner in node["properties"].items():
        if "properties" in _resolve(schema, inner):
            yield from _settings(schema, inner, f"{prefix}{name}.")
        elif name in node.get("required", ()):
            yield Setting(prefix + name, _values(schema, inner), "required")
        else:
            default = f"default {json.dumps(inner['default'])}" if "default" in inner else ""
            yield Setting(prefix + name, _values(schema, inner), default)


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node


def _values(schema: dict[str, Any], node: dict[str, Any]) -> str:
    """The values that a setting takes, in a few words."""
    node = _resolve(schema, node)
    if "enum" in node:
        return " | ".join(map(str, node["enum"]))
    if "anyOf" in node:
        return " or ".join(_values(schema, one) for one in node["anyOf"])
    match node.get("type"):
        case "array":
            return f"[{_values(schema, node['items'])}, ...]"
        case "object" if "properties" in node:
            inner = ", ".join(f"{name}: {_values(schema, one)}" for name, one in node["properties"].items())
            return f"{{{inner}}}"
        case "object":
            value = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties", {}))
            return f"{{name: {_values(schema, value)}}}"
        case "string":
            return "text"
        case "boolean":
            return "true | false"
        case _:
            return _number(node)


def _number(node: dict[str, Any]) -> str:
    bounds = {"minimum": "from", "exclusiveMinimum": "more than", "maximum": "to"}
    words = " ".join(f"{word} {node[key]}" for key, word in bounds.items() if key in node)
    return f"number {words}".strip()


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
