"""The cell that holds what is served, and the loop that swaps it."""

import pytest

from fakes.packs import make_active, make_pack, make_snapshot
from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.active_config import ActiveConfig, follow

pytestmark = pytest.mark.anyio

BAD = InvalidPack([Problem(code="E001", path="policies.chain[0]", line=1, column=2, message="no", excerpt="")])


def version(number):
    return make_snapshot(make_pack(version=str(number)))


class ListSource:
    """Yields what it was given, and notes what was served when the next version was asked for."""

    def __init__(self, active, *versions):
        self.active = active
        self.given = versions
        self.served = []

    async def versions(self):
        for given in self.given:
            yield given
            self.served.append((self.active.current().label, self.active.rejection))


async def followed(*versions):
    active, applied = make_active(version="0"), []

    async def note(snapshot):
        applied.append((snapshot.label, active.current().label))

    source = ListSource(active, *versions)
    await follow(source, active, note)
    return source.served, applied


async def test_each_version_is_served_before_the_next_is_asked_for():
    served, applied = await followed(version(1), version(2))
    assert served == [("blue@1", None), ("blue@2", None)]
    assert applied == [("blue@1", "blue@1"), ("blue@2", "blue@2")]


async def test_a_bad_version_changes_nothing_and_is_remembered_until_a_good_one_comes(caplog):
    served, applied = await followed(version(1), BAD, version(3))
    assert served == [("blue@1", None), ("blue@1", BAD), ("blue@3", None)]
    assert [label for label, _ in applied] == ["blue@1", "blue@3"]
    [rejected] = [record for record in caplog.records if record.message == "pack rejected"]
    assert rejected.facts == {"problems": ["1:2: E001 policies.chain[0]: no"]}


async def test_who_read_the_cell_before_keeps_what_was_read():
    active = ActiveConfig(version(1))
    mine = active.current()
    active.replace(version(2))
    assert (mine.label, active.current().label) == ("blue@1", "blue@2")
