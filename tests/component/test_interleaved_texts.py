"""What two fields of one answer split between them is found all the same."""

import json

import pytest

from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.streaming import open_relay
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.verdict import Phase
from keeptrusts.providers.openai.chat_stream import ChatStream

JUDGE = Judge((PiiDetector.compile(PiiDetectorSpec()),), Phase.OUTPUT, "block")


def arguments(index, text):
    return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


@pytest.mark.parametrize(
    "deltas",
    [
        [{"content": "mail ada@exam"}, {"reasoning_content": "hm"}, {"content": "ple.com now"}],
        [arguments(0, '{"m":"ada@exam'), arguments(1, '{"m":"'), arguments(0, 'ple.com"}'), arguments(1, 'x"}')],
    ],
    ids=["content and reasoning", "two tool calls"],
)
def test_a_text_that_others_interrupt_is_judged_as_one(deltas):
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode() for choice in choices]
    tallies = []
    relay = open_relay(ChatStream(strip_usage=False), JUDGE, tallies)
    passed = b"".join(relay.pass_events([event]) for event in [*events, b"data: [DONE]\n\n"]) + relay.flush()
    said = [json.loads(line[6:]) for line in passed.split(b"\n\n") if line.startswith(b"data: {")]
    texts = json.dumps([choice["delta"] for event in said for choice in event["choices"]])
    assert "exam" not in texts
    assert "[EMAIL]" in texts
    assert tallies[0].findings == {"email": 1}
