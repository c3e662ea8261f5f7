"""Every code that judging a pack can give: what it means and what to do. `docs/packs.md` tells the same at length."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Code(StrEnum):
    """What is wrong with a pack. `E` refuses it, `W` only warns."""

    UNKNOWN_KIND = "E001"
    UNKNOWN_KEY = "E002"
    SETTINGS_MISSING = "E003"
    WRONG_VALUE = "E004"
    BAD_REFERENCE = "E005"
    NOT_YAML = "E006"
    FOREIGN = "E007"
    NOT_SUPPORTED_YET = "E008"
    UNUSED_SETTINGS = "W001"
    NO_POLICY = "W002"
    PLAINTEXT_CREDENTIAL = "W003"
    NO_CREDENTIAL = "W004"
    MORE_PROBLEMS = "W006"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says, for people."""

    title: str
    explanation: str
    remedy: str


MEANINGS: Mapping[Code, Meaning] = MappingProxyType(
    {
        Code.UNKNOWN_KIND: Meaning(
            "unknown kind of policy",
            "The chain, or the settings under `policy`, name a policy that Keeptrusts does not have. A rule that is "
            "not known cannot be enforced, so the pack is refused.",
            "Correct the name; `kt policy kinds` lists all of them.",
        ),
        Code.UNKNOWN_KEY: Meaning(
            "unknown key",
            "A key that means nothing in its place, often a slip of the keyboard or wrong indentation. It is refused, "
            "because a setting that is silently ignored is a setting that its author believes in.",
            "Correct or delete the key; `kt policy schema` has every key.",
        ),
        Code.SETTINGS_MISSING: Meaning(
            "a policy lacks settings that it needs",
            "The policy has a setting without a sensible default, such as the cap of `spend-limit`, and the pack does "
            "not give it.",
            "Add the setting under `policy.<kind>`.",
        ),
        Code.WRONG_VALUE: Meaning(
            "wrong type or value",
            "A value is missing, of the wrong type, out of bounds, or not one of the values that are possible there. "
            "Note that YAML 1.2 is read: `yes`, `no`, `on` and `off` are text, not truth values.",
            "Change the value to what the message asks for.",
        ),
        Code.BAD_REFERENCE: Meaning(
            "duplicate or dangling reference",
            "Two things bear the same name where names must differ, or a name refers to nothing. `unpriced` is one of "
            "these: the chain counts money, and nothing says what a target's model costs.",
            "Rename or delete one of them; give an unpriced target a `price`.",
        ),
        Code.NOT_YAML: Meaning(
            "not readable as YAML",
            "The text is not well-formed, or uses what the language leaves out on purpose: duplicate keys, tags, merge "
            "keys, several documents, more than 64 levels, 256 KiB, 20,000 values or 10,000 values by aliases.",
            "Repair the text at the position named.",
        ),
        Code.FOREIGN: Meaning(
            "another tool's file",
            "The file is a configuration of some other tool, and not a policy pack.",
            "Write a pack (`kt init` makes one to begin with) and carry the settings over.",
        ),
        Code.NOT_SUPPORTED_YET: Meaning(
            "not supported yet",
            "The setting belongs to the language, but this version cannot act on it yet. The pack is refused, because "
            "a limit or a policy that is accepted and not enforced would be worse than none.",
            "Take the setting out, or wait for a version that supports it.",
        ),
        Code.UNUSED_SETTINGS: Meaning(
            "settings of a policy that is not in the chain",
            "There are settings under `policy` for a kind that `policies.chain` does not name, so it does not run.",
            "Add the kind to `policies.chain`, or delete its settings.",
        ),
        Code.NO_POLICY: Meaning(
            "no policy in the chain",
            "The chain is empty: every call passes unjudged. It leaves its decision event all the same, but without "
            "`audit-logger` calls go on where events cannot be kept.",
            "Name policies in `policies.chain`.",
        ),
        Code.PLAINTEXT_CREDENTIAL: Meaning(
            "a credential goes over plain http",
            "The target has a credential and an http:// address that is not this machine's, so everybody on the way "
            "can read the credential.",
            "Use https://.",
        ),
        Code.NO_CREDENTIAL: Meaning(
            "a provider that asks for a credential gets none",
            "The target has no `secret_key_ref`, and its provider answers no call without a credential.",
            "Add `secret_key_ref: {env: NAME}`.",
        ),
        Code.MORE_PROBLEMS: Meaning(
            "more problems than are listed",
            "Only the first problems are listed; others wait behind them.",
            "Repair those that are listed and judge the pack again.",
        ),
    }
)
