"""Content parts of chat messages as Anthropic's blocks: text, images, PDF files.

A part that cannot be carried gives None; a part that is no part raises Fault.
"""

import re
from typing import Any

from keeptrusts.contract.faults import Code, Fault

_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)(?:;[a-z0-9=.+-]+)*;base64,", re.IGNORECASE)
_IMAGES = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_PDF = "application/pdf"
_MARKS = frozenset({"type", "cache_control", "prompt_cache_breakpoint"})
"""Members of every part. The breakpoint steers OpenAI's cache and is left out."""

TEXTS = {"text": "text", "refusal": "refusal"}
"""Parts that are text, and which member holds it."""


def write_content(content: Any, place: str) -> list[dict[str, Any]]:
    """A message's content: a string, a list of parts, or None. Raises Fault for anything else.

    A text that is empty or only white space says nothing, and Anthropic refuses it: it is left out.
    """
    if content is None:
        return []
    if type(content) is str:
        return text_blocks(content)
    if type(content) is not list:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must be a string or a list of parts.", param=place)
    blocks: list[dict[str, Any]] = []
    for index, part in enumerate(content):
        block = write_part(part, f"{place}[{index}]")
        if block is None:
            raise uncarried(f"{place}[{index}]")
        if block["type"] != "text" or _says_something(block["text"]):
            blocks.append(block)
    return blocks


def uncarried(place: str) -> Fault:
    """For what is found on writing a call whose obstacles nobody asked for."""
    return Fault(Code.INVALID_REQUEST, f"`{place}` cannot be carried to this target.", param=place)


def text_blocks(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if _says_something(text) else []


def write_part(part: Any, place: str) -> dict[str, Any] | None:
    """One part as a block; None where Anthropic's dialect has none for it."""
    kind = part.get("type") if type(part) is dict else None
    if type(kind) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must be an object with a `type`.", param=place)
    block = _write_text(part, place) if kind in TEXTS else _write_media(part, kind)
    if block is not None and part.get("cache_control"):
        block["cache_control"] = part["cache_control"]
    return block


def _write_text(part: dict[str, Any], place: str) -> dict[str, Any] | None:
    field = TEXTS[part["type"]]
    text = part.get(field)
    if type(text) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}.{field}` must be a string.", param=f"{place}.{field}")
    return {"type": "text", "text": text} if part.keys() <= {field, *_MARKS} else None


def _write_media(part: dict[str, Any], kind: str) -> dict[str, Any] | None:
    inner = part.get(kind)
    if type(inner) is not dict or not part.keys() <= {kind, *_MARKS}:
        return None
    if kind == "image_url":
        return _write_image(inner)
    return _write_file(inner) if kind == "file" else None


def _write_image(image: dict[str, Any]) -> dict[str, Any] | None:
    """`detail` is left out: Anthropic's models see every image in full."""
    url = image.get("url")
    if type(url) is not str or not image.keys() <= {"url", "detail"}:
        return None
    if url[:8].lower() == "https://":
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, data = _read_data_url(url)
    if media_type not in _IMAGES:
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": _IMAGES[media_type], "data": data}}


def _write_file(file: dict[str, Any]) -> dict[str, Any] | None:
    """A PDF in the call itself; a file that lies at OpenAI is out of reach."""
    url = file.get("file_data")
    if type(url) is not str or not file.keys() <= {"file_data", "filename"}:
        return None
    media_type, data = _read_data_url(url)
    if media_type != _PDF:
        return None
    block: dict[str, Any] = {"type": "document", "source": {"type": "base64", "media_type": _PDF, "data": data}}
    if file.get("filename"):
        block["title"] = file["filename"]
    return block


def _read_data_url(url: str) -> tuple[str, str]:
    """Media type and base64 data of a `data:` URL; two empty strings for any other."""
    found = _DATA_URL.match(url)
    return (found[1].lower(), url[found.end() :]) if found else ("", "")


def _says_something(text: str) -> bool:
    return bool(text) and not text.isspace()
