import json

from keeptrusts.contract.call import Route
from keeptrusts.providers.anthropic.dialect import ANTHROPIC
from keeptrusts.providers.anthropic.unsigned import UNSIGNED, leave_out_unsigned

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": UNSIGNED}
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
TEXT = {"type": "text", "text": "ok"}


def body_of(*contents):
    messages = [{"role": "assistant", "content": content} for content in contents]
    return json.dumps({"model": "m", "max_tokens": 5, "messages": messages}).encode()


def test_thinking_that_only_we_can_have_marked_is_left_out():
    cleaned = json.loads(leave_out_unsigned(body_of([THOUGHT, TEXT], [SIGNED, TEXT], "plain")))
    assert [message["content"] for message in cleaned["messages"]] == [[TEXT], [SIGNED, TEXT], "plain"]


def test_a_message_that_was_nothing_else_goes_with_it():
    cleaned = json.loads(leave_out_unsigned(body_of([THOUGHT], [TEXT])))
    assert [message["content"] for message in cleaned["messages"]] == [[TEXT]]


def test_any_other_body_keeps_its_bytes():
    for body in (
        body_of([SIGNED, TEXT]),
        body_of(f"what is {UNSIGNED}?"),
        body_of([], [{"type": "text", "text": UNSIGNED}], [UNSIGNED]),
        b'{ "model": "m", "messages": "keeptrusts-unsigned" }',
    ):
        assert leave_out_unsigned(body) is body


def test_the_dialect_leaves_it_out_of_what_it_sends():
    call = ANTHROPIC.read_call(Route.MESSAGES, body_of([THOUGHT, TEXT]), b"application/json")
    changes = {("messages", 0, "content", 1, "text"): "changed"}
    sent = json.loads(ANTHROPIC.write_call(call, model="other", changes=changes, ask_usage=False))
    assert (sent["model"], sent["messages"][0]["content"]) == ("other", [{"type": "text", "text": "changed"}])
