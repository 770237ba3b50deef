"""Fixtures: shells on an empty, migrated database of either kind, and on a place where there is none yet."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from arena.store.engine import Database
from tests.cli.running import Shell

KINDS = ("sqlite", "postgresql")
MakeShell = Callable[[str], Shell]


@pytest.fixture
def make_shell(make_db: Callable[[str], Database], tmp_path: Path) -> MakeShell:
    """Makes shells, each on its own empty, migrated database of the kind asked for, in one working directory."""

    def make(kind: str) -> Shell:
        url = make_db(kind).engine.url.render_as_string(hide_password=False)
        return Shell(tmp_path, {"ARENA_DATABASE_URL": url, "COLUMNS": "200"})

    return make


@pytest.fixture(params=KINDS)
def shell(request: pytest.FixtureRequest, make_shell: MakeShell) -> Shell:
    """A shell on an empty, migrated database; the test runs once on each kind."""
    return make_shell(request.param)


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A shell whose database has no tables: the SQLite file is not there, the PostgreSQL database is empty."""
    if request.param == "sqlite":
        yield Shell(tmp_path, {"ARENA_DATABASE_URL": "sqlite:///arena.db", "COLUMNS": "200"})
        return
    server, name = request.getfixturevalue("postgres_url"), f"bare_{uuid.uuid4().hex}"
    _admin(server, f'CREATE DATABASE "{name}"')
    url = make_url(server).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    yield Shell(tmp_path, {"ARENA_DATABASE_URL": url, "COLUMNS": "200"})
    _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _admin(server: str, statement: str) -> None:
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
