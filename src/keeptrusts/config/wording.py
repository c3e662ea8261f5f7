"""What the schema validator finds, in words for the author of a pack. Its own words quote values; these mask them."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

from keeptrusts.config.codes import Code
from keeptrusts.config.excerpts import shorten, show
from keeptrusts.config.names import WORDS
from keeptrusts.config.report import Report
from keeptrusts.contract.call import Path

_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
_PYTHON_TYPES = re.compile(r"[Ee]xpected `(\w+)`, got `(\w+)`")
_WORDS_OF: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n"})
_MEANT: Mapping[str, str] = {
    **dict.fromkeys(("api_key", "apikey", "key", "secret", "token"), "`secret_key_ref: {env: NAME}`"),
    **dict.fromkeys(("url", "endpoint", "api_base"), "`base_url`"),
    "name": "`id`",
    "models": "`model`, with further names under `aliases`",
    "timeout": "`timeouts: {total_s: 3600}`",
    "max_tokens": "`max_output_tokens`",
}
"""What other tools call the keys of a target."""
_REFERENCE = "secret_key_ref"
_BY_NAME = (
    "a credential does not stand in a pack: put it into an environment variable and write "
    "`secret_key_ref: {env: NAME}` with its name"
)
_TARGETS = ("providers", "targets")
_SETTINGS = "policy"
_CHAIN = ("policies", "chain")


def suggest_name(name: str, known: Iterable[str]) -> str:
    """A suggestion that names the most similar of the known names; nothing where none is similar."""
    close = difflib.get_close_matches(name[:64].lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""


def suggest_among(name: str, known: Iterable[str]) -> str:
    """As `suggest_name`, but where none is similar all are listed."""
    names = list(known)
    return suggest_name(name, names) or (f"possible here: {', '.join(names)}" if names else "")


def explain_conversion(message: str) -> str:
    """The words of msgspec, about the few things that the schema lets pass, in the words of the rest."""
    types = _PYTHON_TYPES.fullmatch(message)
    if types is None:
        return message[:1].lower() + message[1:]
    wanted, given = (_WORDS_OF.get(name, name) for name in types.groups())
    return f"this must be {wanted}, not {given}"


def report_schema_error(error: ValidationError, schema: Mapping[str, Any], report: Report) -> None:
    """Add the problem, or the problems, that one error of the validator stands for."""
    path = tuple(error.instance_path)
    kind = error.kind
    match kind:
        case ValidationErrorKind.AdditionalProperties():
            _unknown_keys(kind.unexpected, path, _parent(schema, error), report)
        case ValidationErrorKind.Required():
            _missing(kind.property, path, report)
        case ValidationErrorKind.Enum():
            _not_one_of(kind.options, path, error.instance, report)
        case ValidationErrorKind.Type():
            _wrong_type(kind.types, path, error.instance, report)
        case ValidationErrorKind.AnyOf():
            _no_alternative(kind.context, error, schema, report)
        case _:
            remedy = _BY_NAME if path[-2:-1] == (_REFERENCE,) else ""
            report.add(Code.WRONG_VALUE, path, _bound(error, path), remedy)


def _no_alternative(
    alternatives: list[list[ValidationError]], error: ValidationError, schema: Mapping[str, Any], report: Report
) -> None:
    """Report what is wrong by the alternative of the value's own type; without one, the types that are possible."""
    path = tuple(error.instance_path)
    wanted: list[str] = []
    for alternative in alternatives:
        types = [getattr(one.kind, "types", []) for one in alternative if _is_type_error(one, path)]
        if not types:
            for one in alternative:
                report_schema_error(one, schema, report)
            return
        wanted += [name for names in types for name in names]
    _wrong_type(wanted, path, error.instance, report)


def _is_type_error(error: ValidationError, path: Path) -> bool:
    return isinstance(error.kind, ValidationErrorKind.Type) and tuple(error.instance_path) == path


