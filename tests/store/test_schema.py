"""The migrations, the settings a database must have, and the triggers that keep the record append-only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from arena import assets
from arena.domain.ledger import Draft, Kind
from arena.domain.plan import Plan
from arena.errors import BadInput, Incomplete
from arena.store import ledger, schema, studies, tables
from arena.store.engine import Database, check_durable, open_database
from tests.conftest import MakeDatabase

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def test_migrations_run_down_and_up_again_and_match_the_tables(db: Database) -> None:
    migrations = assets.path("migrations")
    schema.check(db, migrations)
    schema.downgrade(db, migrations, "base")
    assert schema.current(db) is None
    schema.upgrade(db, migrations)
    schema.check(db, migrations)


def test_a_table_that_differs_is_found(db: Database) -> None:
    with db.write() as tx:
        tx.execute(text("ALTER TABLE study ADD COLUMN stray TEXT"))
    with pytest.raises(Incomplete):
        schema.check(db, assets.path("migrations"))


def test_an_old_database_is_refused_with_the_command_that_helps(db: Database) -> None:
    schema.downgrade(db, assets.path("migrations"), "base")
    with pytest.raises(Incomplete, match="arena db upgrade"):
        schema.require_current(db, assets.path("migrations"))


@pytest.mark.parametrize("statement", ["UPDATE ledger_entry SET body = 'x'", "DELETE FROM ledger_entry"])
def test_the_database_itself_refuses_to_change_the_ledger(db: Database, statement: str) -> None:
    with db.write() as tx:
        ledger.ensure_instance(tx, now=NOW)
    with pytest.raises(DBAPIError, match="append-only"), db.write() as tx:
        tx.execute(text(statement))


def test_replacing_a_row_is_refused_too(db: Database) -> None:
    with db.write() as tx:
        ledger.ensure_instance(tx, now=NOW)
    verb = "INSERT OR REPLACE" if db.kind == "sqlite" else "INSERT"
    conflict = "" if db.kind == "sqlite" else "ON CONFLICT (chain_id, seq) DO UPDATE SET body = EXCLUDED.body"
    values = "SELECT chain_id, seq, kind, 'forged', hash FROM ledger_entry"
    with pytest.raises(DBAPIError, match="append-only"), db.write() as tx:
        tx.execute(text(f"{verb} INTO ledger_entry (chain_id, seq, kind, body, hash) {values} WHERE true {conflict}"))


def test_a_failed_write_leaves_nothing(db: Database) -> None:
    with db.write() as tx:
        ledger.ensure_instance(tx, now=NOW)
    with pytest.raises(RuntimeError), db.write() as tx:
        ledger.append(tx, None, [Draft(Kind.SEAT, {})], now=NOW)
        raise RuntimeError
    with db.read() as tx:
        assert ledger.chain_of(tx, None).head.position == 1
        assert len(list(ledger.entries(tx, None))) == 1


def test_moments_come_back_to_the_microsecond(db: Database) -> None:
    with db.write() as tx:
        studies.add(tx, uid="u", name="s", title="S", plan=Plan(), now=NOW)
    with db.read() as tx:
        row = tx.query(tables.Study).one()
        assert row.created_at == NOW


def test_a_durable_database_is_accepted(db: Database) -> None:
    check_durable(db)


def test_a_postgresql_that_answers_before_it_stored_is_refused(make_db: MakeDatabase) -> None:
    url = make_db("postgresql").engine.url.render_as_string(hide_password=False)
    weak = open_database(f"{url}&options=-csynchronous_commit%3Doff")
    with pytest.raises(Incomplete, match="synchronous_commit"):
        check_durable(weak)
    weak.close()


def test_an_sqlite_that_answers_before_it_stored_is_refused(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=NORMAL").close())
    db.engine.dispose()
    with pytest.raises(Incomplete, match="synchronous = 1"):
        check_durable(db)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="ARENA_DATABASE_URL"):
        open_database(url)
