"""The matchups that were issued, and the claims that hold their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert

from arena.domain.blinding import BlindMatchup
from arena.domain.votes import Matchup
from arena.store import raters, tables
from arena.store.base import table_of
from arena.store.engine import Transaction, paged
from arena.store.tables import Answer, Claim, Contender, Pairing, Question, Rater


@dataclass(frozen=True)
class Issued:
    """A matchup that was issued: what it shows, and whether its rater still holds a claim on its pairing.

    `rows` are the row numbers of all that a vote on it names, by the columns of a vote.
    """

    pairing_id: int
    shown: Matchup
    is_claimed: bool
    rows: Mapping[str, int]

    @property
    def id(self) -> int:
        """The matchup's own row number."""
        return self.rows["matchup_id"]


def open_matchup(tx: Transaction, rater_id: int) -> BlindMatchup | None:
    """The matchup that a rater has open, as the rater may see it."""
    row = tx.execute(_open(), {"rater": rater_id}).one_or_none()
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


def has_open(tx: Transaction, rater_id: int) -> bool:
    """Whether a rater has a matchup open."""
    return tx.scalar(_has_open(), {"rater": rater_id}) is not None


@cache
def _has_open() -> Select[int]:
    return select(Claim.matchup_id).where(Claim.is_open, Claim.rater_id == bindparam("rater"))


@cache
def _open() -> Select[*tuple[Any, ...]]:
    query = _blind().join(Claim, Claim.matchup_id == tables.Matchup.id)
    return query.where(Claim.is_open, Claim.rater_id == bindparam("rater"))


def release_expired(tx: Transaction, study_id: int, *, now: datetime) -> None:
    """Free the places that raters have held for too long without a vote."""
    tx.execute(_release_expired(), {"study": study_id, "now": now})


@cache
def _release_expired() -> Delete:
    claim = table_of(Claim)
    is_late = claim.c.expires_at < bindparam("now")
    return delete(claim).where(claim.c.study_id == bindparam("study"), claim.c.is_open, is_late)


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
        "chance": shown.chance,
    }
    return int(tx.execute(_add(), values).scalar_one())


@cache
def _add() -> ReturningInsert[Any]:
    matchup = table_of(tables.Matchup)
    return insert(matchup).returning(matchup.c.id)


def claim(tx: Transaction, place: Place, matchup_id: int) -> None:
    """Let a matchup hold a place. The database refuses a second one on it, and a second open one of a rater."""
    values = {"pairing": place.pairing_id, "place": place.place, "study": place.study_id, "matchup": matchup_id}
    tx.execute(_claim(), {**values, "rater": place.rater_id, "open": place.is_open, "until": place.until})


@cache
def _claim() -> Insert:
    claim, pairing = table_of(Claim), table_of(Pairing)
    values = {
        claim.c.pairing_id: pairing.c.id,
        claim.c.contender_low_id: pairing.c.contender_low_id,
        claim.c.contender_high_id: pairing.c.contender_high_id,
        claim.c.place: bindparam("place", type_=claim.c.place.type),
        claim.c.study_id: bindparam("study", type_=claim.c.study_id.type),
        claim.c.matchup_id: bindparam("matchup", type_=claim.c.matchup_id.type),
        claim.c.rater_id: bindparam("rater", type_=claim.c.rater_id.type),
        claim.c.is_open: bindparam("open", type_=claim.c.is_open.type),
        claim.c.expires_at: bindparam("until", type_=claim.c.expires_at.type),
    }
    of_pairing = select(*values.values()).where(pairing.c.id == bindparam("pairing"))
    return insert(claim).from_select([*values], of_pairing)


def earlier(tx: Transaction, rater_id: int, pairing_id: int) -> int | None:
    """The matchup on a pairing that this rater was shown before and let go, as the row's number."""
    return tx.scalar(_earlier(), {"rater": rater_id, "pairing": pairing_id})


@cache
def _earlier() -> Select[int]:
    matchup = tables.Matchup
    return select(matchup.id).where(matchup.rater_id == bindparam("rater"), matchup.pairing_id == bindparam("pairing"))


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
    row = tx.execute(_issued(), {"rater": rater_id, "token": token}).one_or_none()
    if row is None:
        return None
    *shown, pairing_id, is_open = row[: -len(_ROWS)]
    rows = dict(zip(_ROWS, row[-len(_ROWS) :], strict=True))
    return Issued(pairing_id, Matchup(*shown), is_open is True, rows)


_ROWS = (
    "matchup_id",
    "rater_id",
    "question_id",
    "answer_a_id",
    "answer_b_id",
    "contender_a_id",
    "contender_b_id",
)


@cache
def _issued() -> Select[*tuple[Any, ...]]:
    matchup, a, b = tables.Matchup, aliased(Answer), aliased(Answer)
    return (
        _matchups()
        .add_columns(matchup.pairing_id, Claim.is_open, matchup.id, matchup.rater_id, a.question_id)
        .add_columns(matchup.answer_a_id, matchup.answer_b_id, a.contender_id, b.contender_id)
        .join(a, a.id == matchup.answer_a_id)
        .join(b, b.id == matchup.answer_b_id)
        .outerjoin(Claim, Claim.matchup_id == matchup.id)
        .where(matchup.rater_id == bindparam("rater"), matchup.token == bindparam("token"))
    )


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


def chances(tx: Transaction, study_id: int) -> dict[int, float]:
    """With which probability the contenders of matchups were drawn, by ledger entry; only of those where they were."""
    matchup = tables.Matchup
    query = select(matchup.seq, matchup.chance).where(matchup.study_id == study_id, matchup.chance.is_not(None))
    return {seq: chance for seq, chance in tx.execute(query) if chance is not None}


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
            tables.Matchup.chance,
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
    tx.execute(_settle(), {"matchup": matchup_id})


@cache
def _settle() -> Update:
    claim = table_of(Claim)
    return update(claim).where(claim.c.matchup_id == bindparam("matchup")).values(is_open=False)
