"""The ledger on disk: what each bucket spent on each day, and which slices are out. SQLite, one thread at a time.

    used = settled + for each slice max(granted - returned, spent + held)

is never granted beyond the cap. `settled` is what closed slices spent; what an owner reports replaces what it reported
before. A report also says which event it includes last, in the same transaction: when an owner has died, its slices are
closed with what it reported, and the events that its spool has beyond that are added. So the sum of the events is the
truth, and a ledger that is lost or damaged is made anew from them.

Commits reach the kernel and not at once the disk: a power cut may cost the last ones, and the events tell again. The
events themselves can lose a second that way, so this loses nothing that they keep.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from keeptrusts.gateway.spend.slices import Claim, Grant, Grants, LedgerUnavailable, Recall, Report, SliceRequest
from keeptrusts.gateway.spend.spooled import Events
from keeptrusts.runtime.clock import Clock

LEDGER_NAME = "spend.db"
KEEP_DAYS = 35
SHARE = 8
"""What is leased ahead of need takes an eighth of the room at most, so that other workers find some."""

VERSION = 1
_SCHEMA = """
CREATE TABLE days (bucket TEXT, day TEXT, cap INTEGER, resets_ns INTEGER, settled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, day)) STRICT, WITHOUT ROWID;
CREATE TABLE slices (bucket TEXT, day TEXT, owner TEXT, spool TEXT NOT NULL, granted INTEGER NOT NULL,
    spent INTEGER NOT NULL, returned INTEGER NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (bucket, day, owner)) STRICT, WITHOUT ROWID;
