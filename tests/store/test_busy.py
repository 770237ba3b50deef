"""A database that somebody else holds for long: a word for people and a later time, not a fault."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, text
from starlette.testclient import TestClient

from arena.errors import Busy
from arena.settings import Settings
from arena.store.engine import Database, open_database
from arena.web.app import create_app
from tests.conftest import MakeDatabase


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


@pytest.mark.parametrize("path", ["/api/v1/studies", "/leaderboard"])
def test_a_request_that_cannot_be_counted_is_asked_to_come_again(
    make_db: MakeDatabase, path: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    db = impatient(make_db)
    browser = TestClient(create_app(Settings(public_url="https://arena.test"), db), base_url="https://arena.test")
    other = held(db)
    answer = browser.get(path)
    other.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "busy with other work" in answer.text
    assert "Traceback" not in capsys.readouterr().out
    assert browser.get(path).status_code == 200
