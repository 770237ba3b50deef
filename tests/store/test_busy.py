"""A database that somebody else holds for long: a word for people and a later time, not a fault."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator

import pytest
import structlog
from httpx2 import Response
from sqlalchemy import QueuePool, create_engine, event, text

from arena.errors import Busy, Incomplete
from arena.services import access, studies
from arena.store.engine import Database, open_database
from arena.web.logs import configure
from tests.conftest import MakeDatabase
from tests.web.conftest import arena_on

Logged = Callable[[], list[dict[str, object]]]


def impatient(make_db: MakeDatabase) -> Database:
    """An SQLite database that waits for no lock."""
    db = make_db("sqlite")
    event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout = 0").close())
    db.engine.dispose()
    return db


def held(db: Database) -> sqlite3.Connection:
    """Another process's write lock."""
    other = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_writer_is_told_that_it_is_busy(make_db: MakeDatabase) -> None:
    db = impatient(make_db)
    other = held(db)
    with pytest.raises(Busy, match="try again"), db.write():
        pass
    other.close()
    with db.write():
        pass


def test_a_postgresql_lock_is_waited_for_as_long_as_it_says(make_db: MakeDatabase) -> None:
    url = make_db("postgresql").engine.url.render_as_string(hide_password=False)
    db = open_database(f"{url}&options=-clock_timeout%3D10")
    with db.write() as one:
        one.execute(text("LOCK TABLE rate_bucket"))
        with pytest.raises(Busy), db.write() as other:
            other.execute(text("LOCK TABLE rate_bucket"))
    db.close()


def test_a_server_that_takes_no_more_connections_is_busy(make_db: MakeDatabase) -> None:
    db, role = make_db("postgresql"), f"few_{uuid.uuid4().hex}"
    with db.write() as tx:
        tx.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'few' CONNECTION LIMIT 0"))
    few = open_database(db.engine.url.set(username=role, password="few").render_as_string(hide_password=False))
    try:
        with pytest.raises(Busy), few.read():
            pass
    finally:
        few.close()
        with db.write() as tx:
            tx.execute(text(f"DROP ROLE {role}"))


def test_a_server_that_cannot_be_reached_is_not_called_busy(make_db: MakeDatabase) -> None:
    """The control: waiting would not help."""
    nowhere = open_database("postgresql://arena@/arena?host=/nowhere")
    with pytest.raises(Incomplete, match="cannot be used"), nowhere.read():
        pass
    nowhere.close()


def test_all_connections_of_this_process_in_use_is_busy(make_db: MakeDatabase) -> None:
    url = make_db("sqlite").engine.url
    db = Database(create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0))
    with db.read(), pytest.raises(Busy), db.read():
        pass
    db.close()


ROUTES = [("GET", "/api/v1/studies"), ("GET", "/leaderboard"), ("POST", "/join"), ("HEAD", "/leaderboard")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_request_that_cannot_be_counted_is_asked_to_come_again(
    method: str, path: str, make_db: MakeDatabase, logged: Logged
) -> None:
    db = impatient(make_db)
    browser = arena_on(db).browser()
    other = held(db)
    answer = browser.request(method, path)
    other.close()
    check_busy(answer, logged(), method, path)
    assert browser.request(method, path).status_code != 503


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_so_is_one_whose_page_finds_the_database_busy(
    method: str, path: str, make_db: MakeDatabase, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = arena_on(make_db("sqlite")).browser()

    def busy(*_: object, **__: object) -> None:
        raise Busy("the database is busy with other work just now")

    monkeypatch.setattr(studies, "listed", busy)
    monkeypatch.setattr(access, "redeem", busy)
    answer = browser.request(method, path, data={"secret": "x" * 43} if method == "POST" else None)
    check_busy(answer, logged(), method, path)


def check_busy(answer: Response, log: list[dict[str, object]], method: str, path: str) -> None:
    """Page or JSON with a time to come again; in the log a warning and no fault."""
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert ("busy with other work" in answer.text) == (method != "HEAD")
    if path.startswith("/api/"):
        assert answer.json()["error"]["status"] == 503
    first, request = log
    assert (first["level"], first["event"]) == ("warning", "busy")
    assert (request["event"], request["status"]) == ("request", 503)
    assert not any("exception" in line for line in log)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """The log's lines so far."""
    configure("json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()
