"""What became of votes and raters later: corrections, exclusions, withdrawals. One row for each vote changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import insert, select

from arena.domain.ledger import known
from arena.domain.vocabulary import CannotJudgeReason, Choice, VoteChangeKind
from arena.domain.votes import VoteChange, as_it_stands
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
    tx: Transaction, study_id: int, *, of: int | None = None, up_to: int | None = None
) -> dict[int, list[VoteChange]]:
    """A study's changes (`of` one vote, `up_to` an entry) in order, by the entry of the vote that they change."""
    query = select(Vote.seq, Row.seq, Row.kind, Row.choice, Row.reason).join(Vote, Vote.id == Row.vote_id)
    query = query.where(Row.study_id == study_id).order_by(Row.seq)
    if of is not None:
        query = query.where(Vote.seq == of)
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


def set_aside(tx: Transaction, study_id: int) -> Counter[str]:
    """How many votes of each source do not count: excluded, or withdrawn."""
    made = changes(tx, study_id)
    changed = votes.changed(tx, study_id)
    return Counter(vote.source for vote in changed if as_it_stands(vote, made[vote.seq]) is None)


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
