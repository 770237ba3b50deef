"""Creating and upgrading the database by the migrations."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from arena.errors import Incomplete
from arena.store.engine import Database, reason

_UPGRADING = 0x617265_6E61
"""The number of the advisory lock on PostgreSQL that stands for "these tables are being changed"."""


def upgrade(db: Database, migrations: Path, *, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to `revision`; returns the revision before and after."""
    before = current(db)
    _run(db, migrations, lambda config: command.upgrade(config, revision))
    return before, current(db)


def downgrade(db: Database, migrations: Path, revision: str) -> None:
    """Take the database back to `revision` ("base": no tables)."""
    _run(db, migrations, lambda config: command.downgrade(config, revision))


def check(db: Database, migrations: Path) -> None:
    """Raise Incomplete where the database's tables differ from what the code declares."""
    _run(db, migrations, command.check)


def current(db: Database) -> str | None:
    """The revision that the database is at; None where it has no tables of ours."""
    try:
        with db.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise Incomplete(f"the database cannot be opened: {reason(error)}") from error


def require_current(db: Database, migrations: Path) -> None:
    """Raise Incomplete where the database is not at the newest revision."""
    newest = ScriptDirectory(str(migrations)).get_current_head()
    if current(db) != newest:
        raise Incomplete("the database is not up to date; run `arena db upgrade` first")


def _run(db: Database, migrations: Path, work: Callable[[Config], object]) -> None:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    try:
        # On SQLite a migration must own the write lock from its first statement on.
        with db.engine.connect().execution_options(arena_write=True) as connection, connection.begin():
            if db.kind == "postgresql":
                # Of two who upgrade at once, the second waits and finds it done.
                connection.execute(select(func.pg_advisory_xact_lock(_UPGRADING)))
            config.attributes["connection"] = connection
            work(config)
    except CommandError as error:
        raise Incomplete(f"the database could not be migrated: {error}") from error
    except DBAPIError as error:
        raise Incomplete(f"the database could not be migrated: {reason(error)}") from error
