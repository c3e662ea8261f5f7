"""What a call must have used where its provider never said so to the end: rules of thumb, and marked as estimates."""

from msgspec.structs import replace

from keeptrusts.contract.call import Call
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.translation.token_count import BYTES_PER_TOKEN

FRAME_BYTES = 400
"""What an event of a stream, or a whole answer, takes beside its text, at most of the providers."""


def estimate_input(call: Call) -> Usage:
    """What a provider must have read of a call. A body has more than prose in it, so this is rather too much."""
    return Usage(
        input_tokens=len(call.body) // BYTES_PER_TOKEN, service_tier=call.service_tier or "standard", estimated=True
    )


def estimate_usage(call: Call, said: Usage | None, pieces: int, answer_bytes: int) -> Usage:
    """What a call must have used that nobody counted to the end: `said` is what the provider had counted until then.

    `pieces` are the events that came, none where the answer came whole. Each is a token at least, as most providers
    send them; where they are larger than their frame, so is the text in them.
    """
    written = pieces + max(0, answer_bytes - max(1, pieces) * FRAME_BYTES) // BYTES_PER_TOKEN
    known = said or estimate_input(call)
    return replace(known, output_tokens=max(known.output_tokens, written), estimated=True)
