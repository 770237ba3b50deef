"""Pairings: made once at the opening of a study, and which of them a rater may still be given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select
from sqlalchemy.orm import aliased

from arena.domain.pairing import Candidate, ContenderPair, pairs
from arena.store.engine import Transaction
from arena.store.tables import Answer, Claim, Contender, Pairing, Question


@dataclass(frozen=True)
class Side:
    """One answer of a pairing, as the assignment needs it."""

    answer_id: int
    digest: str
    contender: str


@dataclass(frozen=True)
class Pair:
    """A pairing with its question and both answers, and the places that are taken."""

    id: int
    question: str
    low: Side
    high: Side
    taken: set[int]


def make(tx: Transaction, study_id: int) -> int:
    """Store the study's pairings: every question with every two of its answers. Returns how many there are."""
    query = (
        select(Answer.id, Answer.question_id, Answer.contender_id, Contender.name)
        .join(Contender, Contender.id == Answer.contender_id)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.study_id == study_id)
        .order_by(Question.seq)
    )
    by_question: dict[int, list[Row[int, int, int, str]]] = {}
    for row in tx.execute(query):
        by_question.setdefault(row.question_id, []).append(row)
    rows = [
        {
            "study_id": study_id,
            "question_id": question_id,
            "answer_low_id": low.id,
            "answer_high_id": high.id,
            "contender_low_id": low.contender_id,
            "contender_high_id": high.contender_id,
        }
        for question_id, group in by_question.items()
        # Sorted here, not by the database: its collation may differ from one installation to the next.
        for low, high in pairs(sorted(group, key=lambda row: row.name))
    ]
    if rows:
        tx.execute(insert(Pairing), rows)
    return len(rows)


def listed(tx: Transaction, study_id: int) -> list[tuple[str, str, str, str, str]]:
    """The study's pairings, sorted: question, lower and higher contender, and the digests of their answers."""
    low, high = aliased(Contender), aliased(Contender)
    below, above = aliased(Answer), aliased(Answer)
    query = (
        select(Question.key, low.name, high.name, below.digest, above.digest)
        .select_from(Pairing)
        .join(Question, Question.id == Pairing.question_id)
        .join(low, low.id == Pairing.contender_low_id)
        .join(high, high.id == Pairing.contender_high_id)
        .join(below, below.id == Pairing.answer_low_id)
        .join(above, above.id == Pairing.answer_high_id)
        .where(Pairing.study_id == study_id)
    )
    return sorted(tx.execute(query))


def served(tx: Transaction, study_id: int) -> dict[ContenderPair, int]:
    """How many places of each pair of contenders are taken. Counted from the claims, of which there are fewest."""
    contenders = dict(tx.execute(_contenders(), {"study": study_id}).all())
    held = dict.fromkeys(pairs([contenders[name] for name in sorted(contenders)]), 0)
    return held | {(low, high): count for low, high, count in tx.execute(_served(), {"study": study_id})}


# What every vote asks is built once: a statement costs more to build than to run.
@cache
def _contenders() -> Select[str, int]:
    return select(Contender.name, Contender.id).where(Contender.study_id == bindparam("study"))


@cache
def _served() -> Select[int, int, int]:
    return (
        select(Claim.contender_low_id, Claim.contender_high_id, func.count())
        .where(Claim.study_id == bindparam("study"))
        .group_by(Claim.contender_low_id, Claim.contender_high_id)
    )


def candidates(tx: Transaction, study_id: int, rater_id: int, pair: ContenderPair, places: int) -> list[Candidate]:
    """The pairings of two contenders that have a free place and of which this rater holds none."""
    given = {"study": study_id, "rater": rater_id, "low": pair[0], "high": pair[1], "places": places}
    return [Candidate(*row) for row in tx.execute(_candidates(), given)]


def with_candidates(tx: Transaction, study_id: int, rater_id: int, places: int) -> set[ContenderPair]:
    """The pairs of contenders that have a candidate for this rater."""
    rows = tx.execute(_with_candidates(), {"study": study_id, "rater": rater_id, "places": places})
    return {(low, high) for low, high in rows}


