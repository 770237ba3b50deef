"""Copying a whole database, row by row, between SQLite and PostgreSQL, and the SQLite file that a backup is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    NullPool,
    RowMapping,
    Table,
    create_engine,
    event,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

from arena.errors import BadInput, Conflict, Incomplete
from arena.store.engine import PAGE, Database, Transaction, reason
from arena.store.tables import Chain, PackedVotes, RateBucket

_NOT_KEPT = {RateBucket.__tablename__, PackedVotes.__tablename__}
"""What is of the moment only, and what is a copy of other rows."""
_DRAFTED = ("journal_mode=MEMORY", "synchronous=OFF", "foreign_keys=ON")
"""A draft is worth nothing before it is whole: whoever made it writes it to the disk then, and names it."""
_DISTRUSTED = ("trusted_schema=OFF",)
"""Anybody may have made a file that is read: what its schema calls may do no harm."""
_REVISION = "alembic_version"


@contextmanager
def new_file(path: Path) -> Iterator[Database]:
    """The empty file at `path` as an SQLite database to be filled; it leaves no other file beside it."""
    yield Database(_engine(path, "mode=rw", _DRAFTED))


@contextmanager
def backup_file(path: Path) -> Iterator[Database]:
    """The SQLite database in `path`, to be read; the file stays as it is. Raises BadInput where it cannot be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    # SQLite makes files beside one that may be written to; without a log beside it, nobody does.
    is_live = path.with_name(f"{path.name}-wal").exists()
    yield Database(_engine(path, "mode=ro" if is_live else "mode=ro&immutable=1", _DISTRUSTED))


def check_file(file: Database, path: Path, migrations: Path) -> None:
    """Raise BadInput where `file` is no backup, or damaged; Incomplete where an older version made it."""
    known = [script.revision for script in ScriptDirectory(str(migrations)).walk_revisions()]
    try:
        with file.engine.connect() as connection:
            damage = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
            if damage != "ok":
                raise BadInput(f"{path}: is damaged: {' '.join(str(damage).split())}")
            _check_tables(connection, [_REVISION], path)
            revision = MigrationContext.configure(connection).get_current_revision()
            if revision == known[0]:
                _check_tables(connection, [table.name for table in _tables()], path)
                for table in _tables():
                    _check_values(connection, table, path)
    except DatabaseError as error:
        raise BadInput(f"{path}: is no backup, or is damaged: {reason(error)}") from error
    if revision is None:
        raise BadInput(f"{path}: is no backup of the arena; `arena backup` makes one")
    if revision not in known:
        raise BadInput(f"{path}: was made by another version of the arena; restore it with that one")
    if revision != known[0]:
        raise Incomplete(
            f"{path}: was made by an earlier version; bring a copy up to date and restore that one: "
            "ARENA_DATABASE_URL=sqlite:///COPY arena db upgrade"
        )


def _check_tables(connection: Connection, names: Sequence[str], path: Path) -> None:
    """Raise BadInput where one of them is missing, or is no plain table: a view could give rows without end."""
    # What SQLite itself makes of the schema: sqlite_master may say what is not so.
    found = connection.execute(text("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")).all()
    plain = {name for name, of_type in found if of_type == "table"}
    for name in names:
        if name not in plain:
            raise BadInput(
                f"{path}: is no backup of the arena: there is no table {name} in it; `arena backup` makes one"
            )


def _check_values(connection: Connection, table: Table, path: Path) -> None:
    """Raise BadInput where a value is of another type than its column: SQLite stores any."""
    odd = or_(*(func.typeof(column).not_in([_stored(column), "null"]) for column in table.columns))
    if connection.scalar(select(literal(1)).select_from(table).where(odd).limit(1)) is not None:
        raise BadInput(f"{path}: a row of the table {table.name} holds bytes, text or a number where another belongs")


def _stored(column: Column[Any]) -> str:
    return "integer" if column.type.python_type in (int, bool) else "text"


def is_empty(tx: Transaction) -> bool:
    """Whether there is no ledger in the database, and so no study and no account."""
    return tx.scalar(select(func.count()).select_from(Chain)) == 0


def hold_empty(tx: Transaction) -> None:
    """Keep others from beginning a study until the transaction ends. Raises Conflict where there is one already."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("LOCK TABLE chain IN EXCLUSIVE MODE"))
    if not is_empty(tx):
        raise Conflict(
            "the database holds studies or accounts already; a backup is restored into an empty one: "
            "set ARENA_DATABASE_URL to a new database"
        )


def copy(source: Transaction, target: Transaction, *, report: Callable[[int, int], None]) -> None:
    """Copy every row of every table, under its own number; `report` is told the rows done and their total.

    Raises BadInput where a row of the source does not fit its table.
    """
    counts = {table: source.scalar(select(func.count()).select_from(table)) or 0 for table in _tables()}
    done, total = 0, sum(counts.values())
    for table in counts:
        try:
            for page in _pages(source, table):
                target.execute(insert(table), [dict(row) for row in page])
                done += len(page)
                report(done, total)
        except (DataError, IntegrityError) as error:
            raise BadInput(f"a row of the table {table.name} does not fit it: {reason(error)}") from error
    if target.dialect.name == "postgresql":
        for table in counts:
            _number_on(target, table)


def within(db: Database, tx: Transaction) -> Database:
    """The database as the open transaction `tx` sees it, to be read."""
    return _Within(db.engine, tx=tx)


@dataclass(frozen=True)
class _Within(Database):
    tx: Transaction = field(kw_only=True)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield self.tx


def _tables() -> list[Table]:
    """The tables in an order in which no row comes before one that it refers to."""
    return [table for table in Chain.metadata.sorted_tables if table.name not in _NOT_KEPT]


def _pages(tx: Transaction, table: Table) -> Iterator[Sequence[RowMapping]]:
    query = select(table).order_by(*table.primary_key)
    try:
        yield from tx.execute(query, execution_options={"yield_per": PAGE}).mappings().partitions()
    except ValueError as error:  # a moment that is none
        raise BadInput(f"a row of the table {table.name} cannot be read: {error}") from error


def _number_on(tx: Transaction, table: Table) -> None:
    """Let the numbers that PostgreSQL gives new rows go on behind those that were copied."""
    for column in table.primary_key:
        last = _last(tx, column) if column.identity is not None else None
        if last is not None:
            tx.execute(select(func.setval(func.pg_get_serial_sequence(f'"{table.name}"', column.name), last)))


def _last(tx: Transaction, column: Column[Any]) -> int | None:
    last: int | None = tx.scalar(select(func.max(column)))
    return last


def _engine(path: Path, mode: str, pragmas: Sequence[str]) -> Any:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
