"""The list of routes."""

from keeptrusts.contract.call import Route
from keeptrusts.providers.anthropic.dialect import ANTHROPIC, SHAPES


def test_the_list_is_anthropics_routes():
    assert set(SHAPES) == {Route.MESSAGES, Route.COUNT_TOKENS}
    assert ANTHROPIC.name == "anthropic"


def test_counting_tokens_uses_none():
    reply = ANTHROPIC.read_reply(Route.COUNT_TOKENS, b'{"input_tokens":12}', b"application/json", with_texts=True)
    assert (reply.usage, reply.texts) == (None, ())
