"""How many tokens a call of messages has, for targets that have no route to count them: an estimate, and no more.

Only a model's own tokenizer knows. By the rule of thumb a token is four bytes of text; images and documents, which text
cannot measure, count by their kind. What is not sent to such targets, such as former thinking, counts nothing.
"""

from typing import Any

from keeptrusts.providers.json_body import encode

BYTES_PER_TOKEN = 4
"""The usual rule for prose. Other things than prose have more tokens for their length, frames and escapes fewer."""

IMAGE_TOKENS = 1600
"""An image of about a megapixel, beyond which providers make it smaller."""

MIN_DOCUMENT_TOKENS = 1500
"""One page."""

BASE64_PER_TOKEN = 32
"""Characters of a document that make a token: a page of 70 kilobytes has some 3,000."""

MESSAGE_TOKENS = 4
"""What frames each message."""

_LEFT_OUT = frozenset({"thinking", "redacted_thinking"})


def count_reply(tree: dict[str, Any]) -> bytes:
    """The answer to `count_tokens` for a decoded call: `{"input_tokens": 123}`."""
    return encode({"input_tokens": estimate_tokens(tree)})


def estimate_tokens(tree: dict[str, Any]) -> int:
    """The tokens of the system prompt, the messages and the tools. Never fails: what is no message counts as it is."""
    count = _Count()
    count.content(tree.get("system"))
    messages = tree.get("messages")
    for message in messages if type(messages) is list else ():
        count.tokens += MESSAGE_TOKENS
        count.content(message.get("content") if type(message) is dict else message)
    count.document(tree.get("tools"))
    return count.total()


class _Count:
    def __init__(self) -> None:
        self.tokens = 0
        self._bytes = 0

    def total(self) -> int:
        return self.tokens + -(-self._bytes // BYTES_PER_TOKEN)

    def content(self, content: Any) -> None:
        """A string or a list of blocks."""
        if type(content) is str:
            self._bytes += len(content.encode())
        elif type(content) is list:
            for block in content:
                self._block(block)
        else:
            self.document(content)

    def document(self, value: Any) -> None:
        """What the model reads as JSON: a tool, the input of one, whatever is not known."""
        if value:
            self._bytes += len(encode(value))

    def _block(self, block: Any) -> None:
        kind = block.get("type") if type(block) is dict else None
        if type(kind) is not str:
            self.document(block)
        elif kind == "text":
            self.content(block.get("text"))
        elif kind == "tool_use":
            self.content(block.get("name"))
            self.document(block.get("input"))
        elif kind in {"tool_result", "search_result"}:
            self.content(block.get("title"))
            self.content(block.get("source"))
            self.content(block.get("content"))
        elif kind == "image":
            self.tokens += IMAGE_TOKENS
        elif kind == "document":
            self._attached(block)
        elif kind not in _LEFT_OUT:
            self.document(block)

    def _attached(self, block: dict[str, Any]) -> None:
        self.content(block.get("title"))
        self.content(block.get("context"))
        source = block.get("source")
        if type(source) is not dict:
            return
        if source.get("type") in ("text", "content"):
            self.content(source.get("data") if source["type"] == "text" else source.get("content"))
            return
        data = source.get("data")
        self.tokens += max(MIN_DOCUMENT_TOKENS, len(data) // BASE64_PER_TOKEN if type(data) is str else 0)