CREATE TABLE spools (spool TEXT PRIMARY KEY, owner TEXT NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE begins (bucket TEXT, day TEXT, spool TEXT, seq INTEGER NOT NULL,
    PRIMARY KEY (bucket, day, spool)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_OTHERS = "bucket = :bucket AND day = :day AND owner != :owner"
_USED = "max(granted - returned, spent + held)"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

log = logging.getLogger(__name__)


class _Damaged(sqlite3.DatabaseError):
    """The file can be read and says nonsense."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a report leads to: the grants, and the owners that are asked to hand something back."""

    grants: Grants
    recalls: tuple[tuple[str, Recall], ...]


class LedgerFile:
    """One per instance. Opened with the first claim. Blocks on the disk, so it lives in a thread of its own."""

    def __init__(self, path: Path, events: Events, clock: Clock) -> None:
        self._path = path
        self._events = events
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._recalled: set[tuple[str, str, str]] = set()  # owner, bucket, day: asked, and not heard of since

    def claim(self, claim: Claim) -> None:
        """Close the slices of this spool's earlier owners. Raises LedgerUnavailable."""
        with self._transaction() as db:
            row = db.execute("SELECT owner, seq FROM spools WHERE spool = ?", (claim.spool,)).fetchone()
            if row and row[0] == claim.owner:
                return
            known = row[1] if row else self._events.first_seq(claim.spool) - 1
            _close_slices(db, claim)
            for (bucket, day), micros in self._events.spent(claim.spool, known, claim.seq).items():
                self._begin(db, bucket, day, claim.spool, known)
                _settle(db, bucket, day, micros)
            _forget_lost_events(db, claim)
            db.execute("INSERT OR REPLACE INTO spools VALUES (?, ?, ?)", (claim.spool, claim.owner, claim.seq))
            self._prune(db)

    def lease(self, report: Report) -> Answer:
        """Note a report and grant what there is room for. Raises LedgerUnavailable; then nothing was noted."""
        with self._transaction() as db:
            row = db.execute("SELECT owner FROM spools WHERE spool = ?", (report.spool,)).fetchone()
            if row is None or row[0] != report.owner:
                raise LedgerUnavailable(f"spool {report.spool} has another owner now")
            grants: list[Grant] = []
            recalls: list[tuple[str, Recall]] = []
            for request in report.requests:
                grant, is_short = self._grant(db, report, request)
                grants.append(grant)
                if is_short:
                    recalls += self._recall(db, report.owner, request)
            db.execute("UPDATE spools SET seq = max(seq, ?) WHERE spool = ?", (report.seq, report.spool))
        return Answer(Grants(grants=tuple(grants)), tuple(recalls))

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _grant(self, db: sqlite3.Connection, report: Report, request: SliceRequest) -> tuple[Grant, bool]:
        """The answer to one request, and whether it got less than it needs."""
        bucket, day, owner = request.bucket, request.day, report.owner
        self._recalled.discard((owner, bucket, day))
        self._begin(db, bucket, day, report.spool, None)
        db.execute(
            "UPDATE days SET cap = ?, resets_ns = ? WHERE bucket = ? AND day = ?",
            (request.cap_micros, request.resets_ns, bucket, day),
        )
        settled, spent, used, held = db.execute(
            f"SELECT settled, (SELECT coalesce(sum(spent), 0) FROM slices WHERE {_OTHERS}),"  # noqa: S608 - constants
            f" (SELECT coalesce(sum({_USED}), 0) FROM slices WHERE {_OTHERS}),"
            f" (SELECT coalesce(sum(held), 0) FROM slices WHERE {_OTHERS})"
            " FROM days WHERE bucket = :bucket AND day = :day",
            {"bucket": bucket, "day": day, "owner": owner},
        ).fetchone()
        row = db.execute("SELECT granted FROM slices WHERE bucket = ? AND day = ? AND owner = ?", (bucket, day, owner))
        granted: int = (row.fetchone() or (0,))[0]
        # Where it spent more than it had, its need says so: what is granted now covers that first.
        more = size_grant(request, request.cap_micros - settled - used - (granted - request.returned_micros))
        if request.is_last:
            _close_slice(db, bucket, day, owner, request.spent_micros)
        else:
            db.execute(
                "INSERT OR REPLACE INTO slices VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (bucket, day, owner, report.spool, granted + more, request.spent_micros, request.returned_micros,
                 request.held_micros),
            )  # fmt: skip
        grant = Grant(
            bucket=bucket,
            day=day,
            granted_micros=granted + more,
            others_spent_micros=settled + spent,
            others_leased_micros=used - spent,
            others_held_micros=held,
        )
        return grant, more < request.need_micros

    def _recall(self, db: sqlite3.Connection, owner: str, request: SliceRequest) -> Iterator[tuple[str, Recall]]:
        """Ask others for what they may not need, once until they answer."""
        others = db.execute(
            f"SELECT owner FROM slices WHERE {_OTHERS} AND granted - returned > spent",  # noqa: S608 - constants
            {"bucket": request.bucket, "day": request.day, "owner": owner},
        )
        for (other,) in others.fetchall():
            key = (other, request.bucket, request.day)
            if key not in self._recalled:
                self._recalled.add(key)
                yield other, Recall(bucket=request.bucket, day=request.day)

    def _begin(self, db: sqlite3.Connection, bucket: str, day: str, spool: str, known: int | None) -> None:
        """Open a bucket's day, and note behind which events it begins, so that it can be verified."""
        made = db.execute("INSERT OR IGNORE INTO days (bucket, day) VALUES (?, ?)", (bucket, day))
        if not made.rowcount:
            return
        db.execute("INSERT INTO begins SELECT ?, ?, spool, seq FROM spools", (bucket, day))
        if known is not None:
            db.execute("INSERT OR REPLACE INTO begins VALUES (?, ?, ?, ?)", (bucket, day, spool, known))

    def _prune(self, db: sqlite3.Connection) -> None:
        """Forget days long past."""
        oldest = (self._clock.now() - timedelta(days=KEEP_DAYS)).date().isoformat()
        for table in ("days", "slices", "begins"):
            db.execute(f"DELETE FROM {table} WHERE day < ?", (oldest,))  # noqa: S608 - constants

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing. Whatever SQLite or the disk says becomes LedgerUnavailable."""
        try:
            db = self._db = self._db or self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnavailable(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, _Damaged) and error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
            log.error("%s is damaged: it is put aside and made anew from the events", self._path)  # noqa: TRY400
            for path in self._path.parent.glob(f"{self._path.name}*"):
                if ".damaged" not in path.name:
                    path.rename(path.with_name(path.name.replace(LEDGER_NAME, f"{LEDGER_NAME}.damaged")))
            return _connect(self._path)


def size_grant(request: SliceRequest, room: int) -> int:
    """How much more to grant: for those who wait as far as it goes, ahead of them a share of the rest at most."""
    if room <= 0 or request.is_last or room < request.need_micros:
        return 0
    for_waiters = min(request.wait_micros, room)
    return for_waiters + min(request.want_micros, (room - for_waiters) // SHARE)


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; see that an old one is whole. Raises sqlite3.Error, LedgerUnavailable."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    elif version != VERSION:
        raise LedgerUnavailable(f"{path} was written by another version of Keeptrusts ({version})")
    elif db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _Damaged(f"{path} is damaged")


def _settle(db: sqlite3.Connection, bucket: str, day: str, micros: int) -> None:
    db.execute("UPDATE days SET settled = settled + ? WHERE bucket = ? AND day = ?", (micros, bucket, day))


def _close_slice(db: sqlite3.Connection, bucket: str, day: str, owner: str, spent: int) -> None:
    """What an owner spent becomes settled. A slice that is not there was closed before."""
    where = (bucket, day, owner)
    if db.execute("DELETE FROM slices WHERE bucket = ? AND day = ? AND owner = ?", where).rowcount:
        _settle(db, bucket, day, spent)


def _close_slices(db: sqlite3.Connection, claim: Claim) -> None:
    rows = db.execute("SELECT bucket, day, owner, spent FROM slices WHERE spool = ? AND owner != ?",
                      (claim.spool, claim.owner))  # fmt: skip
    for row in rows.fetchall():
        _close_slice(db, *row)


def _forget_lost_events(db: sqlite3.Connection, claim: Claim) -> None:
    """After a power cut the spool may end before what was counted: its numbers will be used again."""
    db.execute("UPDATE begins SET seq = min(seq, ?) WHERE spool = ?", (claim.seq, claim.spool))
