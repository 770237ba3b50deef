"""Runs the migrations on the connection that the arena hands over, or on ARENA_DATABASE_URL when called by hand."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from arena import settings
from arena.store import tables
from arena.store.engine import open_database


def run(connection: Connection) -> None:
    """Run what alembic was asked for."""
    context.configure(connection=connection, target_metadata=tables.Study.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = open_database(settings.load().database_url)
    with database.engine.connect().execution_options(arena_write=True) as own, own.begin():
        run(own)
    database.close()
