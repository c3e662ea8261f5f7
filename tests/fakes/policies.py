"""Text policies of a few words, simple enough to see what they must do, and true to the contract of TextPolicy."""

import re

from keeptrusts.contract.call import Form
from keeptrusts.policies.verdict import ALLOW, Block, Flag, Phase, Rewrite, Verdict

FAIL = "fail"
BLOCK = "block"


class PolicyBroke(Exception):
    """Quotes the text, as a careless library would."""


class WordPolicy:
    """Puts markers in the place of words, refuses others, and breaks at others: `{"secret": "[S]", "x": BLOCK}`.

    Of words that begin alike the first one counts.
    """

    reason_code = "word_found"

    def __init__(
        self,
        words: dict[str, str],
        *,
        kind="words",
        unreadable="block",
        can_rewrite=True,
        breaks_at_open=False,
        roles=None,
    ):
        self.words = words
        self.kind = kind
        self.phases = frozenset({Phase.INPUT, Phase.OUTPUT})
        self.unreadable = unreadable
        self.can_rewrite = can_rewrite
        self.roles = roles
        self.breaks_at_open = breaks_at_open

    def judge(self, text: str, form: Form) -> Verdict:
        channel = WordChannel(self.words)
        released = channel.feed(text) + channel.finish()
        if channel.blocked:
            return channel.blocked
        if not channel.findings:
            return ALLOW
        if not self.can_rewrite:
            return Flag(self.reason_code, channel.findings)
        return Rewrite(released, self.reason_code, channel.findings)

    def open_channel(self, form: Form) -> "WordChannel":
        if self.breaks_at_open:
            raise PolicyBroke
        return WordChannel(self.words)


class WordChannel:
    """Holds back what could still become a word."""

    def __init__(self, words: dict[str, str]) -> None:
        self.findings: dict[str, int] = {}
        self.blocked: Block | None = None
        self._words = words
        self._start = re.compile("|".join({re.escape(word[0]) for word in words}) or r"(?!)")
        self._held = ""

    def feed(self, piece: str) -> str:
        self._held += piece
        return self._release(final=False)

    def finish(self) -> str:
        return self._release(final=True)

    def _release(self, *, final: bool) -> str:
        out, text, at = "", self._held, 0
        while at < len(text) and self.blocked is None:
            word = next((word for word in self._words if text.startswith(word, at)), None)
            if word is not None:
                out += self._act(word)
                at += len(word)
            elif not final and any(word.startswith(text[at:]) for word in self._words):
                break
            else:
                start = self._start.search(text, at + 1)
                end = start.start() if start else len(text)
                out += text[at:end]
                at = end
        self._held = "" if self.blocked else text[at:]
        return out

    def _act(self, word: str) -> str:
        action = self._words[word]
        if action == FAIL:
            raise PolicyBroke(self._held)
        self.findings[word] = self.findings.get(word, 0) + 1
        if action == BLOCK:
            self.blocked = Block("word_found", f"A word of {len(word)} letters may not pass.", self.findings)
            return ""
        return action
