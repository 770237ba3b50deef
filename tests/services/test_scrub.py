"""Overwriting what was erased: where it cannot be done it is said, and nobody who votes waits for it."""

from __future__ import annotations

import resource
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from sqlalchemy import QueuePool, event, text

from arena import assets
from arena.domain.access import Seat
from arena.services import erasure
from arena.store import schema
from arena.store.engine import Database, open_database
from tests.conftest import MakeDatabase
from tests.services.eventful import cast
from tests.services.test_erasure import holding
from tests.studies import later, opened, seated

WORDS = "xylophone-zeppelin-words"


@pytest.fixture
def postgresql(make_db: MakeDatabase) -> Iterator[Database]:
    """One that is told, as docs/operations.md asks for, not to keep old write-ahead log files for later use."""
    db = make_db("postgresql")
    _run(db, "ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()")
    yield db
    _run(db, "ALTER SYSTEM RESET wal_recycle", "SELECT pg_reload_conf()")


@pytest.fixture
def sqlite(make_db: MakeDatabase) -> Database:
    return make_db("sqlite")


def _run(db: Database, *statements: str) -> None:
    with db.outside() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _one(db: Database, query: str) -> object:
    with db.outside() as connection:
        return connection.execute(text(query)).scalar_one()


def voted(db: Database) -> Seat:
    """A rater who has said the words."""
    opened(db)
    rater = seated(db, "Dr Leaves")
    cast(db, rater, comment=WORDS)
    return rater


def erased(db: Database) -> None:
    """The words are said, and erased."""
    erasure.withdraw(db, "s", voted(db).pseudonym, now=later(21))


# --- PostgreSQL: rights ---