def _parent(schema: Mapping[str, Any], error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema in which the violated keyword stands."""
    node: Any = schema
    for step in error.schema_path[:-1]:
        node = node[step]
    return node  # type: ignore[no-any-return]


def _unknown_keys(names: Iterable[str], path: Path, parent: Mapping[str, Any], report: Report) -> None:
    """`parent` is the schema of the mapping: it knows the keys that are possible, or the pattern that they follow."""
    pattern = next(iter(parent.get("patternProperties", ())), None)
    for name in names:
        if report.is_full:
            return
        if pattern is not None:
            message = f"this key must be {WORDS.get(pattern, f'of the form `{pattern}`')}"
            report.add(Code.WRONG_VALUE, (*path, name), message, at_key=True)
        else:
            _unknown_key(name, path, parent.get("properties", {}), report)


def _unknown_key(name: str, path: Path, known: Iterable[str], report: Report) -> None:
    if path == (_SETTINGS,):
        message = f"there is no policy of the kind `{shorten(name)}`"
        report.add(Code.UNKNOWN_KIND, (*path, name), message, suggest_among(name, known), at_key=True)
    else:
        meant = _MEANT.get(name.lower()) if path[:2] == _TARGETS and len(path) == 3 else None
        remedy = f"write {meant}" if meant else suggest_among(name, known)
        report.add(Code.UNKNOWN_KEY, (*path, name), "this key is not known", remedy, at_key=True)


def _missing(name: str, path: Path, report: Report) -> None:
    if len(path) == 2 and path[0] == _SETTINGS:
        message = f"`{path[1]}` needs the setting `{name}`"
        report.add(Code.SETTINGS_MISSING, (*path, name), message, f"add `{name}:` here")
    else:
        report.add(Code.WRONG_VALUE, (*path, name), f"`{name}` is missing", f"add `{name}:` here")


def _not_one_of(options: list[Any], path: Path, value: object, report: Report) -> None:
    names = [str(option) for option in options]
    if not isinstance(value, str):
        if path[:2] != _CHAIN:  # there the wrong type is reported for itself
            _no_word(names, path, value, report)
        return
    if path[:2] == _CHAIN:
        message = f"there is no policy of the kind {show(value, path)}"
        report.add(Code.UNKNOWN_KIND, path, message, suggest_among(value, names))
    else:
        message = f"{show(value, path)} is not possible here; it must be one of {', '.join(names)}"
        report.add(Code.WRONG_VALUE, path, message, suggest_name(value, names))


def _no_word(names: list[str], path: Path, value: object, report: Report) -> None:
    """What YAML does not read as text, where one of some words must stand."""
    given = "nothing" if value is None else _type_of(value)
    meant = "off" if value is False else "on" if value is True else ""
    remedy = f'write "{meant}"' if meant in names else ""
    report.add(Code.WRONG_VALUE, path, f"this must be one of {', '.join(names)}, not {given}", remedy)


def _wrong_type(types: list[str], path: Path, value: object, report: Report) -> None:
    wanted = " or ".join(_TYPES[name] for name in types)
    if value is None:
        message = f"this has no value; it must be {wanted}"
        report.add(Code.WRONG_VALUE, path, message, "give a value, or leave the key out")
    else:
        report.add(Code.WRONG_VALUE, path, f"this must be {wanted}, not {_type_of(value)}", _retype(types, value, path))


def _type_of(value: object) -> str:
    match value:
        case bool():
            return _TYPES["boolean"]
        case str():
            return _TYPES["string"]
        case float():
            return "a number with a fraction"
        case int():
            return "a number"
        case list():
            return _TYPES["array"]
        case _:
            return _TYPES["object"]


def _retype(types: list[str], value: object, path: Path) -> str:
    """How the author may have meant it."""
    if path and path[-1] == _REFERENCE:
        return _BY_NAME
    if "string" in types and isinstance(value, int | float):
        return "put it in quotes"
    if "array" in types and isinstance(value, str):
        return f"write [{shorten(value)}]" if show(value, path).startswith("`") else "write it as a list"
    if isinstance(value, str) and "boolean" in types and value.lower() in _TRUTH:
        return "write true or false"
    if isinstance(value, str) and ("boolean" in types or "integer" in types or "number" in types):
        return "write it without quotes and units"
    return ""


def _bound(error: ValidationError, path: Path) -> str:  # noqa: C901 - one line a keyword
    """What a value must be that has the right type and breaks a bound."""
    kind = error.kind
    match kind:
        case ValidationErrorKind.Pattern():
            return f"{show(error.instance, path)} must be {WORDS.get(kind.pattern, f'of the form `{kind.pattern}`')}"
        case ValidationErrorKind.Minimum():
            return f"this must be at least {kind.limit}"
        case ValidationErrorKind.ExclusiveMinimum():
            return f"this must be more than {kind.limit}"
        case ValidationErrorKind.Maximum():
            return f"this must be at most {kind.limit}"
        case ValidationErrorKind.MinLength():
            return f"this must have at least {kind.limit} characters"
        case ValidationErrorKind.MaxLength():
            return f"this must have at most {kind.limit} characters"
        case ValidationErrorKind.MinItems():
            return f"this list must have at least {kind.limit} entries"
        case ValidationErrorKind.MaxItems():
            return f"this list must have at most {kind.limit} entries"
        case ValidationErrorKind.UniqueItems():
            return "this list has the same entry twice"
        case ValidationErrorKind.MinProperties() | ValidationErrorKind.MaxProperties():
            return _count_of_keys(kind.limit, path)
        case _:
            return "this value is not possible here"


def _count_of_keys(limit: int, path: Path) -> str:
    if path and path[-1] == _REFERENCE:
        return "this must have exactly one of env, store and file"
    return f"this must have {limit} keys, no more and no fewer"
