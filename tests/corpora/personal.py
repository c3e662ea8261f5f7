"""Personal data of many locales, made by Faker from a seed, in sentences; and numbers that are none.

How much of it `pii-detector` finds is told by kind and group of locales.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from faker import Faker

from keeptrusts.contract.call import Form
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.verdict import Rewrite

SEED = 20
EACH = 20
GROUPS = {
    "United States": ["en_US"],
    "Britain": ["en_GB"],
    "Germany, France": ["de_DE", "fr_FR"],
    "Southern Europe": ["es_ES", "it_IT", "pt_PT", "ro_RO"],
    "Northern Europe": ["nl_NL", "sv_SE", "da_DK", "fi_FI", "no_NO"],
    "Eastern Europe, Turkey": ["pl_PL", "cs_CZ", "ru_RU", "tr_TR"],
    "Brazil, East Asia": ["pt_BR", "ja_JP", "zh_CN"],
}
SENTENCES = (
    "{}",
    "Please contact {} today.",
    "It was {}, I think.",
    "- {} (new)",
    'They wrote "{}" on the form.',
    "<td>{}</td>",
    "Value: {}; next please",
)
HARMLESS: tuple[Callable[[random.Random], str], ...] = (
    lambda it: f"Order {it.randrange(10**9, 10**10)} was shipped.",
    lambda it: f"Invoice INV-{it.randrange(2020, 2027)}-{it.randrange(10**5):05}",
    lambda it: f"pip install thing=={it.randrange(20)}.{it.randrange(30)}.{it.randrange(99)}",
    lambda it: f"Version v{it.randrange(9)}.{it.randrange(9)}.{it.randrange(9)}.{it.randrange(999)}",
    lambda it: (
        f"On {it.randrange(2000, 2030)}-{it.randrange(1, 13):02}-{it.randrange(1, 29):02}T10:{it.randrange(60):02}:00Z"
    ),
    lambda it: (
        f"On {it.randrange(1, 29):02}.{it.randrange(1, 13):02}.{it.randrange(2000, 2030)} at {it.randrange(24):02}:30"
    ),
    lambda it: (
        f"It costs ${it.randrange(1, 10)},{it.randrange(1000):03},{it.randrange(1000):03}.{it.randrange(100):02}"
    ),
    lambda it: f"{it.randrange(10**6):,} EUR of {it.randrange(10**9):,} EUR".replace(",", " "),
    lambda it: f"commit {it.randbytes(20).hex()}",
    lambda it: (
        f"id {it.randbytes(4).hex()}-{it.randbytes(2).hex()}-4{it.randbytes(2).hex()[1:]}-{it.randbytes(6).hex()}"
    ),
    lambda it: f"at {it.uniform(-90, 90):.6f}, {it.uniform(-180, 180):.6f}",
    lambda it: f"pages {it.randrange(100, 400)}-{it.randrange(400, 999)}, line {it.randrange(9999)}",
    lambda it: f"took {it.random():.16f} s",
    lambda it: f"{it.randrange(100)} {it.randrange(1000)} {it.randrange(10000)} {it.randrange(100)}",
    lambda it: f"timestamp {it.randrange(1_500_000_000, 1_900_000_000)}{it.randrange(1000):03}",
    lambda it: f"ports {it.randrange(1024, 65535)}:{it.randrange(1024, 65535)}, pid {it.randrange(99999)}",
)


class Datum(NamedTuple):
    """A text, and what of which kind is in it."""

    text: str
    kind: str
    value: str
    group: str


@dataclass(slots=True)
class Found:
    """How many of the values of one kind were found."""

    made: int = 0
    found: int = 0

    def __str__(self) -> str:
        return f"{self.found / self.made:.0%}" if self.made else ""


def values(fake: Faker, locale: str) -> Iterator[tuple[str, str]]:
    """Kinds and values of one locale."""
    yield "email", fake.email()
    yield "phone", fake.phone_number()
    if locale not in {"ja_JP", "zh_CN"}:  # there Faker makes British ones that are too short
        yield "iban", fake.iban()
    yield "card", fake.credit_card_number()
    yield "ip_address", fake.ipv4_public()
    yield "ip_address", f"2001:{fake.ipv6().partition(':')[2]}"
    if locale == "en_US":
        yield "us_ssn", fake.ssn()


def make_data() -> list[Datum]:
    dice = random.Random(SEED)
    data = []
    for group, locales in GROUPS.items():
        for locale in locales:
            fake = Faker(locale)
            fake.seed_instance(SEED)
            for _ in range(EACH):
                data += [Datum(dice.choice(SENTENCES).format(it), kind, it, group) for kind, it in values(fake, locale)]
    return data


def make_harmless() -> list[str]:
    dice = random.Random(SEED)
    return [make(dice) for _ in range(EACH) for make in HARMLESS]


def measure() -> tuple[dict[tuple[str, str], Found], dict[str, float], int]:
    """What was found by kind and group, the precision by kind, and how many harmless texts had a find."""
    policy = PiiDetector.compile(PiiDetectorSpec())
    found: dict[tuple[str, str], Found] = {}
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for datum in make_data():
        verdict = policy.judge(datum.text, Form.PROSE)
        findings = verdict.findings if isinstance(verdict, Rewrite) else {}
        row = found.setdefault((datum.kind, datum.group), Found())
        is_found = isinstance(verdict, Rewrite) and datum.kind in findings and datum.value not in verdict.text
        row.made += 1
        row.found += is_found
        right[datum.kind] += is_found
        said.update(findings)
    alarms = 0
    for text in make_harmless():
        verdict = policy.judge(text, Form.PROSE)
        if isinstance(verdict, Rewrite):
            alarms += 1
            said.update(verdict.findings)
    return found, {kind: right[kind] / said[kind] for kind in right}, alarms


def pii_table() -> str:
    found, precision, alarms = measure()
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    rows = [f"| locales | {' | '.join(f'`{kind}`' for kind in kinds)} |", "| --- " * (len(kinds) + 1) + "|"]
    rows += [f"| {group} | {' | '.join(str(found.get((kind, group), '')) for kind in kinds)} |" for group in GROUPS]
    rows.append(f"| precision, all | {' | '.join(f'{precision[kind]:.1%}' for kind in kinds)} |")
    rows += ["", f"Of {len(make_harmless())} harmless texts {alarms} had a find."]
    return "\n".join(rows)