@contextmanager
def guest(db: Database) -> Iterator[Database]:
    """The same database by a role that may read and write all rows, and owns nothing."""
    role = f"guest_{uuid.uuid4().hex}"
    _run(
        db,
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    low = open_database(db.engine.url.set(username=role, password="x").render_as_string(hide_password=False))
    try:
        yield low
    finally:
        low.close()
        _run(db, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_tables_that_are_not_ours_to_write_anew_are_named(postgresql: Database) -> None:
    erased(postgresql)
    with guest(postgresql) as low:
        remains = erasure.scrub(low)
        for table in ("sealed_text", "identity", "pg_catalog.pg_statistic"):
            assert [where for where in remains if where.startswith(f"{table} is not ours")]
        # The owner's connection is open, and what it reads is not shown to the guest.
        assert [where for where in remains if "pg_read_all_stats" in where]
        _run(postgresql, f"GRANT pg_read_all_stats TO {low.engine.url.username}")
        assert not [where for where in erasure.scrub(low) if "pg_read_all_stats" in where]
        assert holding(postgresql, WORDS)
    assert erasure.scrub(postgresql) == []
    assert holding(postgresql, WORDS) == []


# --- PostgreSQL: others at work ---


@contextmanager
def _reader(db: Database, _make_db: MakeDatabase) -> Iterator[None]:
    with db.read() as tx:
        tx.execute(text("SELECT count(*) FROM vote")).all()
        yield


@contextmanager
def _writer_next_door(_db: Database, make_db: MakeDatabase) -> Iterator[None]:
    """In another database of the server, and with no snapshot of its own."""
    with make_db("postgresql").write() as tx:
        tx.execute(text("SELECT pg_current_xact_id()")).all()
        yield


@pytest.mark.parametrize("older", [_reader, _writer_next_door])
def test_rows_that_are_kept_for_an_older_transaction_are_told(
    postgresql: Database,
    make_db: MakeDatabase,
    older: Callable[[Database, MakeDatabase], AbstractContextManager[None]],
) -> None:
    rater = voted(postgresql)
    with older(postgresql, make_db):
        erasure.withdraw(postgresql, "s", rater.pseudonym, now=later(21))
        [told] = erasure.scrub(postgresql)
        assert "transaction that was open before" in told
        assert "arena db scrub" in told
        assert holding(postgresql, WORDS)
    assert erasure.scrub(postgresql) == []
    assert holding(postgresql, WORDS) == []


def test_a_transaction_that_began_after_the_erasure_keeps_nothing(postgresql: Database, make_db: MakeDatabase) -> None:
    erased(postgresql)
    with _reader(postgresql, make_db):
        assert erasure.scrub(postgresql) == []
        assert holding(postgresql, WORDS) == []


def test_a_vote_waits_for_no_reader_behind_the_overwriting(postgresql: Database) -> None:
    erased(postgresql)
    voter = seated(postgresql, "Dr Stays")
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with ThreadPoolExecutor(2) as threads, ExitStack() as reading:
        # Left before the threads are waited for, whatever fails.
        tx = reading.enter_context(postgresql.read())
        tx.execute(text("SELECT count(*) FROM sealed_text")).all()
        scrubbing = threads.submit(erasure.scrub, postgresql)
        with postgresql.engine.connect() as connection:
            while not connection.execute(text(waiting)).scalar_one():
                assert not scrubbing.done()
        threads.submit(cast, postgresql, voter, comment="said meanwhile").result(timeout=60)
        told = scrubbing.result(timeout=60)
    assert [where for where in told if where.startswith("sealed_text could not be written anew") and "lock" in where]
    assert erasure.scrub(postgresql) == []
    assert holding(postgresql, WORDS) == []


def test_connections_go_back_to_the_pool_as_they_were(postgresql: Database, sqlite: Database) -> None:
    for db, query, before in ((postgresql, "SHOW lock_timeout", "0"), (sqlite, "PRAGMA busy_timeout", 30_000)):
        erasure.scrub(db)
        pool = db.engine.pool
        assert isinstance(pool, QueuePool)
        with ExitStack() as stack:
            taken = [stack.enter_context(db.engine.connect()) for _ in range(pool.checkedin())]
            assert taken
            assert {connection.execute(text(query)).scalar_one() for connection in taken} == {before}


# --- PostgreSQL: statistics ---


def test_samples_that_the_first_version_let_be_gathered_are_overwritten(postgresql: Database) -> None:
    db, migrations = postgresql, assets.path("migrations")
    sampled = "SELECT count(*) FROM pg_stats WHERE tablename = 'sealed_text' AND attname IN ('text', 'salt')"
    schema.downgrade(db, migrations, "0001")
    insert = "INSERT INTO sealed_text SELECT 1, n, 'comment', :words || n % 3, 'salt' FROM generate_series(1, 60) AS n"
    with db.write() as tx:
        tx.execute(text(insert), {"words": WORDS})
    _run(db, "ANALYZE")
    assert _one(db, sampled) == 2
    statistics = str(_one(db, "SELECT pg_relation_filenode('pg_catalog.pg_statistic')"))
    schema.upgrade(db, migrations)
    _run(db, "CHECKPOINT")
    assert _one(db, sampled) == 0
    # Deleted only: the bytes are still on the page.
    assert statistics in holding(db, WORDS)
    _run(db, "DELETE FROM sealed_text")
    assert erasure.scrub(db) == []
    assert holding(db, WORDS) == []


def test_samples_that_somebody_has_gathered_again_are_told(postgresql: Database) -> None:
    erased(postgresql)
    cast(postgresql, seated(postgresql, "Dr Stays"), comment="said")
    assert erasure.scrub(postgresql) == []
    _run(postgresql, "ALTER TABLE sealed_text ALTER COLUMN text SET STATISTICS 100", "ANALYZE")
    [told] = erasure.scrub(postgresql)
    assert "statistics hold samples" in told


# --- SQLite ---


def test_a_locked_sqlite_is_told_not_thrown(sqlite: Database) -> None:
    erased(sqlite)
    assert holding(sqlite, WORDS)
    event.listen(sqlite.engine, "checkout", lambda driver, *_: driver.execute("PRAGMA busy_timeout = 100"))
    other = sqlite3.connect(str(sqlite.engine.url.database), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        remains = erasure.scrub(sqlite)
        assert "the file could not be written anew (database is locked)" in remains[0]
        assert all("arena db scrub" in where for where in remains)
        other.rollback()
        assert erasure.scrub(sqlite) == []
    finally:
        other.close()
    assert holding(sqlite, WORDS) == []


def test_a_full_disk_is_told_not_thrown(sqlite: Database) -> None:
    erased(sqlite)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        remains = erasure.scrub(sqlite)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [where for where in remains if where.startswith("the file could not be written anew")]
    assert erasure.scrub(sqlite) == []
    assert holding(sqlite, WORDS) == []


def test_a_reader_who_keeps_the_log_of_sqlite_is_told(sqlite: Database) -> None:
    rater = voted(sqlite)
    with sqlite.read() as tx:
        tx.execute(text("SELECT count(*) FROM vote")).all()
        erasure.withdraw(sqlite, "s", rater.pseudonym, now=later(21))
        [told] = erasure.scrub(sqlite)
        assert "somebody was reading" in told
        assert "arena db scrub" in told
        assert holding(sqlite, WORDS)
    assert erasure.scrub(sqlite) == []
    assert holding(sqlite, WORDS) == []
