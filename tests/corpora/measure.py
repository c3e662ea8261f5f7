"""How many of the labelled texts each policy judges as it should; run as a script, it writes docs/policies.md's tables.

A third of the texts, chosen by their hash, is held out: patterns are never written with a look at what they do there.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from corpora.personal import pii_table
from fakes.credentials import expand
from fakes.disguises import disguise
from keeptrusts.contract.call import Form
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
from keeptrusts.policies.prompt_injection import PromptInjection, PromptInjectionSpec
from keeptrusts.policies.verdict import ALLOW, TextPolicy

FOLDER = Path(__file__).parent
DOCS = FOLDER.parents[1] / "docs" / "policies.md"
PARTS = {"tuning": False, "held out": True}


@dataclass(frozen=True, slots=True)
class Item:
    """A text; `is_attack` is what a policy should say of it, `group` how it is made."""

    text: str
    group: str
    is_attack: bool
    is_held_out: bool


@dataclass(frozen=True, slots=True)
class Score:
    """How a policy did on some texts."""

    attacks: int
    found: int
    harmless: int
    false_alarms: int

    @property
    def recall(self) -> float:
        return self.found / self.attacks

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false_alarms)


def read_corpus(name: str) -> list[Item]:
    tree = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    items = []
    for label, groups in tree.items():
        texts = {text: group for group, texts in groups.items() for text in texts}
        held_out = set(sorted(texts, key=digest)[::3])
        items += [Item(text, group, label == "attack", text in held_out) for text, group in texts.items()]
    return items


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def judges(name: str) -> Callable[[str], bool]:
    """Whether the policy of a corpus, as it is by default, objects to a text."""
    policy: TextPolicy = POLICIES[name]()
    return lambda text: policy.judge(expand(disguise(text)), Form.PROSE) is not ALLOW


POLICIES: dict[str, Callable[[], TextPolicy]] = {
    "dlp": lambda: DlpFilter.compile(DlpFilterSpec()),
    "prompt_injection": lambda: PromptInjection.compile(PromptInjectionSpec()),
}


def misjudged(name: str, *, held_out: bool) -> Iterator[Item]:
    objects = judges(name)
    return (
        item for item in read_corpus(name) if item.is_held_out is held_out and objects(item.text) is not item.is_attack
    )


def score(name: str, *, held_out: bool) -> Score:
    items = [item for item in read_corpus(name) if item.is_held_out is held_out]
    wrong = [item.is_attack for item in misjudged(name, held_out=held_out)]
    attacks = sum(item.is_attack for item in items)
    missed = sum(wrong)
    return Score(attacks, attacks - missed, len(items) - attacks, len(wrong) - missed)


def table(name: str) -> str:
    rows = ["| texts | attacks | found | harmless | false alarms | precision | recall |", "| --- " * 7 + "|"]
    for part, held_out in PARTS.items():
        made = score(name, held_out=held_out)
        rows.append(
            f"| {part} | {made.attacks} | {made.found} | {made.harmless} | {made.false_alarms} "
            f"| {made.precision:.1%} | {made.recall:.1%} |"
        )
    return "\n".join(rows)


def tables(name: str) -> str:
    return pii_table() if name == "personal" else table(name)


def with_tables(page: str) -> str:
    """The page with each table between its markers."""
    for name in (*POLICIES, "personal"):
        begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(begin)
        page = before + begin + tables(name) + "\n" + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    if "--misjudged" in sys.argv:
        for corpus in POLICIES:
            for item in misjudged(corpus, held_out=False):
                print(corpus, "missed" if item.is_attack else "false alarm", item.group, repr(item.text))  # noqa: T201
    else:
        DOCS.write_text(with_tables(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
