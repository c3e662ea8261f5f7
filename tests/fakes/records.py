"""The record of a call, with sensible defaults, and an outbox that keeps or refuses."""

import msgspec

from fakes.clock import START_NS, FakeClock
from fakes.packs import make_snapshot
from keeptrusts.contract.call import Call, Route
from keeptrusts.contract.events import CallFacts, Outcome
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.record import CallRecord


def read_members(members, kind):
    """What the JSON members of an object say; anything that the type does not know is an error."""
    object_json = f"{{{members}}}"
    assert set(msgspec.json.decode(object_json)) == set(kind.__struct_fields__)
    return msgspec.json.decode(object_json, type=kind)


class Ledger:
    """Stands where the outbox does: keeps what is recorded, or refuses."""

    def __init__(self, refuses=False):
        self.opened: list[CallFacts] = []
        self.closed: list[Outcome] = []
        self.refuses = refuses

    def open(self, call, received_ns, source, facts):
        self._keep(self.opened, read_members(facts, CallFacts))

    def close(self, call, received_ns, source, outcome):
        self._keep(self.closed, read_members(outcome, Outcome))

    def _keep(self, where, what):
        if self.refuses:
            raise Fault(Code.AUDIT_UNAVAILABLE, "full")
        where.append(what)


class Observed(list):
    """Keeps the records that were closed."""

    note = list.append


def make_call(**changes) -> Call:
    given = {"route": Route.CHAT, "body": b"x" * 400, "content_type": b"application/json", "tree": {}, "model": "small"}
    return Call(**given | changes)


def make_record(ledger=None, **changes) -> CallRecord:
    given = {
        "hex_id": "ab" * 16, "received_ns": START_NS, "started": 1000.0, "route": Route.CHAT, "caller": Caller("gk_c1"),
        "snapshot": make_snapshot(), "client_request_id": None, "outbox": ledger or Ledger(), "clock": FakeClock(),
        "observer": Observed(),
    }  # fmt: skip
    return CallRecord(**given | changes)
