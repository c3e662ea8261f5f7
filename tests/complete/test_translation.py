"""`docs/translation.md` says of every member of a call what the code does with it, in the code's own words."""

import pytest

from complete.project import ROOT
from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS
from keeptrusts.providers.translation.chat_to_messages.reply import FINISH_REASONS
from keeptrusts.providers.translation.chat_to_messages.thinking import BUDGETS, EFFORTS
from keeptrusts.providers.translation.messages_to_chat import members as messages_members
from keeptrusts.providers.translation.messages_to_chat.blocks import BLOCKS
from keeptrusts.providers.translation.messages_to_chat.ending import STOP_REASONS
from keeptrusts.providers.translation.messages_to_chat.settings import EFFORTS as MESSAGES_EFFORTS
from keeptrusts.providers.translation.messages_to_chat.settings import LOW_BUDGET, MEDIUM_BUDGET
from keeptrusts.providers.translation.responses_to_messages.members import MEMBERS as RESPONSES
from keeptrusts.providers.translation.responses_to_messages.response import INCOMPLETE

PAGE = (ROOT / "docs" / "translation.md").read_text()


@pytest.mark.parametrize("members", [MEMBERS, RESPONSES])
def test_every_member_of_a_call_has_its_row(members):
    rows = [f"| `{name}` | {member.fate.value} | {member.note} |" for name, member in members.items()]
    assert "\n".join(rows) in PAGE


def test_every_effort_has_its_row():
    rows = [f"| `{name}` | `{effort}` | {BUDGETS[name]} % |" for name, effort in EFFORTS.items() if effort]
    assert "\n".join(rows) in PAGE


def test_every_reason_to_stop_has_its_row():
    rows = [f"| `{reason}` | `{finish}` |" for reason, finish in FINISH_REASONS.items()]
    assert "\n".join(rows) in PAGE


def test_every_member_of_a_message_call_has_its_row():
    table = messages_members.MEMBERS
    rows = [f"| `{name}` | {member.fate.value} | {member.note} |" for name, member in table.items()]
    assert "\n".join(rows) in PAGE


def test_every_block_has_its_row():
    assert "\n".join(f"| `{name}` | {block.note} |" for name, block in BLOCKS.items()) in PAGE


def test_every_effort_and_reason_of_the_other_direction_has_its_row():
    efforts = [f"| `effort: {name}` | `{effort}` |" for name, effort in MESSAGES_EFFORTS.items()]
    budgets = [
        f"| `budget_tokens` below {LOW_BUDGET} | `low` |",
        f"| `budget_tokens` below {MEDIUM_BUDGET} | `medium` |",
        "| more `budget_tokens` | `high` |",
    ]
    assert "\n".join(efforts + budgets) in PAGE
    assert "\n".join(f"| `{finish}` | `{reason}` |" for finish, reason in STOP_REASONS.items()) in PAGE


def test_every_reason_of_an_incomplete_response_has_its_row():
    assert "\n".join(f"| `{reason}` | `{why}` |" for reason, why in INCOMPLETE.items()) in PAGE
