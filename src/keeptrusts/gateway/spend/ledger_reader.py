"""Reads the ledger of a gateway that runs or not, and holds it against the events. Changes nothing."""

import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, VERSION
from keeptrusts.gateway.spend.slices import LedgerUnavailable
from keeptrusts.gateway.spend.spooled import SpooledEvents, Sums

_BUDGETS = """
SELECT days.bucket, days.day, cap, settled + coalesce(sum(spent), 0), coalesce(sum(held), 0),
    coalesce(sum(max(0, granted - returned - spent - held)), 0), resets_ns
FROM days LEFT JOIN slices USING (bucket, day) GROUP BY days.bucket, days.day ORDER BY days.day, days.bucket
"""


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One bucket on one day, in micro-dollars, as last reported.

    `held_micros` is what calls under way may cost, `leased_micros` what workers have at hand beyond that. `cap_micros`
    and `resets_ns` are None where the ledger was made anew and nobody called since.
    """

    bucket: str
    day: str
    cap_micros: int | None
    spent_micros: int
    held_micros: int
    leased_micros: int
    resets_ns: int | None

    @property
    def left_micros(self) -> int | None:
        """What calls can still have: what is leased is at hand for them."""
        return None if self.cap_micros is None else max(0, self.cap_micros - self.spent_micros - self.held_micros)


@dataclass(frozen=True, slots=True)
class Check:
    """What the ledger and the events say of one bucket and day; `events_micros` is None where part of those is gone.

    Only events that the workers had reported are held against the ledger; `later_micros` is what those after them cost.
    """

    bucket: str
    day: str
    ledger_micros: int
    events_micros: int | None
    later_micros: int = 0

    @property
    def difference_micros(self) -> int:
        return 0 if self.events_micros is None else self.ledger_micros - self.events_micros


class LedgerReader:
    """A ledger, and the events beside it."""

    def __init__(self, path: Path, events: SpooledEvents) -> None:
        self._path = path
        self._events = events

    def budgets(self) -> list[BudgetRow]:
        """All that is kept, oldest first. Raises LedgerUnavailable."""
        with self._reading() as db:
            return [BudgetRow(*row) for row in db.execute(_BUDGETS)]

    def verify(self) -> list[Check]:
        """Each bucket and day, by the events that the ledger says it includes. Raises LedgerUnavailable."""
        with self._reading() as db:  # one moment: what is reported meanwhile is not in it
            rows = [BudgetRow(*row) for row in db.execute(_BUDGETS)]
            begins: dict[tuple[str, str], dict[str, int]] = {}
            for bucket, day, spool, seq in db.execute("SELECT bucket, day, spool, seq FROM begins"):
                begins.setdefault((bucket, day), {})[spool] = seq
            ends: dict[str, int] = dict(db.execute("SELECT spool, seq FROM spools").fetchall())
        surveys = {spool: self._events.survey(spool, seq) for spool, seq in ends.items()}
        sums: Sums = Counter()
        for survey in surveys.values():
            sums.update(survey.sums)
        later: Sums = Counter()
        for spool in self._events.names():
            later.update(self._events.spent(spool, ends.get(spool, 0), sys.maxsize))
        lost = {spool: survey.last_lost for spool, survey in surveys.items()}
        checks = [
            Check(
                row.bucket,
                row.day,
                row.spent_micros,
                sums[row.bucket, row.day] if self._is_whole(begins.get((row.bucket, row.day), {}), lost) else None,
                later[row.bucket, row.day],
            )
            for row in rows
        ]
        known = {(row.bucket, row.day) for row in rows}
        oldest = rows[0].day if rows else ""
        missing = sorted(key for key in {*sums, *later} if key not in known and key[1] >= oldest)
        return checks + [Check(bucket, day, 0, sums[bucket, day], later[bucket, day]) for bucket, day in missing]

    @staticmethod
    def _is_whole(begins: dict[str, int], lost: dict[str, int]) -> bool:
        """Whether every event since the bucket's day began is still there."""
        return all(seq <= begins.get(spool, 0) for spool, seq in lost.items())

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            db = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, isolation_level=None)
            try:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version != VERSION:
                    raise LedgerUnavailable(f"{self._path} was written by another version of Keeptrusts ({version})")
                db.execute("BEGIN")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"cannot read {self._path}: {error}") from error


def open_reader(directory: Path) -> LedgerReader:
    """The ledger in a gateway's state directory. Raises LedgerUnavailable where there is none."""
    path = (directory / LEDGER_NAME).resolve()
    if not path.is_file():
        raise LedgerUnavailable(f"{path} is not there: this gateway has counted no money yet")
    return LedgerReader(path, SpooledEvents(directory / "spool"))
