"""What erased texts leave behind in the files of a database, overwritten.

Deleting a row leaves its bytes on the page until they are needed, and in the write-ahead log. SQLite writes the file
anew and empties the log; on PostgreSQL the tables that hold erasable texts are written anew, and the log before that
goes at a checkpoint, where the server's settings and our rights allow it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from arena.store.engine import Database, reason

ERASABLE = ("sealed_text", "identity")
"""The tables whose rows are deleted when a text or a name is erased."""
_KEEPS = {
    "wal_recycle": ("off", "old write-ahead log files are kept to be used again; set wal_recycle = off"),
    "archive_mode": ("off", "the write-ahead log is archived; the archive has to be pruned as well"),
    "wal_keep_size": ("0", "wal_keep_size keeps old write-ahead log files"),
}


def scrub(db: Database) -> list[str]:
    """Overwrite what deleted rows left behind. Returns where remains may still be, in sentences; empty: nowhere.

    Raises Incomplete where the database cannot be used.
    """
    with db.outside() as connection:
        return _sqlite(connection) if db.kind == "sqlite" else _postgresql(connection)


def _sqlite(connection: Connection) -> list[str]:
    # By the driver itself: what SQLAlchemy runs begins a transaction first.
    driver: Any = connection.connection.driver_connection
    driver.execute("VACUUM").close()
    busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return ["the write-ahead log could not be emptied, because somebody was reading"] if busy else []


def _postgresql(connection: Connection) -> list[str]:
    for table in ERASABLE:
        connection.execute(text(f"VACUUM (FULL) {table}"))
    remains = []
    try:
        connection.execute(text("SELECT pg_switch_wal()"))
        connection.execute(text("CHECKPOINT"))
    except DBAPIError as error:
        remains.append(f"the write-ahead log keeps its past until the next checkpoint ({reason(error)})")
    for setting, (wanted, why) in _KEEPS.items():
        if connection.execute(text(f"SHOW {setting}")).scalar_one() != wanted:
            remains.append(why)
    if connection.execute(text("SELECT count(*) FROM pg_replication_slots")).scalar_one():
        remains.append("replication slots keep the write-ahead log until it is read")
    return remains
