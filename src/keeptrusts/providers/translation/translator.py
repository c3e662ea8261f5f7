"""What a translator is: it lets a client of one dialect be served by a target of another.

A call is judged in the client's dialect and then translated; an answer is translated and then judged in the client's
dialect. So policies, budgets and events know nothing of translation. What cannot be carried is an obstacle, said before
anything goes upstream; nothing is dropped silently.
"""

from dataclasses import dataclass
from typing import Protocol

from keeptrusts.contract.call import Call, Changes, Route
from keeptrusts.contract.usage import Usage


@dataclass(frozen=True, slots=True)
class Translated:
    """A whole answer in the client's dialect, and what the provider counted."""

    body: bytes
    usage: Usage | None


class StreamTranslator(Protocol):
    """Translates one streamed answer, event by event. One object per answer, owned by the task that serves it.

    A stream that breaks off upstream breaks off translated: the end is only said where the provider said it.
    """

    usage: Usage | None  # what the provider counted, as far as it said

    def feed(self, event: bytes) -> list[bytes]:
        """The client's whole events for one whole event of the provider; often one, possibly none.

        The provider's in-band error becomes the client's.
        """

    def finish(self) -> list[bytes]:
        """The events that are left when the provider's stream ended in good order; none where the answer had not."""


class Translator(Protocol):
    """Translates calls of one route and their answers. Immutable, shared by all calls."""

    route: Route  # the provider's

    def obstacle(self, call: Call) -> str | None:
        """The member of the call that the target's dialect cannot carry and that would change the answer."""

    def explain(self, obstacle: str) -> str:
        """Why an obstacle is one, as the table of members says it; empty where the member is not in the table."""

    def write_call(self, call: Call, *, model: str, changes: Changes, max_output_tokens: int | None) -> bytes:
        """The body to send: JSON in the provider's dialect, with `changes` (places in the client's body) applied.

        `max_output_tokens` bounds the answer where the call sets no limit. Raises Fault(INVALID_REQUEST) for a body
        that is not of the client's dialect.
        """

    def read_reply(self, body: bytes, *, model: str, created: int) -> Translated:
        """A whole successful answer, as if `model` had given it. Raises Fault(UPSTREAM_ERROR) for one that is none.

        `created` is when it was given, in Unix seconds: OpenAI's answers say that and Anthropic's do not.
        """

    def open_stream(self, *, model: str, created: int) -> StreamTranslator: ...
