"""Strict reading of multipart/form-data bodies, and changing single fields in them without touching any other byte.

A library's parser says what the parts are; their places are then found and checked byte by byte, so that a body which
another parser could read differently is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from keeptrusts.contract.call import Path
from keeptrusts.contract.faults import Code, Fault

MAX_PARTS = 128
MAX_HEADERS = 8
MAX_HEADER_BYTES = 4096

_DISPOSITION = re.compile(
    rb'content-disposition:[ \t]*form-data;[ \t]*name="([^"\\\r\n]{1,128})"'
    rb'(?:;[ \t]*filename="((?:[^"\\\r\n]|\\[^\r\n])*)")?[ \t]*',
    re.IGNORECASE,
)
_HARMLESS_HEADER = re.compile(
    rb"content-type:[^\r\n]*|content-length:[ \t]*\d+[ \t]*|content-transfer-encoding:[ \t]*(?:binary|8bit|7bit)[ \t]*",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    value: tuple[int, int]
    filename: tuple[int, int] | None


def read_form(body: bytes, content_type: bytes) -> dict[str, Any]:
    """The fields by name: a string, `{"filename": ...}` for a file, a list of these for names that end in `[]`.

    Raises Fault: invalid_request, or duplicate_key for a field that is sent twice.
    """
    tree: dict[str, Any] = {}
    for part in _find_parts(body, _boundary_of(content_type)):
        value = _value_of(body, part)
        if part.name.endswith("[]"):
            tree.setdefault(part.name, []).append(value)
        elif part.name in tree:
            raise Fault(Code.DUPLICATE_KEY, "The form has a field twice. Send each field once, or lists as `name[]`.")
        else:
            tree[part.name] = value
    return tree


def rewrite(body: bytes, content_type: bytes, changes: Mapping[Path, str], added: Mapping[str, str]) -> bytes:
    """The body with other values for some fields or file names, and with more fields in front."""
    if not changes and not added:
        return body
    delimiter = b"--" + _boundary_of(content_type)
    edits: list[tuple[int, int, bytes]] = [(0, 0, _render_field(delimiter, *field)) for field in added.items()]
    counts: dict[str, int] = {}
    for part in _find_parts(body, delimiter[2:]):
        place: Path = (part.name,)
        if part.name.endswith("[]"):
            counts[part.name] = counts.get(part.name, -1) + 1
            place = (part.name, counts[part.name])
        if part.filename is None and place in changes:
            edits.append((*part.value, _checked(changes[place].encode(), delimiter)))
        elif part.filename is not None and (*place, "filename") in changes:
            edits.append((*part.filename, _quotable(changes[*place, "filename"])))
    return _apply(body, edits)


def _boundary_of(content_type: bytes) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise Fault(Code.INVALID_REQUEST, "The form's content type names no usable boundary.")
    return boundary


def _find_parts(body: bytes, boundary: bytes) -> list[_Part]:
    delimiter = b"--" + boundary
    parts: list[_Part] = []
    cursor = len(delimiter) + 2  # behind the first delimiter, which the parser has seen to begin the body
    for size in _part_sizes(body, boundary):
        blank = body.find(b"\r\n\r\n", cursor)
        start = blank + 4
        end = start + size
        after = end + 2 + len(delimiter)
        if blank < 0 or body[end:after] != b"\r\n" + delimiter:
            raise _malformed()
        parts.append(_read_headers(body, cursor, blank, (start, end)))
        cursor = after + 2
    if not parts or body[cursor - 2 :] not in {b"--", b"--\r\n"}:
        raise _malformed()
    return parts


def _part_sizes(body: bytes, boundary: bytes) -> list[int]:
    """How many bytes each part has, as the library reads the form."""
    sizes: list[int] = []
    ended: list[bool] = []

    def begin() -> None:
        if len(sizes) == MAX_PARTS:
            raise Fault(Code.INVALID_REQUEST, f"The form has more than {MAX_PARTS} fields.")
        sizes.append(0)

    def take(_data: bytes, start: int, end: int) -> None:
        sizes[-1] += end - start

    parser = MultipartParser(
        boundary,
        {"on_part_begin": begin, "on_part_data": take, "on_end": lambda: ended.append(True)},
        max_header_count=MAX_HEADERS,
        max_header_size=MAX_HEADER_BYTES,
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise _malformed() from None
    if not ended or not body.startswith(b"--" + boundary + b"\r\n"):
        raise _malformed()
    return sizes


def _read_headers(body: bytes, start: int, end: int, value: tuple[int, int]) -> _Part:
    part: _Part | None = None
    for line in re.finditer(rb"[^\r\n]+", body[start:end]):
        found = _DISPOSITION.fullmatch(line[0])
        if found and part is None:
            at = start + line.start()
            filename = (at + found.start(2), at + found.end(2)) if found[2] is not None else None
            part = _Part(_decode(found[1]), value, filename)
        elif found or not _HARMLESS_HEADER.fullmatch(line[0]):
            raise _malformed()
    if part is None:
        raise _malformed()
    return part


def _value_of(body: bytes, part: _Part) -> Any:
    if part.filename is not None:
        return {"filename": _decode(body[slice(*part.filename)])}
    return _decode(body[slice(*part.value)])


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Fault(Code.INVALID_REQUEST, "A field of the form is not valid UTF-8.") from None


def _render_field(delimiter: bytes, name: str, value: str) -> bytes:
    head = b'%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % (delimiter, name.encode())
    return b"%b%b\r\n" % (head, _checked(value.encode(), delimiter))


def _checked(value: bytes, delimiter: bytes) -> bytes:
    if delimiter in value:
        raise Fault(Code.INVALID_REQUEST, "A field of the form would contain the form's boundary; choose a longer one.")
    return value


def _quotable(filename: str) -> bytes:
    return re.sub(r'["\\\r\n]', "_", filename).encode()


def _apply(body: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    out: list[bytes] = []
    cursor = 0
    for start, end, value in edits:
        out += (body[cursor:start], value)
        cursor = end
    return b"".join((*out, body[cursor:]))


def _malformed() -> Fault:
    return Fault(
        Code.INVALID_REQUEST,
        "The form cannot be read in one way only: send multipart/form-data with CRLF line ends, quoted names, no text "
        "around the parts, and no headers but content-disposition, content-type and content-length.",
    )
