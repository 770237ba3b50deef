"""Raters in the database: pseudonyms only."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import func, insert, select

from arena.domain.vocabulary import HUMAN
from arena.store.engine import Transaction
from arena.store.tables import Rater, Seat, Vote


def add(tx: Transaction, study_id: int, pseudonym: str, origin: str) -> int:
    """Store one rater and return the row's number."""
    values = {"study_id": study_id, "pseudonym": pseudonym, "origin": origin}
    return tx.scalars(insert(Rater).values(values).returning(Rater.id)).one()


def add_missing(tx: Transaction, study_id: int, pseudonyms: Iterable[str], origin: str) -> None:
    """Store those raters that the study does not know yet."""
    new = sorted(set(pseudonyms) - ids(tx, study_id).keys())
    if new:
        tx.execute(insert(Rater), [{"study_id": study_id, "pseudonym": name, "origin": origin} for name in new])


def ids(tx: Transaction, study_id: int, *, only: Collection[str] | None = None) -> dict[str, int]:
    """The row numbers of a study's raters (or `only` of these), by pseudonym."""
    query = select(Rater.pseudonym, Rater.id).where(Rater.study_id == study_id)
    return dict(tx.execute(query if only is None else query.where(Rater.pseudonym.in_(only))).all())


def invited(tx: Transaction, study_id: int) -> set[str]:
    """The pseudonyms of the raters who have a seat."""
    return set(tx.scalars(select(Seat.pseudonym).where(Seat.study_id == study_id, Seat.rater_id.is_not(None))))


def named(tx: Transaction, study_id: int, pseudonym: str) -> int | None:
    """The row number of one rater."""
    return ids(tx, study_id, only=[pseudonym]).get(pseudonym)


def voters(tx: Transaction, study_id: int) -> int:
    """How many people have cast a vote: not judges, and not those who were invited and have not come."""
    query = select(func.count(Vote.rater_id.distinct())).where(Vote.study_id == study_id, Vote.source == HUMAN)
    return tx.scalar(query) or 0
