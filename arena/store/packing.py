"""Making the packed copies of votes that `store.packed` reads, and telling whether they are right.

Of two who make copies at once, one finds it done: both start where the copies end, and take the same votes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from arena.errors import Busy, Incomplete
from arena.store.base import table_of
from arena.store.engine import Database, Transaction
from arena.store.packed import COLUMNS, Table, copies, rows
from arena.store.tables import PackedVotes, Vote

SIZE = 10_000
"""Votes in a copy; fewer wait in `vote` until they are so many."""
_PATIENCE = 2000
"""Milliseconds to wait for another writer."""
Values = dict[str, object]


def pack(tx: Transaction, study_id: int, source: str) -> None:
    """Copy the votes of which there are enough, within the caller's transaction."""
    for values in _missing(tx, study_id, source):
        tx.execute(_add(tx.dialect.name), values)


def keep(db: Database, study_id: int, source: str, *, report: Callable[[int, int], None]) -> bool:
    """Copy the votes of which there are enough; `report` is told the votes done and their total.

    Returns whether that could be done: not by a user who may only read, and not while somebody else writes for long.
    The copies are stored one by one, so that those who vote wait for none of it.
    """
    try:
        with db.outside() as connection, _impatient(connection):
            total = _waiting(connection, study_id, source)
            for number, values in enumerate(_missing(connection, study_id, source), 1):
                connection.commit()  # on SQLite a reader cannot turn to writing when another has written since
                connection.execute(_add(db.kind), values)
                connection.commit()
                report(number * SIZE, total)
    except (Busy, Incomplete, DBAPIError):
        return False
    return True


def differing(tx: Transaction, study_id: int) -> tuple[int, str] | None:
    """The entry of the first vote that a copy holds otherwise than its row, and its source; None where all are right.

    The entry is 0 where no vote can be named.
    """
    query = select(PackedVotes.source, PackedVotes.after_seq, PackedVotes.last_seq)
    made = tx.execute(query.where(PackedVotes.study_id == study_id).order_by(PackedVotes.after_seq)).all()
    ends = {(source, last) for source, _, last in made} | {(source, 0) for source, _, _ in made}
    for source, after, last in made:
        body = tx.scalar(_body(), {"study": study_id, "source": source, "after": after})
        votes = rows(tx, study_id, source, after=after, last=last)
        is_placed = (source, after) in ends and len(votes) and votes["seq"][-1] == last
        if not is_placed or body != votes.tobytes():
            return _first(votes, body), source
    return None


def _first(votes: Table, body: object) -> int:
    whole = len(body) // COLUMNS.itemsize if isinstance(body, bytes) else 0
    given = np.frombuffer(body, COLUMNS, whole) if isinstance(body, bytes) else votes[:0]
    same = min(len(votes), whole)
    differ = np.flatnonzero(votes[:same] != given[:same])
    at = int(differ[0]) if len(differ) else same
    return int(votes["seq"][at]) if at < len(votes) else 0


def _missing(tx: Transaction, study_id: int, source: str) -> Iterator[Values]:
    """The copies that can be made, as rows of the table."""
    after = _end(tx, study_id, source)
    of: Values = {"study_id": study_id, "source": source}
    while (
        last := tx.scalar(_full(), {"study": study_id, "source": source, "after": after, "size": SIZE - 1})
    ) is not None:
        votes = rows(tx, study_id, source, after=after, last=last)
        yield of | {"after_seq": after, "last_seq": last, "body": votes.tobytes()}
        after = last


def _end(tx: Transaction, study_id: int, source: str) -> int:
    """The entry up to which votes are copied."""
    made = copies(tx, study_id, source)
    return made[-1].last if made else 0


def _waiting(tx: Transaction, study_id: int, source: str) -> int:
    """How many votes can be copied."""
    query = select(func.count()).select_from(Vote).where(Vote.study_id == study_id, Vote.source == source)
    number = tx.scalar(query.where(Vote.seq > _end(tx, study_id, source))) or 0
    return number - number % SIZE


@cache
def _full() -> Select[int]:
    """The entry with which the next copy ends."""
    query = select(Vote.seq).where(Vote.study_id == bindparam("study"), Vote.source == bindparam("source"))
    return query.where(Vote.seq > bindparam("after")).order_by(Vote.seq).limit(1).offset(bindparam("size"))


@cache
def _body() -> Select[bytes]:
    query = select(PackedVotes.body).where(PackedVotes.study_id == bindparam("study"))
    return query.where(PackedVotes.source == bindparam("source"), PackedVotes.after_seq == bindparam("after"))


def _add(kind: str) -> Any:
    insert = sqlite.insert if kind == "sqlite" else postgresql.insert
    return insert(table_of(PackedVotes)).on_conflict_do_nothing()


@contextmanager
def _impatient(connection: Connection) -> Iterator[None]:
    """Wait for no other writer for long: a board can do without the copies."""
    driver: Any = connection.connection.driver_connection
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        (before,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute(f"PRAGMA busy_timeout = {min(before, _PATIENCE)}").close()
    else:
        connection.execute(text(f"SET lock_timeout = {_PATIENCE}"))
    try:
        yield
    finally:
        if is_sqlite:
            connection.rollback()
            driver.execute(f"PRAGMA busy_timeout = {before}").close()
        elif not connection.invalidated:  # the connection goes back to the pool
            connection.execute(text("RESET lock_timeout"))
