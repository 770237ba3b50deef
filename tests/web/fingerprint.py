"""What a database holds, so that a change of anything in it is seen."""

from __future__ import annotations

from sqlalchemy import inspect, text

from arena.store.engine import Database

COUNTED = frozenset({"rate_bucket"})
"""Tables that every request may change: the counts of the rate limits."""


def fingerprint(db: Database) -> dict[str, list[str]]:
    """Every row of every table that the database itself names, as text and in order."""
    names = set(inspect(db.engine).get_table_names()) - COUNTED
    with db.engine.connect() as connection:
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
            for name in sorted(names)
        }
