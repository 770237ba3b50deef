"""Opening a database and holding transactions on it, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.orm import InstrumentedAttribute

from arena.errors import BadInput, Busy, Conflict, Incomplete

PAGE = 5000
Transaction: TypeAlias = Connection
"""What the store's functions take: one transaction on the database."""


class Turns(AbstractContextManager[None]):
    """A lock that is given to those who wait for it in the order in which they came; `threading.Lock` is not."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_taken = False

    def __enter__(self) -> None:
        """Wait for one's turn."""
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:  # interrupted: nobody may be left waiting for one who has gone
            self._give_up(turn)
            raise

    def __exit__(self, *_: object) -> None:
        """Let the next one in."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False

    def _give_up(self, turn: threading.Lock) -> None:
        with self._changing:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        self.__exit__()  # it was given meanwhile


@dataclass(frozen=True)
class Database:
    """An engine, and the queues of this process's writers: the databases' own waiting for a lock is unfair.

    On SQLite all writers wait in one queue; on PostgreSQL those of one study in theirs.
    """

    engine: Engine
    _writing: Turns = field(default_factory=Turns)
    _of_study: dict[int, Turns] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one state of the database throughout, and writes nothing."""
        options: dict[str, Any] = {}
        if self.kind == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with told(self.kind), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def write(self, study_id: int | None = None) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block, or rolled back when the block raises.

        `study_id`: the study to whose ledger it will append, where many may want to at once.
        """
        with (
            told(self.kind),
            self._queue(study_id),
            self.engine.connect().execution_options(arena_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _queue(self, study_id: int | None) -> AbstractContextManager[None]:
        if self.kind == "sqlite":
            return self._writing
        return nullcontext() if study_id is None else self._of_study.setdefault(study_id, Turns())

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection that is in no transaction, for upkeep that cannot run in one; this process's writers wait."""
        # SQLite's driver commits by itself as it is, and takes no other isolation level.
        options: dict[str, Any] = {} if self.kind == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        with told(self.kind), self._writing, self.engine.connect().execution_options(**options) as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def paged(
    tx: Transaction, query: Select[*tuple[Any, ...]], seq: InstrumentedAttribute[int]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of `query` in the order of its first column, `seq`, read some thousands at a time.

    Pages by key rather than a cursor of the database, which a reader who stops half-way would leave open.
    """
    query = query.order_by(seq).limit(PAGE)
    rows = tx.execute(query).all()
    while rows:
        yield from rows
        rows = tx.execute(query.where(seq > rows[-1][0])).all()


def open_database(url: str) -> Database:
    """Open the database at `url`. Nothing is created or changed, but for an empty SQLite file.

    Raises BadInput for a URL that cannot be used.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadInput("ARENA_DATABASE_URL is not a database URL, such as sqlite:///arena.db") from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise BadInput("ARENA_DATABASE_URL: an SQLite database needs a file, such as sqlite:///arena.db")
            return Database(_sqlite(url))
        case "postgresql":
            try:
                return Database(
                    create_engine(
                        parsed.set(drivername="postgresql+psycopg"), pool_size=20, max_overflow=20, hide_parameters=True
                    )
                )
            except NoSuchModuleError as error:
                raise BadInput(f"ARENA_DATABASE_URL: {error}") from error
        case other:
            raise BadInput(f"ARENA_DATABASE_URL: '{other}' is not supported; use sqlite:/// or postgresql://")


def _sqlite(url: str) -> Engine:
    # Autocommit in the driver: its legacy mode starts no transaction for SELECT, so we say BEGIN ourselves.
    engine = create_engine(
        url, connect_args={"isolation_level": None, "timeout": 30}, pool_size=40, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A plain BEGIN that later turns to writing fails with "database is locked" when another has written meanwhile.
        writes = connection.get_execution_options().get("arena_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


_NEEDED = {
    "sqlite": {"PRAGMA synchronous": {"2", "3"}, "PRAGMA foreign_keys": {"1"}, "PRAGMA journal_mode": {"wal"}},
    "postgresql": {
        "SHOW fsync": {"on"},
        "SHOW synchronous_commit": {"on", "local", "remote_write", "remote_apply"},
        "SHOW full_page_writes": {"on"},
    },
}


def check_durable(db: Database) -> None:
    """Refuse a database whose settings could lose an acknowledged vote. Raises Incomplete naming the setting."""
    with db.read() as tx:
        for query, allowed in _NEEDED[db.kind].items():
            value = str(tx.execute(text(query)).scalar_one())
            if value not in allowed:
                setting = query.split()[1]
                raise Incomplete(
                    f"the database has {setting} = {value}; the arena needs {' or '.join(sorted(allowed))}, "
                    "so that no acknowledged vote is lost"
                )


@contextmanager
def told(kind: str) -> Iterator[None]:
    """Turn what a database says of itself (full, locked, unreachable, damaged) into an error for people.

    What it says of our data, such as a broken constraint, is a fault of ours and stays what it is.
    """
    try:
        yield
    except NoConnectionLeft as error:
        raise Busy(_BUSY) from error
    except DatabaseError as error:
        # "file is not a database" and "malformed" have no class of their own on SQLite.
        of_itself = isinstance(error, OperationalError) or (kind == "sqlite" and type(error) is DatabaseError)
        if not of_itself:
            raise
        if _is_busy(error):
            raise Busy(_BUSY) from error
        raise Incomplete(f"the database cannot be used: {reason(error)}") from error


_BUSY = "the database is busy with other work just now, such as a large import; try again soon"
_NO_MORE = ("too many clients", "too many connections", "remaining connection slots")


def _is_busy(error: DBAPIError) -> bool:
    """Whether a lock was waited for in vain, or the server takes no more connections."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    if getattr(error.orig, "sqlstate", None) in ("55P03", "53300"):  # lock_not_available, too_many_connections
        return True
    # Where the connection itself is refused, the driver passes on the server's words and no code.
    return any(words in str(error.orig) for words in _NO_MORE)


@contextmanager
def fitting(what: str) -> Iterator[None]:
    """Turn a constraint that rows from outside break into a Conflict that begins with `what`."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        # The first line names the constraint; PostgreSQL's others quote the row.
        raise Conflict(f"{what}: {str(error.orig).splitlines()[0]}") from error


def reason(error: DBAPIError) -> str:
    """The database's own words, on one line and without the statement."""
    return " ".join(str(error.orig).split())
