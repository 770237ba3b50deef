"""`arena db`."""

from __future__ import annotations

from arena import settings
from arena.cli.common import say
from arena.cli.common import upgrade as upgrade_tables
from arena.store.engine import check_durable, open_database


def upgrade() -> None:
    """Create the database, or bring it to the newest revision.

    The database is ARENA_DATABASE_URL; by default the file arena.db in the working directory.

    Example: arena db upgrade
    """
    db = open_database(settings.load().database_url)
    try:
        upgrade_tables(db)
        check_durable(db)
    finally:
        db.close()
    say("the database is up to date")
