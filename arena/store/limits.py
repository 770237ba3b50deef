"""How much of its allowance each session and address has used, in the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

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
    return tx.scalar(select(RateBucket.until).where(RateBucket.key == key))


def hold(tx: Transaction, key: str, *, now: datetime) -> datetime:
    """The same, for nobody else to see or change until the transaction ends; `now` where nothing is known."""
    insert_or_wait = sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert
    new = insert_or_wait(RateBucket).values(key=key, until=now)
    # Writing the key over itself takes the row's lock and gives back what is stored: of two at once, one waits.
    held = new.on_conflict_do_update(index_elements=["key"], set_={"key": key}).returning(RateBucket.until)
    return tx.scalars(held).one()


def spend(tx: Transaction, key: str, until: datetime) -> None:
    """Store the moment until which the allowance of `key` is spent."""
    tx.execute(update(RateBucket).where(RateBucket.key == key).values(until=until))


def forget(tx: Transaction, *, now: datetime) -> None:
    """Delete some rows of the past: they say no more than no row does."""
    past = select(RateBucket.key).where(RateBucket.until < now).order_by(RateBucket.until).limit(FORGOTTEN)
    # Rows that another transaction holds are left to it: two that wait for each other's row would wait for ever.
    past = past.with_for_update(skip_locked=True)
    tx.execute(delete(RateBucket).where(RateBucket.key.in_(past)))
