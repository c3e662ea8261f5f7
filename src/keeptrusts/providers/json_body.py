"""Strict reading of JSON bodies, and changing single strings in them without touching any other byte.

Strict means that no two parsers can read a body differently: what was judged is what the provider sees. Byte for
byte matters too: providers cache prompts, and clients sign parts of them.
"""

import gc
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from keeptrusts.contract.call import Path
from keeptrusts.contract.faults import Code, Fault

MAX_DEPTH = 64
"""Objects and arrays inside each other."""

SLICE = 1024 * 1024
"""Bytes that are copied in one go. Joining bytes lets other threads go on."""

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode

_BACKSLASH = 0x5C  # a number: sought at memory speed, and most bodies have none
_ESCAPED_QUOTE = rb"\u0022"

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_LITERAL = re.compile(rb"\s*:\s*(true|false|null)")


def read_json(body: bytes) -> dict[str, Any]:
    """Decode a JSON object that every parser reads alike. Raises Fault: invalid_json, duplicate_key or too_deep."""
    try:
        tree = decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Fault(Code.INVALID_JSON, _explain(body, error)) from None
    if type(tree) is not dict:
        raise Fault(Code.INVALID_JSON, "The body must be a JSON object.")
    if _is_too_deep(tree):
        raise _too_deep()
    canonical = encode(tree)
    if canonical != body and _has_more_strings(body, canonical):
        _raise_duplicate(body)
    return tree


def splice(body: bytes, tree: Any, changes: Mapping[Path, str]) -> bytes:
    """The body with other strings at some places; every byte outside these literals stays.

    `tree` is the decoded body. Raises KeyError or IndexError for a path that does not lead to a string.
    """
    if not changes:
        return body
    changed = replace_at(tree, changes)
    if encode(tree) == body:
        return encode(changed)
    spans = _string_spans(body, tree)
    if spans is None:  # a repeated key: only what was judged may pass
        return encode(changed)
    edits = sorted((*spans[path], encode(value)) for path, value in changes.items())
    return _apply(body, edits)


def replace_at(tree: Any, changes: Mapping[Path, Any]) -> Any:
    """A copy of the tree with other values at some places. Untouched branches are shared."""
    copies: dict[Path, Any] = {(): tree.copy()}
    for path, value in changes.items():
        node = copies[()]
        for depth in range(1, len(path)):
            prefix = path[:depth]
            if prefix not in copies:
                copies[prefix] = node[path[depth - 1]] = node[path[depth - 1]].copy()
            node = copies[prefix]
        node[path[-1]]  # raises: a wrong path must not add a member
        node[path[-1]] = value
    return copies[()]


def set_member(body: bytes, tree: dict[str, Any], key: str, value: Any) -> bytes:
    """The object, which has other members, with `key` set where it is absent or null. Other bytes stay."""
    if key not in tree:
        end = body.rindex(b"}")
        member = b',"%b":%b' % (key.encode(), encode(value))
        return b"".join((*slices(body, 0, end), member, body[end:]))
    return _replace_literal(body, _key_end(body, (key,)), encode(value))


def set_flag(body: bytes, tree: dict[str, Any], outer: str, inner: str) -> bytes:
    """The object with `outer.inner` true, where `outer` is absent, null or an object. Other bytes stay."""
    held = tree.get(outer)
    if held is None:
        return set_member(body, tree, outer, {inner: True})
    if inner in held:
        return _replace_literal(body, _key_end(body, (outer, inner)), b"true")
    brace = body.index(b"{", _key_end(body, (outer,))) + 1
    return b'%b"%b":true%b%b' % (body[:brace], inner.encode(), b"," if held else b"", body[brace:])


def slices(body: bytes, start: int, end: int) -> Sequence[bytes]:
    """A part of the body. A large one in pieces, as copying it in one go would keep other threads waiting."""
    if end - start <= SLICE:
        return (body[start:end],)
    return [body[at : min(end, at + SLICE)] for at in range(start, end, SLICE)]


