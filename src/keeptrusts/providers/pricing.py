"""What a call costs, exactly, and what it can cost at most. Integers only; prices themselves come from elsewhere.

A rate is in pico-dollars a token, so that $0.15 a million tokens is 150,000 and nothing is rounded but the sum, once a
call and upwards, to a whole micro-dollar.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias, get_args

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

_COUNT_TOKENS = Route.COUNT_TOKENS  # looked up for every call, and Python 3.11 is slow to find a member
_READS_ONLY = frozenset({Route.EMBEDDINGS, Route.MODERATIONS, _COUNT_TOKENS})
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
        if not (
            usage.cached_input_tokens
            or usage.cache_write_tokens
            or usage.audio_input_tokens
            or usage.audio_output_tokens
        ):
            return usage.input_tokens * self.input + usage.output_tokens * (self.output or 0)
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

Ceilings: TypeAlias = tuple[tuple[int, int, int], ...]
"""The most that may be charged: where a step begins, and the dearest rates in it for a token of input and of output."""


class Price(msgspec.Struct, frozen=True, kw_only=True, dict=True):
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
        if not self.steps:
            return True
        if route in ANSWERS_IN_TEXT:
            return self.steps[0][1].output is not None
        return route in _READS_ONLY

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
        if call.route is _COUNT_TOKENS:
            return 0
        if not self.covers(call.route):
            return None
        if not self.steps:
            return -(-self.per_request // PICOS_PER_MICRO)
        read = self._most_input(call, body_bytes, unreadable)
        written = self._most_output(call, body_bytes, max_output_tokens)
        if read is None or written is None:
            return None
        dearest = 0
        for start, input_rate, output_rate in self._ceilings[call.service_tier]:
            if read > start or start == 0:
                dearest = max(dearest, read * input_rate + written * output_rate)
        searches = call.tool_uses if call.server_tools and call.tool_uses is not None else 0
        picos = dearest + self.per_request + searches * (self.web_search or 0)
        return -(-picos // PICOS_PER_MICRO)

    @cached_property
    def _ceilings(self) -> Mapping[ServiceTier | None, Ceilings]:
        """By the service tier that a call asks for: found once, as every call is bounded before it is sent."""
        return {tier: _ceilings_of(self._possible(tier)) for tier in (None, *get_args(ServiceTier))}

    def _most_input(self, call: Call, body_bytes: int, unreadable: Sequence[Unreadable]) -> int | None:
        """The most tokens that a provider can count as input.

        A token stands for at least one byte of text, and JSON never writes a text in fewer bytes than UTF-8 does: the
        body's length bounds all that lies in it. Images count otherwise. What is fetched from elsewhere, or is
        compressed as a document may be, is bounded only by the model's context window; so is what each further turn
        of a tool at the provider reads.
        """
        if not (unreadable or call.server_tools or call.provider_state):
            return body_bytes + HIDDEN_TOKENS
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


def _ceilings_of(possible: Sequence[Steps]) -> Ceilings:
    """Of all these steps, those that no other one exceeds wherever they hold."""
    found = {(start, rates.dearest_input(), rates.dearest_output()) for steps in possible for start, rates in steps}
    return tuple(one for one in found if not any(_exceeds(other, one) for other in found - {one}))


def _exceeds(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one[2] >= other[2]
