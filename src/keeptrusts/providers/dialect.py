"""What a dialect is: how one wire format is read into the neutral form, and how changes are written back."""

from typing import Literal, Protocol

from keeptrusts.contract.call import Call, Changes, Channel, Piece, Reply, Route, Text, Unreadable
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage


class StreamReader(Protocol):
    """Reads one streamed reply, event by event, in order. One object per reply, owned by the task that serves it.

    Events are whole: the bytes of one server-sent event with the blank line that ends it.
    """

    usage: Usage | None
    is_complete: bool  # the provider said that the reply is over: anything else is a truncation
    failure: str | None  # the provider's own in-band error, if it sent one

    @property
    def is_over(self) -> bool:
        """Nothing can follow any more. A reply may be complete before that: its usage comes last."""

    def watch(self, event: bytes) -> bytes:
        """Note usage and the end, without reading texts. Gives the event back, or b"" where it must not go on."""

    def read(self, event: bytes) -> Piece:
        """As `watch`, with all texts of the event."""

    def write(self, piece: Piece, changes: Changes) -> bytes:
        """The event with other texts, as bytes. Without changes these are the bytes that came.

        Every event that was read is written, in order, after what is carried before it: events may be numbered.
        """

    def carry(self, channel: Channel, text: str) -> bytes:
        """A further event of a channel already seen, bearing `text`."""

    def fail(self, code: Code, message: str, request_id: str, policy: str | None = None) -> bytes:
        """The in-band error that ends a stream, such that every SDK sees a failure and none retries a policy block.

        `policy` is the kind of the one that blocked, if one did.
        """


class Dialect(Protocol):
    """One wire format."""

    name: Literal["openai", "anthropic"]

    def read_call(self, route: Route, body: bytes, content_type: bytes, *, model: str | None = None) -> Call:
        """Read what routing needs. Raises Fault for a body that is not well-formed or not of this route.

        `model` is the one that the path names, as Azure's paths do; it comes before the body's.
        """

    def texts(self, call: Call) -> tuple[list[Text], list[Unreadable]]:
        """Every string of the call that a person or a model reads, and every part that cannot be read."""

    def write_call(
        self, call: Call, *, model: str, changes: Changes, ask_usage: bool, max_output_tokens: int | None = None
    ) -> bytes:
        """The body to send: byte for byte what came, but for `model`, `changes` and a request for usage.

        `max_output_tokens` is added where the call itself sets no limit.
        """

    def read_reply(self, route: Route, body: bytes, content_type: bytes, *, with_texts: bool) -> Reply:
        """Read a whole successful answer. Raises Fault(UPSTREAM_ERROR) where it cannot be read but must be."""

    def write_reply(self, reply: Reply, changes: Changes) -> bytes:
        """The answer with other texts; everything else stays byte for byte."""

    def open_stream(self, route: Route, *, strip_usage: bool) -> StreamReader:
        """`strip_usage`: the client did not ask for the usage that we asked for; its event is not passed on."""