def iter_string_paths(tree: Any, path: Path = ()) -> Iterator[tuple[Path, bool]]:
    """Where strings stand, in the order of the document. The flag tells keys, whose path is that of their value."""
    if type(tree) is str:
        yield path, False
    elif type(tree) is dict:
        for key, value in tree.items():
            inner = (*path, key)
            yield inner, True
            yield from iter_string_paths(value, inner)
    elif type(tree) is list:
        for index, value in enumerate(tree):
            yield from iter_string_paths(value, (*path, index))


def _string_spans(body: bytes, tree: Any) -> dict[Path, tuple[int, int]] | None:
    """Start and end of each string value; None where the body says more than the tree."""
    literals = list(_STRING.finditer(body))
    places = list(iter_string_paths(tree))
    if len(literals) != len(places):
        return None
    return {path: found.span() for (path, is_key), found in zip(places, literals, strict=True) if not is_key}


def _key_end(body: bytes, path: Path) -> int:
    """Where the literal of a key ends. The body was read strictly, so literals and places match."""
    for (place, is_key), found in zip(iter_string_paths(decode(body)), _STRING.finditer(body), strict=True):
        if is_key and place == path:
            return found.end()
    raise KeyError(path)


def _replace_literal(body: bytes, start: int, value: bytes) -> bytes:
    """Replace the `true`, `false` or `null` that follows a key."""
    found = _LITERAL.match(body, start)
    if found is None:
        raise ValueError("not a literal")
    return body[: found.start(1)] + value + body[found.end(1) :]


def _apply(body: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    out: list[bytes] = []
    cursor = 0
    for start, end, value in edits:
        out += (body[cursor:start], value)
        cursor = end
    out.append(body[cursor:])
    return b"".join(out)


def _has_more_strings(body: bytes, canonical: bytes) -> bool:
    """Whether the body has string literals that its new encoding lacks: a repeated key is dropped when decoding."""
    if _BACKSLASH in body and _ESCAPED_QUOTE in body:  # the one spelling of a quote that encoding changes: to `\\"`
        return _count_quotes(body) != _count_quotes(canonical)
    return body.count(b'"') != canonical.count(b'"')


def _count_quotes(body: bytes) -> int:
    """Quotes that no backslash escapes: two for each string literal."""
    body = body.replace(rb"\\", b"")
    return body.count(b'"') - body.count(rb"\"")


def _is_too_deep(tree: dict[str, Any]) -> bool:
    """Go down level by level: the garbage collector tells the contents of a whole level in one call."""
    level: list[Any] = [tree]
    for _ in range(MAX_DEPTH):
        level = gc.get_referents(*level)
        if not level:
            return False
    return any(type(value) in {dict, list} for value in level)


def _explain(body: bytes, error: Exception) -> str:
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return "The body begins with a byte order mark; send plain UTF-8."
    if isinstance(error, UnicodeDecodeError):
        return "The body is not valid UTF-8."
    return f"The body is not valid JSON: {error}."


def _too_deep() -> Fault:
    return Fault(Code.TOO_DEEP, f"The body nests deeper than {MAX_DEPTH} levels.")


class _Repeated(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _raise_duplicate(body: bytes) -> NoReturn:
    """Name the repeated key. Only names of the protocol are shown: another key may be a user's text."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                raise _Repeated(key)
            seen[key] = value
        return seen

    key: str | None = None
    try:
        json.loads(body, object_pairs_hook=check)
    except _Repeated as repeated:
        key = repeated.key
    except (ValueError, RecursionError):
        pass  # the message then names no key
    raise repeated_key(key)


def repeated_key(key: str | None) -> Fault:
    """The fault of an object that has this key twice; None where it is not known."""
    named = key is not None and re.fullmatch(r"[a-z_]{1,40}", key)
    which = f'the key "{key}"' if named else "a key"
    return Fault(
        Code.DUPLICATE_KEY,
        f"An object in the body has {which} twice, which parsers read differently. Send each key once.",
        param=key if named else None,
    )
