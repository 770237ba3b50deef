"""How much of its allowance each session and address has used, in the database."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Delete, Select, Update, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from arena.store.base import table_of
from arena.store.engine import Transaction
from arena.store.ledger import INSTANCE
from arena.store.tables import Chain, RateBucket

FORGOTTEN = 10
"""Rows that are cleared away at most whenever one may have been added: more than one, so that few are ever left."""


def salt(tx: Transaction) -> str:
    """What is hashed with every address: the instance's own random identity. Empty before the first study is made."""
    return tx.scalar(select(Chain.uid).where(Chain.name == INSTANCE)) or ""


def until(tx: Transaction, key: str) -> datetime | None:
    """The moment until which the allowance of `key` is spent; None where nothing is known of it."""
    return tx.scalar(_until(), {"key": key})


def hold(tx: Transaction, key: str, *, now: datetime) -> datetime:
    """The same, for nobody else to see or change until the transaction ends; `now` where nothing is known."""
    held: datetime = tx.execute(_hold(tx.dialect.name), {"key": key, "until": now}).scalar_one()
    return held


def spend(tx: Transaction, key: str, until: datetime) -> None:
    """Store the moment until which the allowance of `key` is spent."""
    tx.execute(_spend(), {"of": key, "until": until})


def forget(tx: Transaction, *, now: datetime) -> None:
    """Delete some rows of the past: they say no more than no row does."""
    tx.execute(_forget(), {"now": now})


# What every request asks is built once: a statement costs more to build than to run.
@cache
def _until() -> Select[datetime]:
    return select(RateBucket.until).where(RateBucket.key == bindparam("key"))


@cache
def _hold(dialect: str) -> ReturningInsert[Any]:
    bucket = table_of(RateBucket)
    new = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(bucket)
    # Writing the key over itself takes the row's lock and gives back what is stored: of two at once, one waits.
    held = new.on_conflict_do_update(index_elements=["key"], set_={"key": new.excluded.key})
    return held.returning(bucket.c.until)


@cache
def _spend() -> Update:
    bucket = table_of(RateBucket)
    return update(bucket).where(bucket.c.key == bindparam("of")).values(until=bindparam("until"))


@cache
def _forget() -> Delete:
    bucket = table_of(RateBucket)
    past = select(bucket.c.key).where(bucket.c.until < bindparam("now")).order_by(bucket.c.until).limit(FORGOTTEN)
    # Rows that another transaction holds are left to it: two that wait for each other's row would wait for ever.
    return delete(bucket).where(bucket.c.key.in_(past.with_for_update(skip_locked=True)))
