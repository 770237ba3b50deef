"""Pairings: made once at the opening of a study, and which of them a rater may still be given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, func, insert, select
from sqlalchemy.orm import aliased

from arena.domain.pairing import Candidate, ContenderPair, pairs
from arena.store import content, tables
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
    taken: frozenset[int]


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


def listed(tx: Transaction, study_id: int) -> list[tuple[str, str, str]]:
    """The study's pairings as (question, lower contender, higher contender), sorted."""
    low, high = aliased(Contender), aliased(Contender)
    query = (
        select(Question.key, low.name, high.name)
        .select_from(Pairing)
        .join(Question, Question.id == Pairing.question_id)
        .join(low, low.id == Pairing.contender_low_id)
        .join(high, high.id == Pairing.contender_high_id)
        .where(Pairing.study_id == study_id)
    )
    return sorted(tx.execute(query))


def served(tx: Transaction, study_id: int) -> dict[ContenderPair, int]:
    """How many places of each pair of contenders are taken. Counted from the claims, of which there are fewest."""
    contenders = content.contender_ids(tx, study_id)
    taken = dict.fromkeys(pairs([contenders[name] for name in sorted(contenders)]), 0)
    query = (
        select(Pairing.contender_low_id, Pairing.contender_high_id, func.count())
        .join(Claim, Claim.pairing_id == Pairing.id)
        .where(Claim.study_id == study_id)
        .group_by(Pairing.contender_low_id, Pairing.contender_high_id)
    )
    return taken | {(low, high): count for low, high, count in tx.execute(query)}


def candidates(tx: Transaction, study_id: int, rater_id: int, pair: ContenderPair, places: int) -> list[Candidate]:
    """The pairings of two contenders that have a free place and that this rater has not been shown."""
    shown = select(tables.Matchup.id).where(
        tables.Matchup.rater_id == rater_id, tables.Matchup.pairing_id == Pairing.id
    )
    query = (
        select(Pairing.id, func.count(Claim.pairing_id))
        .outerjoin(Claim, Claim.pairing_id == Pairing.id)
        .where(Pairing.study_id == study_id, ~shown.exists())
        .where(Pairing.contender_low_id == pair[0], Pairing.contender_high_id == pair[1])
        .group_by(Pairing.id)
        .having(func.count(Claim.pairing_id) < places)
        .order_by(Pairing.id)
    )
    return [Candidate(id_, taken) for id_, taken in tx.execute(query)]


def remaining(tx: Transaction, study_id: int, rater_id: int, places: int) -> int:
    """How many pairings this rater could still be given: all but those shown to this rater and those that are full."""
    shown = select(tables.Matchup.pairing_id).where(tables.Matchup.rater_id == rater_id)
    full = (
        select(Claim.pairing_id)
        .where(Claim.study_id == study_id)
        .group_by(Claim.pairing_id)
        .having(func.count() >= places)
    )
    gone = tx.scalar(select(func.count()).select_from(shown.union(full).subquery())) or 0
    return content.count(tx, Pairing, study_id) - gone


def pair(tx: Transaction, pairing_id: int) -> Pair:
    """A pairing with what is needed to show it."""
    row = tx.execute(_pairs().where(Pairing.id == pairing_id)).one()
    taken = frozenset(tx.scalars(select(Claim.place).where(Claim.pairing_id == pairing_id)))
    return Pair(pairing_id, row[0], Side(row[1], row[2], row[3]), Side(row[4], row[5], row[6]), taken)


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
    )
