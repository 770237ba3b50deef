"""The matchups that were issued, and the claims that hold their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import aliased

from arena.domain.blinding import BlindMatchup
from arena.domain.votes import Matchup
from arena.store import raters, tables
from arena.store.engine import Transaction, paged
from arena.store.tables import Answer, Claim, Contender, Pairing, Question, Rater


@dataclass(frozen=True)
class Issued:
    """A matchup that was issued: its row, what it shows, and whether its rater still holds a claim on its pairing."""

    id: int
    shown: Matchup
    is_claimed: bool


def open_matchup(tx: Transaction, rater_id: int) -> BlindMatchup | None:
    """The matchup that a rater has open, as the rater may see it."""
    row = tx.execute(_open_matchups().where(Claim.rater_id == rater_id)).one_or_none()
    return BlindMatchup(*row) if row else None


# Statements with aliases cost more to build than to run, so each is built once, when it is first needed.
@cache
def _open_matchups() -> Select[*tuple[Any, ...]]:
    a, b = aliased(Answer), aliased(Answer)
    return (
        select(tables.Matchup.token, Question.text, Question.context, Question.category, Question.task, a.text, b.text)
        .join(Claim, Claim.matchup_id == tables.Matchup.id)
        .join(a, a.id == tables.Matchup.answer_a_id)
        .join(b, b.id == tables.Matchup.answer_b_id)
        .join(Question, Question.id == a.question_id)
        .where(Claim.is_open)
    )


def release_expired(tx: Transaction, study_id: int, *, now: datetime) -> None:
    """Free the places that raters have held for too long without a vote."""
    tx.execute(delete(Claim).where(Claim.study_id == study_id, Claim.is_open, Claim.expires_at < now))


def issue(
    tx: Transaction,
    *,
    study_id: int,
    rater_id: int,
    pairing_id: int,
    shown: Matchup,
    sides: tuple[int, int],
    until: datetime,
) -> None:
    """Store a matchup and the rater's claim on its place. `sides`: the row numbers of answers A and B."""
    values = {
        "study_id": study_id,
        "pairing_id": pairing_id,
        "rater_id": rater_id,
        "place": shown.place,
        "token": shown.token,
        "answer_a_id": sides[0],
        "answer_b_id": sides[1],
        "issued_at": shown.issued_at,
        "seq": shown.seq,
    }
    matchup_id = tx.scalars(insert(tables.Matchup).values(values).returning(tables.Matchup.id)).one()
    claim = {"pairing_id": pairing_id, "place": shown.place, "study_id": study_id, "matchup_id": matchup_id}
    tx.execute(insert(Claim).values(**claim, rater_id=rater_id, is_open=True, expires_at=until))


def restore(tx: Transaction, study_id: int, shown: list[Matchup], *, voted: set[int]) -> dict[int, int]:
    """Store matchups from a ledger, and the claims of those that were voted on. Returns ledger entry → row number."""
    answer_ids = _answer_ids(tx, study_id)
    pairing_ids = {
        frozenset(sides): id_
        for id_, *sides in tx.execute(
            select(Pairing.id, Pairing.answer_low_id, Pairing.answer_high_id).where(Pairing.study_id == study_id)
        )
    }
    people = raters.ids(tx, study_id)
    rows = [
        {
            "study_id": study_id,
            "rater_id": people[matchup.rater],
            "place": matchup.place,
            "token": matchup.token,
            "answer_a_id": answer_ids[matchup.answer_a],
            "answer_b_id": answer_ids[matchup.answer_b],
            "pairing_id": pairing_ids[frozenset((answer_ids[matchup.answer_a], answer_ids[matchup.answer_b]))],
            "issued_at": matchup.issued_at,
            "seq": matchup.seq,
        }
        for matchup in shown
    ]
    if not rows:
        return {}
    tx.execute(insert(tables.Matchup), rows)
    ids = dict(
        tx.execute(select(tables.Matchup.seq, tables.Matchup.id).where(tables.Matchup.study_id == study_id)).all()
    )
    claims = [
        {
            "pairing_id": row["pairing_id"],
            "place": row["place"],
            "study_id": study_id,
            "matchup_id": ids[matchup.seq],
            "rater_id": row["rater_id"],
            "is_open": False,
            "expires_at": matchup.issued_at,
        }
        for matchup, row in zip(shown, rows, strict=True)
        if matchup.seq in voted
    ]
    if claims:
        tx.execute(insert(Claim), claims)
    return ids


def _answer_ids(tx: Transaction, study_id: int) -> dict[str, int]:
    return dict(tx.execute(select(Answer.digest, Answer.id).where(Answer.study_id == study_id)).all())


def issued(tx: Transaction, rater_id: int, token: str) -> Issued | None:
    """The matchup that this rater was shown under `token`; another rater's is none."""
    query = (
        _matchups()
        .add_columns(tables.Matchup.id, Claim.is_open)
        .outerjoin(Claim, Claim.matchup_id == tables.Matchup.id)
    )
    row = tx.execute(query.where(tables.Matchup.rater_id == rater_id, tables.Matchup.token == token)).one_or_none()
    return Issued(row[-2], Matchup(*row[:-2]), row[-1] is True) if row else None


def matchups(tx: Transaction, study_id: int) -> Iterator[Matchup]:
    """A study's matchups in the order of the ledger."""
    query = _matchups().where(tables.Matchup.study_id == study_id)
    for row in paged(tx, query, tables.Matchup.seq):
        yield Matchup(*row)


@cache
def _matchups() -> Select[*tuple[Any, ...]]:
    a, b, one, other = aliased(Answer), aliased(Answer), aliased(Contender), aliased(Contender)
    return (
        select(
            tables.Matchup.seq,
            tables.Matchup.token,
            Rater.pseudonym,
            Question.key,
            one.name,
            other.name,
            a.digest,
            b.digest,
            tables.Matchup.place,
            tables.Matchup.issued_at,
        )
        .join(Rater, Rater.id == tables.Matchup.rater_id)
        .join(a, a.id == tables.Matchup.answer_a_id)
        .join(b, b.id == tables.Matchup.answer_b_id)
        .join(one, one.id == a.contender_id)
        .join(other, other.id == b.contender_id)
        .join(Question, Question.id == a.question_id)
    )


def filled(tx: Transaction, study_id: int) -> int:
    """How many places of the plan have a vote."""
    query = select(func.count()).select_from(Claim).where(Claim.study_id == study_id, ~Claim.is_open)
    return tx.scalar(query) or 0


def settle(tx: Transaction, matchup_id: int) -> None:
    """Close the claim of a matchup that was voted on: its place stays taken."""
    tx.query(Claim).filter(Claim.matchup_id == matchup_id).update({Claim.is_open: False})
