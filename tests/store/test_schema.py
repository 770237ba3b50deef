"""The migrations, the settings a database must have, and the triggers that keep the record append-only."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from arena import assets
from arena.domain.ledger import Draft, Kind
from arena.domain.plan import Plan
from arena.errors import BadInput, Incomplete
from arena.store import ledger, schema, studies, tables
from arena.store.engine import Database, check_durable, open_database
from tests.conftest import MakeDatabase
from tests.studies import opened

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


def append_only() -> list[str]:
    """The tables that some migration makes append-only."""
    found: list[str] = []
    for path in sorted((assets.path("migrations") / "versions").glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        found += getattr(migration, "APPEND_ONLY", {})
    return found


def let_go(db: Database, table: str) -> None:
    """Take the foreign keys of a table away, so that a row can be there by itself."""
    if db.kind == "sqlite":
        event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA foreign_keys = OFF").close())
        db.engine.dispose()
        return
    with db.write() as tx:
        for key in inspect(tx).get_foreign_keys(table):
            tx.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}"))


def add(db: Database, table: str, cells: Mapping[str, Any]) -> None:
    """Insert one row."""
    with db.write() as tx:
        tx.execute(insert(tables.Study.metadata.tables[table]).values(cells))


def some_row(table: str) -> dict[str, Any]:
    """A value for every column."""
    values: dict[type, Any] = {int: 1, str: "1", bool: True, float: 0.5}
    columns = tables.Study.metadata.tables[table].columns
    return {column.name: values.get(column.type.python_type, NOW) for column in columns}


def another(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return value.replace(year=value.year + 1)
    return value + type(value)(1)


def unique_keys(db: Database, table: str) -> list[tuple[str, ...]]:
    """The keys by which a row may collide with another, as the database itself tells them."""
    with db.engine.connect() as connection:
        found = inspect(connection)
        keys: list[Sequence[str | None]] = [found.get_pk_constraint(table)["constrained_columns"]]
        keys += [constraint["column_names"] for constraint in found.get_unique_constraints(table)]
        keys += [index["column_names"] for index in found.get_indexes(table) if index["unique"]]
    return sorted({tuple(map(str, key)) for key in keys})


def refused(db: Database, table: str, *statements: str, **values: object) -> None:
    """Each statement is refused for what it would change, and the table is as it was."""
    with db.read() as tx:
        before = tx.execute(text(f"SELECT * FROM {table}")).all()
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), db.write() as tx:
            tx.execute(text(statement), values)
    with db.read() as tx:
        assert tx.execute(text(f"SELECT * FROM {table}")).all() == before


def test_every_table_that_says_so_is_append_only() -> None:
    described = {name: value.__doc__ or "" for name, value in vars(tables).items() if hasattr(value, "__tablename__")}
    said = {getattr(tables, name).__tablename__ for name, words in described.items() if "Append-only." in words}
    assert sorted(append_only()) == sorted(said)
    assert said >= {"vote", "matchup", "ledger_entry"}


@pytest.mark.parametrize("table", append_only())
def test_the_database_itself_refuses_to_change_and_to_delete(db: Database, table: str) -> None:
    let_go(db, table)
    row = some_row(table)
    add(db, table, row)
    refused(db, table, *(f"UPDATE {table} SET {name} = {name}" for name in row), f"DELETE FROM {table}")
    if db.kind == "postgresql":
        refused(db, table, f"TRUNCATE {table} CASCADE")


def test_emptying_a_table_empties_none_that_hangs_on_it(make_db: MakeDatabase) -> None:
    db = make_db("postgresql")
    opened(db)
    refused(db, "ledger_entry", "TRUNCATE chain CASCADE", "TRUNCATE study CASCADE")


@pytest.mark.parametrize("table", append_only())
def test_no_row_is_replaced_by_any_of_its_keys(db: Database, table: str) -> None:
    """The new row collides with the old one by one key only, so that no other key stands in for it."""
    let_go(db, table)
    row = some_row(table)
    add(db, table, row)
    values = f"({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
    for key in unique_keys(db, table):
        new = {name: value if name in key else another(value) for name, value in row.items()}
        last = list(row)[-1]
        statements = [f"INSERT INTO {table} {values} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {last} = :{last}"]
        if db.kind == "sqlite":
            statements += [f"INSERT OR REPLACE INTO {table} {values}", f"REPLACE INTO {table} {values}"]
        refused(db, table, *statements, **new)


@pytest.mark.parametrize("table", append_only())
def test_no_row_is_replaced_by_the_number_that_sqlite_gives_it(make_db: MakeDatabase, table: str) -> None:
    """Every table has one more key, `rowid`, even where no column of it is the number."""
    db = make_db("sqlite")
    let_go(db, table)
    row = some_row(table)
    add(db, table, row)
    is_number = [column.name for column in tables.Study.metadata.tables[table].primary_key][1:] == []
    new = {name: another(value) for name, value in list(row.items())[is_number:]}
    values = ", ".join(f":{name}" for name in new)
    refused(db, table, f"REPLACE INTO {table} (rowid, {', '.join(new)}) SELECT rowid, {values} FROM {table}", **new)


@pytest.mark.parametrize("table", append_only())
def test_a_row_that_collides_with_none_is_taken(db: Database, table: str) -> None:
    """The control: it is the collision that is refused, not the row."""
    let_go(db, table)
    row = some_row(table)
    add(db, table, row)
    add(db, table, {name: another(value) for name, value in row.items()})
    with db.read() as tx:
        assert len(tx.execute(text(f"SELECT 1 FROM {table}")).all()) == 2


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
        assert tx.scalar(select(tables.Study.created_at)) == NOW


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
