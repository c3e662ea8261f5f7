"""A policy that redacts or blocks what a detector finds: the whole of `pii-detector` but for its settings."""

from collections.abc import Iterable
from typing import Literal

from keeptrusts.contract.call import Form
from keeptrusts.policies.text.detector import Detector
from keeptrusts.policies.text.json_text import JsonChannel
from keeptrusts.policies.text.prose import ProseChannel
from keeptrusts.policies.text.scan import Rules
from keeptrusts.policies.verdict import ALLOW, Phase, Rewrite, TextChannel, Verdict

JSON = Form.JSON  # looked up for every text, and Python 3.11 is slow to find a member


class RedactingPolicy:
    """Judges texts by a detector and rules. Immutable and shared by all calls."""

    kind: str
    reason_code: str
    roles = None

    def __init__(
        self,
        detector: Detector,
        rules: Rules,
        *,
        phases: Iterable[str],
        unreadable: Literal["block", "allow"],
        can_rewrite: bool,
    ) -> None:
        self.detector = detector
        self.rules = rules
        self.phases = frozenset(map(Phase, phases))
        self.unreadable: Literal["block", "allow"] = unreadable
        self.can_rewrite = can_rewrite

    def judge(self, text: str, form: Form) -> Verdict:
        data = text.encode("utf-8", "surrogatepass")
        if form is JSON:
            return self.judge_json(data)
        starts = self.detector.starts(data, 0)
        if not starts:
            return ALLOW
        channel = ProseChannel(self.detector, self.rules)
        return self.verdict(channel, channel.release(data, final=True, starts=starts))

    def judge_json(self, data: bytes) -> Verdict:
        if self.is_plain_json(data) and not self.detector.starts(data, 0):
            return ALLOW
        channel = JsonChannel(self.detector, self.rules)
        return self.verdict(channel, channel.release(data, final=True))

    def verdict(self, channel: TextChannel, released: str) -> Verdict:
        """What a text amounts to that went through a channel."""
        if channel.blocked is not None:
            return channel.blocked
        return Rewrite(released, self.reason_code, channel.findings) if channel.findings else ALLOW

    def is_plain_json(self, data: bytes) -> bool:
        """Whether each string reads in the document as it does alone: then one search of the document will do."""
        return b"\\" not in data and not self.detector.has_text_edge

    def open_channel(self, form: Form) -> TextChannel:
        if form is JSON:
            return JsonChannel(self.detector, self.rules)
        return ProseChannel(self.detector, self.rules)