@cache
def _free() -> Select[int, int]:
    """Pairings with a free place, of which the rater holds none, each with the number of its places that are taken."""
    mine = aliased(Claim)
    has_mine = select(mine.pairing_id).where(mine.pairing_id == Pairing.id, mine.rater_id == bindparam("rater"))
    return (
        select(Pairing.id, func.count(Claim.pairing_id))
        .outerjoin(Claim, Claim.pairing_id == Pairing.id)
        .where(Pairing.study_id == bindparam("study"), ~has_mine.exists())
        .group_by(Pairing.id)
        .having(func.count(Claim.pairing_id) < bindparam("places"))
    )


@cache
def _candidates() -> Select[int, int]:
    of_pair = _free().where(
        Pairing.contender_low_id == bindparam("low"), Pairing.contender_high_id == bindparam("high")
    )
    return of_pair.order_by(Pairing.id)


@cache
def _with_candidates() -> Select[int, int]:
    free = _free().subquery()
    query = select(Pairing.contender_low_id, Pairing.contender_high_id).distinct()
    return query.join(free, free.c.id == Pairing.id)


def remaining(tx: Transaction, study_id: int, rater_id: int, places: int) -> int:
    """How many pairings this rater could still be given: all but those that the rater holds and those that are full."""
    return tx.scalar(_remaining(), {"study": study_id, "rater": rater_id, "places": places}) or 0


@cache
def _remaining() -> Select[int]:
    mine = select(Claim.pairing_id).where(Claim.rater_id == bindparam("rater"))
    # A full pairing has a claim at its last place or beyond: only the pairings of those are counted through.
    last = aliased(Claim)
    held = select(func.count()).where(Claim.pairing_id == last.pairing_id).correlate(last).scalar_subquery()
    full = select(last.pairing_id).where(
        last.study_id == bindparam("study"), last.place >= bindparam("places"), held >= bindparam("places")
    )
    gone = select(func.count()).select_from(mine.union(full).subquery()).scalar_subquery()
    return select(func.count() - gone).select_from(Pairing).where(Pairing.study_id == bindparam("study"))


def sizes(tx: Transaction, study_id: int) -> dict[ContenderPair, int]:
    """How many pairings each two contenders have; only those that have any. They stay as they are."""
    contenders = Pairing.contender_low_id, Pairing.contender_high_id
    query = select(*contenders, func.count()).where(Pairing.study_id == study_id).group_by(*contenders)
    return {(low, high): size for low, high, size in tx.execute(query)}


def held(tx: Transaction, rater_id: int) -> dict[ContenderPair, int]:
    """How many pairings of each two contenders a rater holds a place of; only those with any."""
    return {(low, high): count for low, high, count in tx.execute(_held(), {"rater": rater_id})}


@cache
def _held() -> Select[int, int, int]:
    contenders = Claim.contender_low_id, Claim.contender_high_id
    query = select(*contenders, func.count()).where(Claim.rater_id == bindparam("rater"))
    return query.group_by(*contenders)


def has_beyond(tx: Transaction, study_id: int, places: int) -> bool:
    """Whether a place beyond so many is taken, as after the plan was changed to fewer."""
    return tx.scalar(_beyond(), {"study": study_id, "places": places}) is not None


@cache
def _beyond() -> Select[int]:
    return select(Claim.place).where(Claim.study_id == bindparam("study"), Claim.place > bindparam("places")).limit(1)


def pair(tx: Transaction, pairing_id: int) -> Pair:
    """A pairing with what is needed to show it."""
    row = tx.execute(_pairs(), {"pairing": pairing_id}).one()
    sides = Side(row[1], row[2], row[3]), Side(row[4], row[5], row[6])
    return Pair(pairing_id, row[0], *sides, taken(tx, pairing_id))


def taken(tx: Transaction, pairing_id: int) -> set[int]:
    """The places of a pairing that are held."""
    return set(tx.scalars(_taken(), {"pairing": pairing_id}))


@cache
def _taken() -> Select[int]:
    return select(Claim.place).where(Claim.pairing_id == bindparam("pairing"))


@cache
def _pairs() -> Select[*tuple[Any, ...]]:
    low, high, one, other = aliased(Answer), aliased(Answer), aliased(Contender), aliased(Contender)
    return (
        select(Question.key, low.id, low.digest, one.name, high.id, high.digest, other.name)
        .select_from(Pairing)
        .join(Question, Question.id == Pairing.question_id)
        .join(low, low.id == Pairing.answer_low_id)
        .join(high, high.id == Pairing.answer_high_id)
        .join(one, one.id == Pairing.contender_low_id)
        .join(other, other.id == Pairing.contender_high_id)
        .where(Pairing.id == bindparam("pairing"))
    )
