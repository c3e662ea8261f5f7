"""Every route of the Anthropic dialect, in one list."""

from keeptrusts.contract.call import Route
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.anthropic import messages
from keeptrusts.providers.anthropic.stream import MessagesStream
from keeptrusts.providers.anthropic.unsigned import leave_out_unsigned
from keeptrusts.providers.shape import Shape, ShapedDialect
from keeptrusts.providers.usage import Counts, anthropic_usage


def _nothing_used(_counts: Counts) -> Usage | None:
    """Counting tokens uses none."""


SHAPES = {
    Route.MESSAGES: Shape(
        describe=messages.describe_messages,
        collect_call=messages.collect_messages_call,
        collect_reply=messages.collect_messages_reply,
        open_stream=MessagesStream,
        counts=anthropic_usage,
        output_limit="max_tokens",
        clean=leave_out_unsigned,
    ),
    Route.COUNT_TOKENS: Shape(
        describe=messages.describe_messages,
        collect_call=messages.collect_messages_call,
        counts=_nothing_used,
        clean=leave_out_unsigned,
    ),
}

ANTHROPIC = ShapedDialect("anthropic", SHAPES)
