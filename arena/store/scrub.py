"""What erased texts leave behind in the files of a database, overwritten.

Deleting a row leaves its bytes on the page until they are needed, and in the write-ahead log. SQLite writes the file
anew and empties the log; on PostgreSQL the tables that hold erasable texts are written anew, and the log before that
goes at a checkpoint, where the server's settings and our rights allow it. So does the table of the planner's
statistics, in which version 0.1.0 let samples of the texts be gathered.

Voting goes on: no lock is waited for longer than some seconds, because others would wait behind us.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from arena.store.engine import Database, reason

ERASABLE = ("sealed_text", "identity")
"""The tables whose rows are deleted when a text or a name is erased."""
_STATISTICS = "pg_catalog.pg_statistic"
_KEEPS = {
    "wal_recycle": ("off", "old write-ahead log files are kept to be used again; set wal_recycle = off"),
    "archive_mode": ("off", "the write-ahead log is archived; the archive has to be pruned as well"),
    "wal_keep_size": ("0", "wal_keep_size keeps old write-ahead log files"),
}
_PATIENCE = 2000
"""Milliseconds to wait for a lock, or for transactions that began earlier."""
_LOOKS = 20
_AGAIN = "run `arena db scrub` again later"
_SAMPLED = (
    "SELECT count(*) FROM pg_stats WHERE schemaname = ANY (current_schemas(false)) AND (tablename, attname) IN "
    "(('sealed_text', 'text'), ('sealed_text', 'salt'), ('identity', 'name'))"
)
# The order matters: once no transaction that writes is older than the limit, no later snapshot can be; then those taken
# before are looked for. Writers of all databases count, for VACUUM's own snapshot heeds them.
_HOLDERS = """
SELECT pg_snapshot_xmin(pg_current_snapshot()) < CAST(:limit AS xid8)
    OR EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid()
        AND (datname = current_database() OR datname IS NULL) AND age(backend_xmin) > age(xid(CAST(:limit AS xid8))))
    OR EXISTS (SELECT FROM pg_replication_slots WHERE age(xmin) > age(xid(CAST(:limit AS xid8)))),
    EXISTS (SELECT FROM pg_stat_activity WHERE query = '<insufficient privilege>'
        AND (datname = current_database() OR datname IS NULL AND usesysid IS NOT NULL))
"""


def scrub(db: Database) -> list[str]:
    """Overwrite what deleted rows left behind. Returns where remains may still be, in sentences; empty: nowhere.

    Raises Incomplete where the database cannot be used.
    """
    with db.outside() as connection:
        if db.kind == "sqlite":
            # By the driver itself: what SQLAlchemy runs begins a transaction first.
            return _sqlite(connection.connection.driver_connection)
        with _impatient(connection):
            return _postgresql(connection)


def _sqlite(driver: Any) -> list[str]:
    remains = []
    try:
        driver.execute("VACUUM").close()
    except sqlite3.Error as error:
        remains.append(f"the file could not be written anew ({error}); {_AGAIN}")
    (before,) = driver.execute("PRAGMA busy_timeout").fetchone()
    try:
        # While it waits for readers, nobody else can write.
        driver.execute(f"PRAGMA busy_timeout = {min(before, _PATIENCE)}").close()
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            remains.append(f"the write-ahead log could not be emptied, because somebody was reading; {_AGAIN}")
    except sqlite3.Error as error:
        remains.append(f"the write-ahead log could not be emptied ({error}); {_AGAIN}")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {before}").close()
    return remains


@contextmanager
def _impatient(connection: Connection) -> Iterator[None]:
    """Wait for no lock for long: votes with comments would queue behind us."""
    connection.execute(text(f"SET lock_timeout = {_PATIENCE}"))
    try:
        yield
    finally:
        # The connection goes back to the pool.
        if not connection.invalidated:
            connection.execute(text("RESET lock_timeout"))


def _postgresql(connection: Connection) -> list[str]:
    remains = _still_read(connection)
    for table in (*ERASABLE, _STATISTICS):
        remains += _rewrite(connection, table)
    if connection.execute(text(_SAMPLED)).scalar_one():
        remains.append(
            "the planner's statistics hold samples of erasable texts; run "
            "`ALTER TABLE ... ALTER COLUMN ... TYPE text, ALTER COLUMN ... SET STATISTICS 0` for those in pg_stats"
        )
    return remains + _logged(connection)


def _still_read(connection: Connection) -> list[str]:
    """Whether rows that are deleted now may be kept for transactions that began before; waits a moment for these."""
    limit = connection.execute(text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)")).scalar_one()
    for _ in range(_LOOKS):
        is_held, is_hidden = connection.execute(text(_HOLDERS), {"limit": limit}).one()
        if not is_held:
            break
        time.sleep(_PATIENCE / 1000 / _LOOKS)
    told = []
    if is_held:
        told.append(f"erased rows are kept for a transaction that was open before (a backup, an export); {_AGAIN}")
    if is_hidden:
        told.append(
            "erased rows may be kept for transactions of other roles, which we are not allowed to see; "
            "grant us pg_read_all_stats"
        )
    return told


def _rewrite(connection: Connection, table: str) -> list[str]:
    """Write a table anew; where it is not ours, PostgreSQL only warns, and the file stays the same."""
    node = text("SELECT pg_relation_filenode(CAST(:table AS regclass))"), {"table": table}
    before = connection.execute(*node).scalar_one()
    try:
        connection.execute(text(f"VACUUM (FULL) {table}"))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return [f"{table} could not be written anew ({reason(error)}); {_AGAIN}"]
    if connection.execute(*node).scalar_one() == before:
        whose = "database" if table == _STATISTICS else "table"
        return [f"{table} is not ours to write anew; run `VACUUM (FULL) {table}` as the owner of the {whose}"]
    return []


def _logged(connection: Connection) -> list[str]:
    """Let the write-ahead log go, and say where it stays."""
    remains = []
    try:
        connection.execute(text("SELECT pg_switch_wal()"))
        connection.execute(text("CHECKPOINT"))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        remains.append(f"the write-ahead log keeps its past until the next checkpoint ({reason(error)})")
    for setting, (wanted, why) in _KEEPS.items():
        if connection.execute(text(f"SHOW {setting}")).scalar_one() != wanted:
            remains.append(why)
    if connection.execute(text("SELECT count(*) FROM pg_replication_slots")).scalar_one():
        remains.append("replication slots keep the write-ahead log until it is read")
    return remains
