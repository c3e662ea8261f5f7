"""A pack as it is served: built whole or refused whole."""

import hashlib

import msgspec
import pytest

from fakes.packs import make_maker, make_pack, make_snapshot, make_target
from keeptrusts.config.problems import InvalidPack
from keeptrusts.contract.events import Origin
from keeptrusts.gateway.snapshot import digest_of
from keeptrusts.gateway.targets import TargetCounters
from keeptrusts.policies.verdict import Phase


def test_a_snapshot_bears_the_packs_name_version_and_exact_bytes():
    content = b"# a comment\n" + make_pack(name="blue", version="0.10")
    snapshot = make_snapshot(content)
    assert (snapshot.label, snapshot.content, snapshot.source) == ("blue@0.10", content, "file")
    assert snapshot.digest == digest_of(content) == "sha256:" + hashlib.sha256(content).hexdigest()


def test_policies_judge_in_their_phases_and_in_the_chains_order():
    snapshot = make_snapshot(make_pack(chain=["audit-logger", "pii-detector"]))
    assert [policy.kind for policy in snapshot.input.policies] == ["pii-detector"]
    assert [policy.kind for policy in snapshot.output.policies] == ["pii-detector"]
    assert (snapshot.input.phase, snapshot.output.phase) == (Phase.INPUT, Phase.OUTPUT)


def test_a_policy_for_one_phase_is_not_run_in_the_other():
    snapshot = make_snapshot(make_pack(chain=["pii-detector"], policy={"pii-detector": {"phases": ["input"]}}))
    assert len(snapshot.input.policies) == 1
    assert snapshot.output.policies == ()


@pytest.mark.parametrize("mode", ["block", "allow"])
def test_the_operators_fail_mode_reaches_both_phases(mode):
    snapshot = make_snapshot(maker=make_maker(fail_mode=mode))
    assert (snapshot.input.fail_mode, snapshot.output.fail_mode) == (mode, mode)


@pytest.mark.parametrize(("chain", "is_audited"), [([], False), (["pii-detector"], False), (["audit-logger"], True)])
def test_no_event_may_be_lost_under_audit_logger(chain, is_audited):
    assert make_snapshot(make_pack(chain=chain)).events.is_audited is is_audited


@pytest.mark.parametrize(("given", "name"), [(None, "blue"), ("edge-1", "edge-1")])
def test_events_say_where_they_come_from(given, name):
    content = make_pack(name="blue", version="2.0")
    source = make_snapshot(content, maker=make_maker(gateway_name=given)).events
    origin = msgspec.json.decode(f"{{{source.members}}}", type=Origin)
    assert (origin.gateway_name, origin.config_name, origin.pack_version) == (name, "blue", "2.0")
    assert (origin.config_digest, origin.instance_id) == (digest_of(content), "ins_1")


def test_targets_keep_their_order_and_their_counters():
    kept = TargetCounters(requests=3)
    content = make_pack(make_target(id="b", model="m1"), make_target(id="a", model="m2"))
    snapshot = make_snapshot(content, counters={"a": kept})
    assert [target.id for target in snapshot.targets] == ["b", "a"]
    assert snapshot.targets[1].counters is kept


def test_every_problem_is_reported_at_once():
    with pytest.raises(InvalidPack) as refused:
        make_snapshot(make_pack(make_target(id="", model=""), chain=["no-such-policy"]))
    assert len(refused.value.problems) >= 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{", b"pack: &a [*a]"])
def test_what_is_no_pack_is_refused(content):
    with pytest.raises(InvalidPack):
        make_snapshot(content)


def test_a_snapshot_shows_no_credential():
    assert "sk-canary" not in repr(make_snapshot())


def test_a_snapshot_cannot_be_changed():
    with pytest.raises(AttributeError):
        make_snapshot().label = "other"
