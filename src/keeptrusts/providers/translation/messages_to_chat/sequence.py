"""The blocks of a streamed message, one behind the other, whatever order their bits come in.

Chat may interleave the arguments of several tool calls, and a message may not: one block is open, and is written as
it comes; the others wait. A text is over when something else begins. The arguments of a tool are over when they are a
whole JSON object, which nothing can follow; where none can tell, everything waits for the end of the answer.
"""

from collections import deque

from keeptrusts.contract.faults import Fault
from keeptrusts.providers.anthropic.unsigned import UNSIGNED
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.messages_to_chat.completion import (
    REFUSAL,
    TEXT,
    THINKING,
    Function,
    ToolCall,
    arguments_of,
    read_arguments,
    unfit,
)
from keeptrusts.providers.translation.messages_to_chat.ending import tool_id

_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{%b%b}}\n\n'
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_TOOL = b'{"type":"tool_use","id":%b,"name":%b,"input":{}}'

_TEXT_BLOCK = b'{"type":"text","text":""}'
_BLOCKS = {
    TEXT: _TEXT_BLOCK,
    REFUSAL: _TEXT_BLOCK,
    THINKING: b'{"type":"thinking","thinking":"","signature":""}',
}
_TEXT_FIELD = b'"type":"text_delta","text":'
_FIELDS = {
    TEXT: _TEXT_FIELD,
    REFUSAL: _TEXT_FIELD,
    THINKING: b'"type":"thinking_delta","thinking":',
}
_SIGNATURE_FIELD = b'"type":"signature_delta","signature":'
_ARGUMENTS_FIELD = b'"type":"input_json_delta","partial_json":'


class _Block:
    """A text (`kind`) or, where `kind` is "", a tool call. `held` is not written yet; `arguments` all of a tool's."""

    __slots__ = ("arguments", "held", "id", "is_closed", "is_open", "kind", "name", "position")

    def __init__(self, kind: str, position: int = 0) -> None:
        self.kind = kind
        self.held: list[str] = []
        self.arguments: list[str] = []
        self.id: str | None = None
        self.name = ""
        self.position = position
        self.is_open = self.is_closed = False

    def ends_here(self) -> bool:
        """Whether nothing can follow, given that something else has begun."""
        if self.kind:
            return True
        if not self.arguments or not self.arguments[-1].rstrip().endswith("}"):
            return False
        try:
            read_arguments("".join(self.arguments))
        except Fault:
            return False
        return True


class BlockSequence:
    """Gives the events of one message's blocks. `name` is the message's, by which tool calls without an id get one."""

    def __init__(self, name: str) -> None:
        self.uses_tools = False
        self.refuses = False
        self._name = name
        self._line: deque[_Block] = deque()  # the first may be open
        self._tools: dict[int, _Block] = {}
        self._made = 0
        self._index = 0

    def add_text(self, kind: str, text: str, out: list[bytes]) -> None:
        line = self._line
        if len(line) == 1 and line[0].kind == kind and line[0].is_open:  # as nearly always
            out.append(_DELTA % (self._index, _FIELDS[kind], encode(text)))
            return
        self.refuses = self.refuses or kind == REFUSAL
        if not line or line[-1].kind != kind:
            line.append(_Block(kind))
        line[-1].held.append(text)
        self._write(out)

    def add_call(self, call: ToolCall, position: int, out: list[bytes]) -> None:
        """A bit of a tool call. Raises Fault(UPSTREAM_ERROR) where it can belong to none."""
        self.uses_tools = True
        function = call.function or Function()
        arguments = arguments_of(function)
        block = self._find_tool(call, function, arguments, call.index if call.index is not None else position)
        block.id = block.id or call.id
        block.name = block.name or function.name or ""
        if block.is_closed:
            if arguments.strip():
                raise unfit("goes on with the arguments of a tool that were whole")
            return
        if arguments:
            block.held.append(arguments)
            block.arguments.append(arguments)
        self._write(out)

    def close(self, out: list[bytes], *, is_cut_short: bool) -> None:
        """End all blocks. Raises Fault(UPSTREAM_ERROR) for arguments that are none, unless the last were cut short."""
        while self._line:
            block = self._line[0]
            is_whole = bool(block.kind) or self._is_whole(block, may_be_cut=is_cut_short and len(self._line) == 1)
            if is_whole or block.is_open:
                self._say(block, out)
                self._stop(block, out)
            self._line.popleft()

    def _find_tool(self, call: ToolCall, function: Function, arguments: str, key: int) -> _Block:
        """The call that a bit belongs to. Some servers give all calls the same index: then the id tells them apart."""
        block = self._tools.get(key)
        if block is not None and function.name:
            has_other_id = call.id and block.id and call.id != block.id
            if has_other_id or (not call.id and arguments.strip() and block.ends_here()):
                block = None
        if block is None:
            block = self._tools[key] = _Block("", self._made)
            self._made += 1
            self._line.append(block)
        return block

    def _write(self, out: list[bytes]) -> None:
        """All that can be written now."""
        while self._line:
            block = self._line[0]
            if not block.kind and not block.name:
                return
            self._say(block, out)
            if len(self._line) == 1 or not block.ends_here():
                return
            self._stop(block, out)
            self._line.popleft()

    def _say(self, block: _Block, out: list[bytes]) -> None:
        if not block.is_open:
            block.is_open = True
            out.append(_START % (self._index, _BLOCKS[block.kind] if block.kind else self._start_of(block)))
        if block.held:
            field = _FIELDS[block.kind] if block.kind else _ARGUMENTS_FIELD
            out.append(_DELTA % (self._index, field, encode("".join(block.held))))
            block.held.clear()

    def _start_of(self, block: _Block) -> bytes:
        return _TOOL % (encode(tool_id(block.id, self._name, block.position)), encode(block.name))

    def _stop(self, block: _Block, out: list[bytes]) -> None:
        if block.kind == THINKING:
            out.append(_DELTA % (self._index, _SIGNATURE_FIELD, encode(UNSIGNED)))
        out.append(_STOP % self._index)
        block.is_closed = True
        self._index += 1

    @staticmethod
    def _is_whole(block: _Block, *, may_be_cut: bool) -> bool:
        if not block.name:
            raise unfit("calls a tool without its name")
        try:
            read_arguments("".join(block.arguments))
        except Fault:
            if may_be_cut:
                return False
            raise
        return True
