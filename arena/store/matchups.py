"""The matchups that were issued, and the claims that hold their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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
    pairing_id: int
    shown: Matchup
    is_claimed: bool


def open_matchup(tx: Transaction, rater_id: int) -> BlindMatchup | None:
    """The matchup that a rater has open, as the rater may see it."""
    query = _blind().join(Claim, Claim.matchup_id == tables.Matchup.id).where(Claim.is_open, Claim.rater_id == rater_id)
    row = tx.execute(query).one_or_none()
    return BlindMatchup(*row) if row else None


def shown(tx: Transaction, rater_id: int, token: str) -> BlindMatchup | None:
    """What a rater was shown under `token`, as blind as it was then; another rater's matchup is none."""
    query = _blind().where(tables.Matchup.rater_id == rater_id, tables.Matchup.token == token)
    row = tx.execute(query).one_or_none()
    return BlindMatchup(*row) if row else None


# Statements with aliases cost more to build than to run, so each is built once, when it is first needed.
@cache
def _blind() -> Select[*tuple[Any, ...]]:
    a, b = aliased(Answer), aliased(Answer)
    return (
        select(tables.Matchup.token, Question.text, Question.context, Question.language, a.text, b.text)
        .join(a, a.id == tables.Matchup.answer_a_id)
        .join(b, b.id == tables.Matchup.answer_b_id)
        .join(Question, Question.id == a.question_id)
    )


def release_expired(tx: Transaction, study_id: int, *, now: datetime) -> None:
    """Free the places that raters have held for too long without a vote."""
    tx.execute(delete(Claim).where(Claim.study_id == study_id, Claim.is_open, Claim.expires_at < now))


@dataclass(frozen=True)
class Place:
    """One of a pairing's places, held by a rater until a moment or, once voted on, for good."""

    study_id: int
    pairing_id: int
    place: int
    rater_id: int
    until: datetime
    is_open: bool = True


def add(tx: Transaction, place: Place, shown: Matchup, sides: tuple[int, int]) -> int:
    """Store a matchup and return its row's number. `sides`: the row numbers of answers A and B."""
    values = {
        "study_id": place.study_id,
        "pairing_id": place.pairing_id,
        "rater_id": place.rater_id,
        "token": shown.token,
        "answer_a_id": sides[0],
        "answer_b_id": sides[1],
        "issued_at": shown.issued_at,
        "seq": shown.seq,
    }
    return tx.scalars(insert(tables.Matchup).values(values).returning(tables.Matchup.id)).one()


def claim(tx: Transaction, place: Place, matchup_id: int) -> None:
    """Let a matchup hold a place. The database refuses a second one on it, and a second open one of a rater."""
    values = {"study_id": place.study_id, "pairing_id": place.pairing_id, "place": place.place}
    values |= {"rater_id": place.rater_id, "matchup_id": matchup_id}
    tx.execute(insert(Claim).values(**values, is_open=place.is_open, expires_at=place.until))


def earlier(tx: Transaction, rater_id: int, pairing_id: int) -> int | None:
    """The matchup on a pairing that this rater was shown before and let go, as the row's number."""
    matchup = tables.Matchup
    return tx.scalar(select(matchup.id).where(matchup.rater_id == rater_id, matchup.pairing_id == pairing_id))


def restore(tx: Transaction, study_id: int, shown: Iterable[Matchup], *, voted: set[int]) -> dict[int, int]:
    """Store matchups from a ledger, and the claims of those that were voted on. Returns ledger entry → row number."""
    answer_ids, pairing_ids, people = _answer_ids(tx, study_id), _pairing_ids(tx, study_id), raters.ids(tx, study_id)
    taken: Counter[int] = Counter()
    rows: dict[int, int] = {}
    for matchup in shown:
        sides = (answer_ids[matchup.answer_a], answer_ids[matchup.answer_b])
        pairing_id = pairing_ids[frozenset(sides)]
        taken[pairing_id] += matchup.seq in voted
        rater_id = people[matchup.rater]
        place = Place(study_id, pairing_id, taken[pairing_id], rater_id, matchup.issued_at, is_open=False)
        rows[matchup.seq] = add(tx, place, matchup, sides)
        if matchup.seq in voted:
            claim(tx, place, rows[matchup.seq])
    return rows


