"""What a call costs, exactly, and what it can cost at most. Integers only; prices themselves come from elsewhere.

A rate is in pico-dollars a token, so that $0.15 a million tokens is 150,000 and nothing is rounded but the sum, once a
call and upwards, to a whole micro-dollar.
"""

from collections.abc import Mapping, Sequence

import msgspec

from keeptrusts.contract.call import Call, Route, Unreadable
from keeptrusts.contract.usage import ServiceTier, Usage

PICOS_PER_MICRO = 1_000_000

IMAGE_TOKENS = 65_536
"""More than any provider counts for one image, whose bytes say nothing of its size.

The most that we know of is gpt-4o-mini's 48,169: 2,833 and 5,667 for each of eight tiles.
"""

HIDDEN_TOKENS = 4_096
"""More than providers put before a call of their own accord: instructions for tools, the frame of each message."""

ANSWERS_IN_TEXT = frozenset({Route.CHAT, Route.COMPLETIONS, Route.RESPONSES, Route.MESSAGES})
"""Routes whose answers are as long as the tokens in them."""

_READS_ONLY = frozenset({Route.EMBEDDINGS, Route.MODERATIONS, Route.COUNT_TOKENS})
_IMAGES = frozenset({"image", "image_url", "input_image"})
_AS_LONG_AS_ITS_BYTES = frozenset({"tokens", "audio", "input_audio"})
"""Kinds of parts that no policy reads, and of which each token takes a byte of the body all the same."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars for a token of each kind. `output` is None for models that only read, as those for embeddings do."""

    input: int
    cached_input: int
    cache_write: int
    cache_write_1h: int
    audio_input: int
    output: int | None
    audio_output: int

    def cost(self, usage: Usage) -> int:
        """Pico-dollars. Each token is charged once, also where two counts say it: cached sound as cached."""
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        kept_long = min(usage.cache_write_1h_tokens, written)
        sound = min(usage.audio_input_tokens, usage.input_tokens - cached - written)
        spoken = min(usage.audio_output_tokens, usage.output_tokens)
        return (
            (usage.input_tokens - cached - written - sound) * self.input
            + cached * self.cached_input
            + (written - kept_long) * self.cache_write
            + kept_long * self.cache_write_1h
            + sound * self.audio_input
            + (usage.output_tokens - spoken) * (self.output or 0)
            + spoken * self.audio_output
        )

    def dearest_input(self) -> int:
        return max(self.input, self.cached_input, self.cache_write, self.cache_write_1h, self.audio_input)

    def dearest_output(self) -> int:
        return max(self.output or 0, self.audio_output)


Steps = tuple[tuple[int, Rates], ...]
"""Rates by the length of the input: those of the last step that it exceeds hold for the whole call. The first is 0."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one model charges at one provider.

    `tiers` are the steps of service tiers that differ from the standard. `steps` is empty where nothing is charged by
    the token: then `per_request` (pico-dollars) is the whole price, on whatever route. `web_search` (pico-dollars for
    one) is None where it is not known. `context_window`, in tokens, is None where it is not known.
    """

    steps: Steps = ()
    tiers: Mapping[ServiceTier, Steps] = {}
    per_request: int = 0
    web_search: int | None = None
    context_window: int | None = None

    def covers(self, route: Route) -> bool:
        """Whether calls of this route are charged by what the price is given for. Sound by the minute never is."""
        if not self.steps or route in _READS_ONLY:
            return True
        return route in ANSWERS_IN_TEXT and self.steps[0][1].output is not None

    def cost_micros(self, usage: Usage) -> int:
        """What a call that was answered costs, in micro-dollars, rounded up."""
        picos = self.per_request + usage.web_searches * (self.web_search or 0)
        steps = self.tiers.get(usage.service_tier, self.steps) if self.tiers else self.steps
        if len(steps) == 1:
            picos += steps[0][1].cost(usage)
        elif steps:
            picos += _rates_at(steps, usage.input_tokens).cost(usage)
        return -(-picos // PICOS_PER_MICRO)

    def worst_case_micros(
        self, call: Call, *, body_bytes: int, unreadable: Sequence[Unreadable], max_output_tokens: int | None
    ) -> int | None:
        """What a call can cost at most, in micro-dollars; None where that has no bound, or has no price.

        `body_bytes` is the length of the body as it is sent, `unreadable` are the parts that no policy reads, and
        `max_output_tokens` is what holds for each answer where the call itself sets no limit.
        """
        if call.route is Route.COUNT_TOKENS:
            return 0
        if not self.covers(call.route):
            return None
        if not self.steps:
            return -(-self.per_request // PICOS_PER_MICRO)
        read = self._most_input(call, body_bytes, unreadable)
        written = self._most_output(call, body_bytes, max_output_tokens)
        if read is None or written is None:
            return None
        picos = max(_dearest(steps, read, written) for steps in self._possible(call.service_tier))
        searches = call.tool_uses if call.server_tools and call.tool_uses is not None else 0
        picos += self.per_request + searches * (self.web_search or 0)
        return -(-picos // PICOS_PER_MICRO)

    def _most_input(self, call: Call, body_bytes: int, unreadable: Sequence[Unreadable]) -> int | None:
        """The most tokens that a provider can count as input.

        A token stands for at least one byte of text, and JSON never writes a text in fewer bytes than UTF-8 does: the
        body's length bounds all that lies in it. Images count otherwise. What is fetched from elsewhere, or is
        compressed as a document may be, is bounded only by the model's context window; so is what each further turn
        of a tool at the provider reads.
        """
        turns = 1
        if call.server_tools:
            if call.tool_uses is None or self.web_search is None:
                return None
            turns += call.tool_uses
        images = 0
        is_in_body = turns == 1 and not call.provider_state
        for part in unreadable:
            if part.kind in _IMAGES:
                images += 1
            elif part.kind not in _AS_LONG_AS_ITS_BYTES:
                is_in_body = False
        if is_in_body:
            return body_bytes + images * IMAGE_TOKENS + HIDDEN_TOKENS
        return None if self.context_window is None else turns * self.context_window

    def _most_output(self, call: Call, body_bytes: int, max_output_tokens: int | None) -> int | None:
        """The most tokens of all answers together. What a model predicted wrongly is charged like what it says."""
        if call.route in _READS_ONLY:
            return 0
        limit = call.max_output_tokens if call.max_output_tokens is not None else max_output_tokens
        if limit is None:
            limit = self.context_window
        if limit is None:
            return None
        predicted = body_bytes if "prediction" in call.tree else 0
        return call.choices * (limit + predicted)

    def _possible(self, asked: ServiceTier | None) -> Sequence[Steps]:
        """The steps that may be charged: of the tier asked for, or of any where the provider chooses."""
        if asked is None:
            return (self.steps, *self.tiers.values())
        return (self.steps, self.tiers.get(asked, self.steps))


def _rates_at(steps: Steps, input_tokens: int) -> Rates:
    found = steps[0][1]
    for start, rates in steps:
        if input_tokens > start:
            found = rates
    return found


def _dearest(steps: Steps, read: int, written: int) -> int:
    """Pico-dollars for so many tokens, each of the dearest kind, at the dearest step that they can reach."""
    return max(
        read * rates.dearest_input() + written * rates.dearest_output()
        for start, rates in steps
        if start == 0 or read > start
    )
