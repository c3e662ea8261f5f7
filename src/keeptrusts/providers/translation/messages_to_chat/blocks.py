"""Content blocks: which of their members a chat message can carry, and as which content parts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.fate import shown
from keeptrusts.providers.translation.messages_to_chat.member import Check

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A type of block: its members that are carried or change nothing, and a check of their values."""

    members: frozenset[str]
    note: str
    check: Check | None = None

    def find_obstacle(self, block: dict[str, Any]) -> str | None:
        if not block.keys() <= self.members:
            for name, value in block.items():
                if value and name not in self.members:
                    return f".{shown(name)}"
        return self.check(block) if self.check is not None else None


def find_in_content(content: Any) -> str | None:
    """The first obstacle in a string or a list of blocks. What is neither is for the writer to refuse."""
    if type(content) is not list:
        return None
    for index, block in enumerate(content):
        if type(block) is dict:
            kind = block.get("type")
            known = BLOCKS.get(kind) if type(kind) is str else None
            found = known.find_obstacle(block) if known is not None else ""
            if found is not None:
                return f"[{index}]{found}"
    return None


def write_parts(content: Any, place: str) -> list[Part]:
    """Text, images, documents and search results as content parts. Raises Fault(INVALID_REQUEST)."""
    if type(content) is str:
        return [{"type": "text", "text": content}]
    return [part for found in iter_blocks(content, place) for part in write_block(*found)]


def write_block(place: str, kind: str, block: dict[str, Any]) -> list[Part]:
    """Raises Fault(INVALID_REQUEST) for one that cannot stand among parts."""
    write = _PARTS.get(kind)
    if write is None:
        raise invalid(f"{place}.type", "names a block that cannot stand here")
    return write(block, place)


def iter_blocks(content: Any, place: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, type and block. Raises Fault(INVALID_REQUEST) for what is no list of blocks."""
    if type(content) is not list:
        raise invalid(place, "must be a string or a list of blocks")
    for index, block in enumerate(content):
        kind = block.get("type") if type(block) is dict else None
        if type(kind) is not str:
            raise invalid(f"{place}[{index}]", "must be a block with a `type`")
        yield f"{place}[{index}]", kind, block


def content_of(parts: list[Part]) -> str | list[Part]:
    """A single text as a string, which every server reads; anything else as parts, so that nothing is joined."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def text_of(holder: dict[str, Any], name: str, place: str) -> str:
    value = holder.get(name)
    if type(value) is not str:
        raise invalid(f"{place}.{name}", "must be a string")
    return value


def invalid(place: str, why: str) -> Fault:
    return Fault(Code.INVALID_REQUEST, f"`{place}` {why}.", param=place)


def _write_text(block: dict[str, Any], place: str) -> list[Part]:
    return [{"type": "text", "text": text_of(block, "text", place)}]


def _write_image(block: dict[str, Any], place: str) -> list[Part]:
    source = _source_of(block, place)
    if source.get("type") == "url":
        url = text_of(source, "url", f"{place}.source")
    else:
        url = _data_url(source, f"{place}.source")
    return [{"type": "image_url", "image_url": {"url": url}}]


def _write_document(block: dict[str, Any], place: str) -> list[Part]:
    """A PDF as a file; a text with its title and context above it, as a text."""
    source = _source_of(block, place)
    title, context = block.get("title"), block.get("context")
    heads = [line for line in (title, context) if type(line) is str and line]
    kind = source.get("type")
    if kind == "base64":
        name = title if type(title) is str and title else "document"
        file = {
            "filename": name if name.lower().endswith(".pdf") else f"{name}.pdf",
            "file_data": _data_url(source, f"{place}.source"),
        }
        about = [{"type": "text", "text": context}] if type(context) is str and context else []
        return [*about, {"type": "file", "file": file}]
    if kind == "text":
        return [{"type": "text", "text": "\n".join([*heads, text_of(source, "data", f"{place}.source")])}]
    above = [{"type": "text", "text": "\n".join(heads)}] if heads else []
    return [*above, *write_parts(source.get("content"), f"{place}.source.content")]


def _write_search_result(block: dict[str, Any], place: str) -> list[Part]:
    heads = [text_of(block, "title", place), text_of(block, "source", place)]
    return [{"type": "text", "text": "\n".join(heads)}, *write_parts(block.get("content"), f"{place}.content")]


def _source_of(block: dict[str, Any], place: str) -> dict[str, Any]:
    source = block.get("source")
    if type(source) is not dict:
        raise invalid(f"{place}.source", "must be an object")
    return source


def _data_url(source: dict[str, Any], place: str) -> str:
    return f"data:{text_of(source, 'media_type', place)};base64,{text_of(source, 'data', place)}"


_PARTS: Mapping[str, Callable[[dict[str, Any], str], list[Part]]] = MappingProxyType(
    {
        "text": _write_text,
        "image": _write_image,
        "document": _write_document,
        "search_result": _write_search_result,
    }
)


def _check_image(block: dict[str, Any]) -> str | None:
    return _check_source(block, ("base64", "url"))


def _check_document(block: dict[str, Any]) -> str | None:
    """Chat completions know no documents by URL, and no citations."""
    found = _check_citations(block) or _check_source(block, ("base64", "text", "content"))
    if found is not None:
        return found
    source = block.get("source")
    if type(source) is dict and source.get("type") == "content":
        inner = find_in_content(source.get("content"))
        return None if inner is None else f".source.content{inner}"
    return None


def _check_source(block: dict[str, Any], kinds: tuple[str, ...]) -> str | None:
    source = block.get("source")
    return ".source" if type(source) is dict and source.get("type") not in kinds else None


def _check_citations(block: dict[str, Any]) -> str | None:
    """An answer that is to cite has parts that chat completions lack."""
    citations = block.get("citations")
    return ".citations" if type(citations) is dict and citations.get("enabled") else None


def _check_tool_use(block: dict[str, Any]) -> str | None:
    caller = block.get("caller")
    return ".caller" if type(caller) is dict and caller.get("type") != "direct" else None


def _check_tool_result(block: dict[str, Any]) -> str | None:
    found = find_in_content(block.get("content"))
    return None if found is None else f".content{found}"


def _block(*members: str, note: str, check: Check | None = None) -> Block:
    return Block(frozenset({"type", "cache_control", *members}), note, check)


BLOCKS: Mapping[str, Block] = MappingProxyType({
    "text": _block("text", "citations", note="a text part; what a former answer cited is left out"),
    "image": _block(
        "source",
        note="an image part; refused: one by `file_id`, or with `transformations`",
        check=_check_image,
    ),
    "document": _block(
        "source", "title", "context", "citations",
        note="a PDF is a file part, a text a text part; refused: by URL or `file_id`, or to be cited",
        check=_check_document,
    ),
    "search_result": _block(
        "source", "title", "content", "citations",
        note="text parts: title and source, then the texts; refused: one to be cited",
        check=_check_citations,
    ),
    "thinking": _block("thinking", "signature", note="left out: no chat model reads the thinking of former turns"),
    "redacted_thinking": _block("data", note="left out, as `thinking`"),
    "tool_use": _block(
        "id", "name", "input", "caller",
        note="a tool call of the assistant's message",
        check=_check_tool_use,
    ),
    "tool_result": _block(
        "tool_use_id", "content", "is_error",
        note="a tool message; its images and documents follow in a user message, an error says so in words",
        check=_check_tool_result,
    ),
})  # fmt: skip
"""Every type of block that can be carried; any other, and any other member of these, is an obstacle."""