def _pairing_ids(tx: Transaction, study_id: int) -> dict[frozenset[int], int]:
    query = select(Pairing.id, Pairing.answer_low_id, Pairing.answer_high_id).where(Pairing.study_id == study_id)
    return {frozenset((low, high)): id_ for id_, low, high in tx.execute(query)}


def _answer_ids(tx: Transaction, study_id: int) -> dict[str, int]:
    return dict(tx.execute(select(Answer.digest, Answer.id).where(Answer.study_id == study_id)).all())


def issued(tx: Transaction, rater_id: int, token: str) -> Issued | None:
    """The matchup that this rater was shown under `token`; another rater's is none."""
    query = (
        _matchups()
        .add_columns(tables.Matchup.pairing_id, tables.Matchup.id, Claim.is_open)
        .outerjoin(Claim, Claim.matchup_id == tables.Matchup.id)
    )
    row = tx.execute(query.where(tables.Matchup.rater_id == rater_id, tables.Matchup.token == token)).one_or_none()
    return Issued(row[-2], row[-3], Matchup(*row[:-3]), row[-1] is True) if row else None


def matchups(tx: Transaction, study_id: int) -> Iterator[tuple[Matchup, set[str]]]:
    """A study's matchups in the order of the ledger, each with the digests of the answers of its pairing."""
    low, high = aliased(Answer), aliased(Answer)
    query = (
        _matchups()
        .add_columns(low.digest, high.digest)
        .join(Pairing, Pairing.id == tables.Matchup.pairing_id)
        .join(low, low.id == Pairing.answer_low_id)
        .join(high, high.id == Pairing.answer_high_id)
        .where(tables.Matchup.study_id == study_id)
    )
    for row in paged(tx, query, tables.Matchup.seq):
        yield Matchup(*row[:-2]), set(row[-2:])


def settled(tx: Transaction, study_id: int) -> set[int]:
    """The matchups that hold a place of their own pairing, under their own rater, for good: their ledger entries."""
    matchup = tables.Matchup
    query = (
        select(matchup.seq)
        .join(Claim, Claim.matchup_id == matchup.id)
        .where(Claim.study_id == study_id, ~Claim.is_open)
        .where(Claim.pairing_id == matchup.pairing_id, Claim.rater_id == matchup.rater_id)
    )
    return set(tx.scalars(query))


def shown_to(tx: Transaction, rater_id: int) -> dict[int, tuple[str, str]]:
    """All that a rater was shown: by ledger entry the token and the question's text."""
    query = (
        select(tables.Matchup.seq, tables.Matchup.token, Question.text)
        .join(Answer, Answer.id == tables.Matchup.answer_a_id)
        .join(Question, Question.id == Answer.question_id)
        .where(tables.Matchup.rater_id == rater_id)
    )
    return {seq: (token, text) for seq, token, text in tx.execute(query)}


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
            tables.Matchup.issued_at,
        )
        .join(Rater, Rater.id == tables.Matchup.rater_id)
        .join(a, a.id == tables.Matchup.answer_a_id)
        .join(b, b.id == tables.Matchup.answer_b_id)
        .join(one, one.id == a.contender_id)
        .join(other, other.id == b.contender_id)
        .join(Question, Question.id == a.question_id)
    )


def release(tx: Transaction, rater_id: int, *, only_open: bool) -> None:
    """Free the places that a rater holds: those without a vote, or all of them."""
    query = delete(Claim).where(Claim.rater_id == rater_id)
    tx.execute(query.where(Claim.is_open) if only_open else query)


def filled(tx: Transaction, study_id: int) -> int:
    """How many places of the plan have a vote."""
    query = select(func.count()).select_from(Claim).where(Claim.study_id == study_id, ~Claim.is_open)
    return tx.scalar(query) or 0


def settle(tx: Transaction, matchup_id: int) -> None:
    """Close the claim of a matchup that was voted on: its place stays taken."""
    tx.query(Claim).filter(Claim.matchup_id == matchup_id).update({Claim.is_open: False})
