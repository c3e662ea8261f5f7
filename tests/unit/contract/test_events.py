from pathlib import Path

import msgspec
import pytest

from keeptrusts.contract.events import CallFacts, DecisionEvent, Gap, OpenRecord, Origin, Outcome, SpoolRecord

WIRE = Path(__file__).resolve().parents[2] / "golden" / "wire"

# What the record of a request says, no more and no less.
IDENTITY = {"version", "id", "seq", "boot_id", "timestamp", "request_id", "client_request_id", "route", "stream"}
VERDICT = {"decision", "reason_code", "status", "error_code", "policies"}
WHO = {"team", "environment", "key_id", "user"}
CONFIGURATION = {"configuration_id", "configuration_version", "config_name", "pack_version", "config_digest"}
GATEWAY = {"gateway_name", "gateway_id", "instance_id"}
PROVIDER = {"model", "provider", "target_id", "attempts"}
EFFORT = {"usage", "cost_micros", "spend_bucket", "spend_day", "latency_ms", "first_byte_ms", "overhead_ms"}
DECISION_FIELDS = IDENTITY | VERDICT | WHO | CONFIGURATION | GATEWAY | PROVIDER | EFFORT


@pytest.mark.parametrize("path", sorted(WIRE.glob("*_v*.json")), ids=lambda path: path.stem)
def test_every_released_shape_stays_readable_and_loses_nothing_when_it_is_written_back(path):
    text = path.read_bytes()
    record = msgspec.json.decode(text, type=SpoolRecord)
    assert contains(msgspec.json.decode(msgspec.json.encode(record)), msgspec.json.decode(text))


def contains(written, released):
    """Whether everything released is there, unchanged. Later versions may say more."""
    if isinstance(released, dict):
        return all(key in written and contains(written[key], value) for key, value in released.items())
    if isinstance(released, list):
        return len(written) == len(released) and all(map(contains, written, released))
    return written == released


def test_one_decoder_tells_the_records_apart():
    kinds = {type(msgspec.json.decode(path.read_bytes(), type=SpoolRecord)) for path in WIRE.glob("*.json")}
    assert kinds == {DecisionEvent, Gap, OpenRecord}


def test_a_decision_event_has_these_fields():
    assert set(DecisionEvent.__struct_fields__) == DECISION_FIELDS


def test_a_decision_event_joins_where_from_and_how_it_ended():
    types = {field.name: field.type for field in msgspec.structs.fields(DecisionEvent)}
    for part in (Origin, Outcome):
        assert {field.name: types[field.name] for field in msgspec.structs.fields(part)} == {
            field.name: field.type for field in msgspec.structs.fields(part)
        }


def test_an_outcome_repeats_every_fact_of_the_open_record():
    assert set(CallFacts.__struct_fields__) < set(Outcome.__struct_fields__)


def test_a_field_of_a_later_version_is_passed_over():
    text = (WIRE / "gap_v1.json").read_bytes().replace(b'{"event_type"', b'{"later":[1],"event_type"')
    assert isinstance(msgspec.json.decode(text, type=SpoolRecord), Gap)


def test_the_types_have_a_json_schema():
    schema = msgspec.json.schema(DecisionEvent)
    assert set(schema["$defs"]["DecisionEvent"]["properties"]) == DECISION_FIELDS | {"event_type"}
