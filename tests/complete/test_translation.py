"""`docs/translation.md` says of every member of a call what the code does with it, in the code's own words."""

from complete.project import ROOT
from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS
from keeptrusts.providers.translation.chat_to_messages.reply import FINISH_REASONS
from keeptrusts.providers.translation.chat_to_messages.thinking import BUDGETS, EFFORTS

PAGE = (ROOT / "docs" / "translation.md").read_text()


def test_every_member_of_a_chat_completion_has_its_row():
    rows = [f"| `{name}` | {member.fate.value} | {member.note} |" for name, member in MEMBERS.items()]
    assert "\n".join(rows) in PAGE


def test_every_effort_has_its_row():
    rows = [f"| `{name}` | `{effort}` | {BUDGETS[name]} % |" for name, effort in EFFORTS.items() if effort]
    assert "\n".join(rows) in PAGE


def test_every_reason_to_stop_has_its_row():
    rows = [f"| `{reason}` | `{finish}` |" for reason, finish in FINISH_REASONS.items()]
    assert "\n".join(rows) in PAGE
