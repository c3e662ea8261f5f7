import csv
import io
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import ORIGIN, make_outcome
from keeptrusts.cli.event_formats import CSV_HEADER, csv_row, printable, table_header, table_line
from keeptrusts.contract.events import Attempt, DecisionEvent, Gap, PolicyOutcome

MOMENT = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)
GAP = Gap(id="evt_1", seq=9, boot_id="b", timestamp=MOMENT, first_seq=3, last_seq=7, count=5, reason="overflow")


def make_event(**changes):
    plain = {**msgspec.to_builtins(ORIGIN), **msgspec.to_builtins(make_outcome(**changes))}
    identity = {"id": "evt_1", "seq": 7, "boot_id": "b", "timestamp": MOMENT, "request_id": "req_1"}
    return msgspec.convert({**plain, **identity, "event_type": "decision"}, DecisionEvent)


def cells(event):
    return dict(zip(CSV_HEADER, csv_row(event), strict=True))


def test_a_line_stands_under_its_header():
    line = table_line(make_event())
    header = table_header()
    for name, value in (("DECISION", "allow"), ("MODEL", "gpt-4o-mini"), ("USD", "0.000035"), ("TOKENS", "120+28")):
        assert line[header.index(name) :].startswith(value)
    assert line.startswith("2026-11-23 14:00:00.123  ")


def test_what_is_missing_is_a_dash_and_what_is_long_is_cut():
    line = table_line(make_event(model="m" * 99, cost_micros=None, status=None))
    assert "m" * 21 + "…  " in line
    assert "  -       " in line


def test_a_failure_shows_its_code():
    assert table_line(make_event(error_code="upstream_timeout", status=504)).endswith("upstream_timeout")


def test_a_refusal_names_its_policy_and_a_fallback_its_attempts():
    refused = PolicyOutcome(kind="dlp-filter", phase="input", verdict="block", reason_code="dlp_match")
    passed = PolicyOutcome(kind="pii-detector", phase="input", verdict="allow")
    line = table_line(make_event(reason_code="dlp_match", error_code=None, policies=[passed, refused]))
    assert line.endswith("  dlp_match, dlp-filter")
    twice = [Attempt(target_id="a", status=500, ms=1.0), Attempt(target_id="b", status=200, ms=2.0)]
    assert table_line(make_event(attempts=twice, policies=[])).endswith("  2 attempts")


def test_truth_values_are_words_of_json():
    assert cells(make_event(stream=True))["stream"] == "true"


def test_a_row_begins_with_when_and_which():
    assert CSV_HEADER[:4] == ("timestamp", "request_id", "id", "event_type")


def test_a_gap_says_how_much_is_gone():
    assert table_line(GAP) == "2026-11-23 14:00:00.123  5 events lost (overflow): numbers 3 to 7"


@given(st.text())
def test_no_terminal_obeys_what_is_printed(text):
    line = table_line(make_event(model=text, key_id=text, reason_code=text))
    assert line.isprintable()
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\x9b31m", "\u202ecba", "[link=https://example.com]x[/link]"])
def test_hostile_names_come_out_as_text(text):
    assert printable(text).isprintable()
    assert printable("[bold]x") == "[bold]x"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_taken_for_a_formula(text):
    assert cells(make_event(model=text))["model"] == f"'{text}"


def test_rows_carry_every_field():
    row = cells(make_event())
    assert (row["event_type"], row["input_tokens"], row["output_tokens"], row["cost_micros"]) == (
        "decision",
        "120",
        "28",
        "35",
    )
    assert row["attempts"] == '[{"target_id":"openai-primary","status":200,"ms":801.2}]'
    assert row["user"] == ""
    assert row["timestamp"] == "2026-11-23T14:00:00.123456Z"


def test_a_gap_is_a_row_too():
    row = cells(GAP)
    assert (row["event_type"], row["reason_code"]) == ("gap", "overflow")
    assert (row["first_seq"], row["last_seq"], row["count"], row["model"]) == ("3", "7", "5", "")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_survives_the_way_through_a_spreadsheet(text):
    file = io.StringIO(newline="")
    csv.writer(file).writerow(csv_row(make_event(model=text)))
    (row,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert dict(zip(CSV_HEADER, row, strict=True))["model"] in {text, f"'{text}"}
