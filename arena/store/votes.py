"""Votes in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select
from sqlalchemy.orm import aliased

from arena.domain.ledger import known
from arena.domain.views import SourceCount
from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.domain.votes import Vote
from arena.store import content, raters, tables
from arena.store.base import table_of
from arena.store.engine import PAGE, Transaction, paged
from arena.store.tables import Answer, Contender, Question, Rater

_FIELDS = tuple(field.name for field in fields(Vote))


def add(tx: Transaction, study_id: int, cast: Sequence[Vote], *, matchup_ids: Mapping[int, int] | None = None) -> None:
    """Store votes whose questions, contenders and raters are there.

    `matchup_ids` leads from a matchup's ledger entry to its row.
    """
    questions, answers = content.question_ids(tx, study_id), content.answered(tx, study_id)
    people, contenders = raters.ids(tx, study_id), content.contender_ids(tx, study_id)
    rows = [
        _row(study_id, vote)
        | {
            "matchup_id": (matchup_ids or {})[vote.matchup_seq] if vote.matchup_seq else None,
            "question_id": questions[vote.question] if vote.question is not None else None,
            "contender_a_id": contenders[vote.model_a],
            "contender_b_id": contenders[vote.model_b],
            "answer_a_id": answers[vote.question, vote.model_a][0] if vote.question is not None else None,
            "answer_b_id": answers[vote.question, vote.model_b][0] if vote.question is not None else None,
            "rater_id": people[vote.rater] if vote.rater is not None else None,
        }
        for vote in cast
    ]
    if rows:
        tx.execute(insert(table_of(tables.Vote)), rows)


def add_cast(tx: Transaction, study_id: int, vote: Vote, rows: Mapping[str, int]) -> None:
    """Store a vote on a matchup; `rows` are the row numbers of what it names, as `matchups.issued` gives them."""
    tx.execute(insert(table_of(tables.Vote)), {**_row(study_id, vote), **rows})


def _row(study_id: int, vote: Vote) -> dict[str, object]:
    return {
        "study_id": study_id,
        "seq": vote.seq,
        "key": vote.key,
        "source": vote.source,
        "choice": vote.choice,
        "reason": vote.reason,
        "simulated": vote.simulated,
        "voted_at": vote.voted_at,
    }


def tallies(tx: Transaction, study_id: int) -> list[SourceCount]:
    """The votes of a study counted by source, sorted."""
    vote = tables.Vote
    query = (
        select(
            vote.source,
            func.count(),
            func.count().filter(vote.choice == Choice.CANNOT_JUDGE),
            func.count().filter(vote.simulated),
        )
        .where(vote.study_id == study_id)
        .group_by(vote.source)
    )
    return sorted((SourceCount(*row) for row in tx.execute(query)), key=lambda count: count.source)


def sources(tx: Transaction, study_id: int, *, up_to: int) -> set[str]:
    """Whose votes a study has up to an entry."""
    query = select(tables.Vote.source).where(tables.Vote.study_id == study_id, tables.Vote.seq <= up_to)
    return set(tx.scalars(query.distinct()))


def count(tx: Transaction, rater_id: int) -> int:
    """How many votes a rater has cast."""
    return tx.scalar(_count(), {"rater": rater_id}) or 0


def behind(tx: Transaction, study_id: int, source: str, seq: int) -> int:
    """How many votes of one source were recorded behind an entry."""
    return tx.scalar(_behind(), {"study": study_id, "source": source, "seq": seq}) or 0


def vote_on(tx: Transaction, matchup_id: int) -> Vote | None:
    """The vote on a matchup, if there is one."""
    row = tx.execute(_vote_on(), {"matchup": matchup_id}).one_or_none()
    return _vote(row) if row else None


def last_vote(tx: Transaction, rater_id: int) -> Vote | None:
    """A rater's newest vote."""
    row = tx.execute(_last_vote(), {"rater": rater_id}).first()
    return _vote(row) if row else None


# What every vote asks is built once: a statement costs more to build than to run.
@cache
def _count() -> Select[int]:
    return select(func.count()).select_from(tables.Vote).where(tables.Vote.rater_id == bindparam("rater"))


@cache
def _behind() -> Select[int]:
    vote = tables.Vote
    of_source = vote.study_id == bindparam("study"), vote.source == bindparam("source"), vote.seq > bindparam("seq")
    return select(func.count()).select_from(vote).where(*of_source)


@cache
def _vote_on() -> Select[*tuple[Any, ...]]:
    return _votes().where(tables.Vote.matchup_id == bindparam("matchup"))


@cache
def _last_vote() -> Select[*tuple[Any, ...]]:
    query = _votes().where(tables.Vote.rater_id == bindparam("rater"))
    return query.order_by(tables.Vote.seq.desc()).limit(1)


def ids(tx: Transaction, study_id: int, entries: Collection[int]) -> dict[int, int]:
    """The row numbers of votes, by their ledger entries."""
    query = select(tables.Vote.seq, tables.Vote.id).where(tables.Vote.study_id == study_id)
    if len(entries) <= PAGE:  # beyond some tens of thousands a statement takes no more parameters
        query = query.where(tables.Vote.seq.in_(entries))
    return dict(tx.execute(query).all())


def at(tx: Transaction, study_id: int, seq: int) -> Vote | None:
    """The vote of a ledger entry, as it was cast."""
    row = tx.execute(_votes().where(tables.Vote.study_id == study_id, tables.Vote.seq == seq)).one_or_none()
    return _vote(row) if row else None


def votes(tx: Transaction, study_id: int, *, source: str | None = None, rater_id: int | None = None) -> Iterator[Vote]:
    """A study's votes in the order of the ledger, streamed."""
    query = _votes().where(tables.Vote.study_id == study_id)
    if source is not None:
        query = query.where(tables.Vote.source == source)
    if rater_id is not None:
        query = query.where(tables.Vote.rater_id == rater_id)
    for row in paged(tx, query, tables.Vote.seq):
        yield _vote(row)


@cache
def _votes() -> Select[*tuple[Any, ...]]:
    one, other, a, b = aliased(Contender), aliased(Contender), aliased(Answer), aliased(Answer)
    vote = tables.Vote
    return (
        select(
            vote.seq,
            vote.key,
            tables.Matchup.seq,
            Question.key,
            one.name,
            other.name,
            a.digest,
            b.digest,
            vote.choice,
            vote.reason,
            vote.source,
            Rater.pseudonym,
            vote.simulated,
            vote.voted_at,
        )
        .join(one, one.id == vote.contender_a_id)
        .join(other, other.id == vote.contender_b_id)
        .outerjoin(a, a.id == vote.answer_a_id)
        .outerjoin(b, b.id == vote.answer_b_id)
        .outerjoin(Question, Question.id == vote.question_id)
        .outerjoin(Rater, Rater.id == vote.rater_id)
        .outerjoin(tables.Matchup, tables.Matchup.id == vote.matchup_id)
    )


def _vote(row: Iterable[Any]) -> Vote:
    values = dict(zip(_FIELDS, row, strict=True))
    seq, choice, reason = (values[name] for name in ("seq", "choice", "reason"))
    because = None if reason is None else known(CannotJudgeReason, reason, seq)
    return Vote(**values | {"choice": known(Choice, choice, seq), "reason": because})
