"""Making the packed copies of votes that `store.packed` reads, and telling whether they are right.

Of two who make copies at once, one finds it done: both start where the copies end, and take the same votes. A copy
that was cut stands in the way of its like: `keep` puts the right one in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, func, not_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from arena.errors import Busy, Incomplete
from arena.store.base import table_of
from arena.store.engine import Database, Transaction
from arena.store.packed import AS_STORED, COLUMNS, Table, copies, is_whole, rows
from arena.store.tables import PackedVotes, Vote

SIZE = 10_000
"""Votes in a copy; fewer wait in `vote` until they are so many."""
_PATIENCE = 2000
"""Milliseconds to wait for another writer."""
Values = dict[str, Any]


def pack(tx: Transaction, study_id: int, source: str) -> None:
    """Copy the votes of which there are enough, within the caller's transaction; not beyond a copy that was cut.

    To put that right takes a right that who imports need not have, and a refusal would end the import.
    """
    for _ in _made(tx, study_id, source, commit=None):
        pass


def keep(db: Database, study_id: int, source: str, *, report: Callable[[int, int], None]) -> bool:
    """Copy the votes of which there are enough; `report` is told the votes done and their total.

    Returns whether that could be done: not by a user who may only read, nor by one who may not delete a copy that was
    cut, and not while somebody else writes for long. The copies are stored one by one, so that those who vote wait for
    none of it.
    """
    try:
        with db.outside() as connection, _impatient(connection):
            total = _waiting(connection, study_id, source)
            done = 0
            for votes in _made(connection, study_id, source, commit=connection.commit):
                done += votes
                report(min(done, total), total)
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


def _made(tx: Transaction, study_id: int, source: str, *, commit: Callable[[], None] | None) -> Iterator[int]:
    """Make one copy after the other; yields the votes that each step has brought among the copied.

    `commit` is called before and after each is stored: on SQLite a reader cannot turn to writing when another has
    written since. Without it a copy that was cut is left, and all behind it.
    """
    after = _end(tx, study_id, source)
    while (values := _next(tx, study_id, source, after)) is not None:
        if commit:
            commit()
        is_new = _stored(tx, values, may_replace=commit is not None)
        if commit:
            commit()
        if is_new:
            yield SIZE
            after = values["last_seq"]
            continue
        # Somebody else has made it, or those behind a copy that was cut are there still.
        there = [copy for copy in copies(tx, study_id, source) if copy.after >= after]
        if not there:
            return
        yield sum(copy.votes for copy in there)
        after = there[-1].last


def _next(tx: Transaction, study_id: int, source: str, after: int) -> Values | None:
    """The copy that can be made behind an entry, as a row of the table; None where the votes are too few."""
    last = tx.scalar(_full(), {"study": study_id, "source": source, "after": after, "size": SIZE - 1})
    if last is None:
        return None
    votes = rows(tx, study_id, source, after=after, last=last)
    return {"study_id": study_id, "source": source, "after_seq": after, "last_seq": last, "body": votes.tobytes()}


def _stored(tx: Transaction, values: Values, *, may_replace: bool) -> bool:
    """Store a copy. Returns whether it is new: not where one stands there, unless it was cut and may be replaced."""
    add = _add(tx.dialect.name)
    is_new = tx.scalar(add, values) is not None
    if not is_new and may_replace:
        key = (PackedVotes.study_id, PackedVotes.source, PackedVotes.after_seq)
        at = (column == values[column.key] for column in key)
        if tx.execute(delete(PackedVotes).where(*at, not_(is_whole()))).rowcount:
            is_new = tx.scalar(add, values) is not None
    return is_new


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
def _body() -> Select[Any]:
    query = select(AS_STORED).where(PackedVotes.study_id == bindparam("study"))
    return query.where(PackedVotes.source == bindparam("source"), PackedVotes.after_seq == bindparam("after"))


def _add(kind: str) -> Any:
    insert = sqlite.insert if kind == "sqlite" else postgresql.insert
    return insert(table_of(PackedVotes)).on_conflict_do_nothing().returning(PackedVotes.after_seq)


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
