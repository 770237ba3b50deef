"""What became of votes and raters later: corrections, exclusions, withdrawals. One row for each vote changed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, case, func, insert, not_, or_, select

from arena.domain.ledger import known
from arena.domain.vocabulary import CannotJudgeReason, Choice, VoteChangeKind
from arena.domain.votes import VoteChange
from arena.store import raters, votes
from arena.store.engine import Transaction
from arena.store.tables import Rater, Vote, Withdrawal
from arena.store.tables import VoteChange as Row


def add(tx: Transaction, study_id: int, made: Iterable[VoteChange]) -> None:
    """Store changes of votes that are there."""
    changes = list(made)
    rows = votes.ids(tx, study_id, {change.vote for change in changes})
    values = [
        {
            "study_id": study_id,
            "seq": change.seq,
            "vote_id": rows[change.vote],
            "kind": change.kind,
            "choice": change.choice,
            "reason": change.reason,
        }
        for change in changes
    ]
    if values:
        tx.execute(insert(Row), values)


def changes(
    tx: Transaction, study_id: int, *, of: int | None = None, rater_id: int | None = None, up_to: int | None = None
) -> dict[int, list[VoteChange]]:
    """A study's changes (`of` one vote, of one rater, `up_to` an entry), by the entry of the vote that they change."""
    query = select(Vote.seq, Row.seq, Row.kind, Row.choice, Row.reason).join(Vote, _is_its_vote())
    query = query.where(Row.study_id == study_id).order_by(Row.seq)
    if of is not None:
        query = query.where(Vote.seq == of, Vote.study_id == study_id)
    if rater_id is not None:
        query = query.where(Vote.rater_id == rater_id)
    if up_to is not None:
        query = query.where(Row.seq <= up_to)
    found: dict[int, list[VoteChange]] = {}
    for vote, seq, kind, choice, reason in tx.execute(query):
        change = VoteChange(
            seq,
            vote,
            known(VoteChangeKind, kind, seq),
            None if choice is None else known(Choice, choice, seq),
            None if reason is None else known(CannotJudgeReason, reason, seq),
        )
        found.setdefault(vote, []).append(change)
    return found


def _is_its_vote() -> ColumnElement[bool]:
    return and_(Vote.id == Row.vote_id, Vote.study_id == Row.study_id)


def vote_of(tx: Transaction, study_id: int, correction: int) -> int | None:
    """The entry of the vote that a correction, named by its own entry, replaces."""
    query = select(Vote.seq).join(Row, _is_its_vote()).where(Row.study_id == study_id, Row.seq == correction)
    return tx.scalar(query.where(Row.kind == VoteChangeKind.CORRECTED))


def stray(tx: Transaction, study_id: int) -> int | None:
    """The first entry with a row here that changes a vote of another study; None where there is no such row."""
    rows = select(func.min(Row.seq)).join(Vote, Vote.id == Row.vote_id)
    return tx.scalar(rows.where(Row.study_id == study_id, Vote.study_id != study_id))


def set_aside(tx: Transaction, study_id: int) -> dict[str, int]:
    """How many votes of each source do not count: excluded, or withdrawn. Counted where they lie: there may be many."""
    query = select(Vote.source, func.count()).where(Vote.study_id == study_id, _is_changed(study_id), _is_set_aside())
    return dict(tx.execute(query.group_by(Vote.source)).all())


def counted(tx: Transaction, study_id: int, source: str) -> list[tuple[int, int, str, int]]:
    """The votes of one source that count, as their corrections left them.

    Row numbers of the contenders on sides A and B, choice, how many. Counted where they lie.
    """
    is_changed = _is_changed(study_id)
    said = select(Row.choice).where(Row.vote_id == Vote.id, Row.choice.is_not(None)).order_by(Row.seq.desc()).limit(1)
    corrected = func.coalesce(said.scalar_subquery(), Vote.choice)
    choice = case((is_changed, corrected), else_=Vote.choice).label("stands")
    query = select(Vote.contender_a_id, Vote.contender_b_id, choice, func.count())
    query = query.where(Vote.study_id == study_id, Vote.source == source, not_(and_(is_changed, _is_set_aside())))
    rows = tx.execute(query.group_by(Vote.contender_a_id, Vote.contender_b_id, choice))
    return [(a, b, word, count) for a, b, word, count in rows]


def _is_changed(study_id: int) -> ColumnElement[bool]:
    return Vote.id.in_(select(Row.vote_id).where(Row.study_id == study_id))


def _is_set_aside() -> ColumnElement[bool]:
    """Whether a vote was withdrawn, or the last word on it is an exclusion."""
    words = (VoteChangeKind.EXCLUDED, VoteChangeKind.READMITTED)
    last = select(Row.kind).where(Row.vote_id == Vote.id, Row.kind.in_(words)).order_by(Row.seq.desc()).limit(1)
    left = select(Row.id).where(Row.vote_id == Vote.id, Row.kind == VoteChangeKind.WITHDRAWN).exists()
    return or_(left, last.scalar_subquery().is_not_distinct_from(VoteChangeKind.EXCLUDED))


def withdraw(tx: Transaction, study_id: int, rater_id: int, seq: int) -> None:
    """Record that a rater has withdrawn."""
    tx.execute(insert(Withdrawal).values(rater_id=rater_id, study_id=study_id, seq=seq))


def restore_withdrawals(tx: Transaction, study_id: int, withdrawn: dict[str, int]) -> None:
    """Store the withdrawals of a ledger: rater → entry."""
    people = raters.ids(tx, study_id)
    for rater, seq in withdrawn.items():
        withdraw(tx, study_id, people[rater], seq)


def withdrawals(tx: Transaction, study_id: int) -> dict[str, int]:
    """The raters who have withdrawn, each with the entry that says so."""
    query = select(Rater.pseudonym, Withdrawal.seq).join(Rater, Rater.id == Withdrawal.rater_id)
    return dict(tx.execute(query.where(Withdrawal.study_id == study_id)).all())
