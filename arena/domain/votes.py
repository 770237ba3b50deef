"""A recorded vote, in names rather than in row numbers, and the columns of the exchange files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from arena.domain.vocabulary import CannotJudgeReason, Choice, VoteChangeKind


@dataclass(frozen=True)
class Vote:
    """One recorded preference.

    `seq` is its ledger entry, `matchup_seq` that of the matchup it answers (None: imported). Answers are named by their
    digests; None where the vote names no question.
    """

    seq: int
    key: str
    matchup_seq: int | None
    question: str | None
    model_a: str
    model_b: str
    answer_a: str | None
    answer_b: str | None
    choice: Choice
    reason: CannotJudgeReason | None
    source: str
    rater: str | None
    simulated: bool
    voted_at: datetime | None

    @property
    def winner(self) -> str | None:
        """The winner in the LMArena columns; None for `cannot_judge`."""
        return self.choice.winner


@dataclass(frozen=True)
class Matchup:
    """A pairing as it was shown to a rater; answers are named by their digests.

    `chance` is the probability with which its two contenders were drawn, to 12 decimals; None where they were not drawn
    (pair policy `balanced`). It says something about the contenders, so that no rater may see it.
    """

    seq: int
    token: str
    rater: str
    question: str
    model_a: str
    model_b: str
    answer_a: str
    answer_b: str
    issued_at: datetime
    chance: float | None = None


@dataclass(frozen=True)
class VoteChange:
    """What an entry made of a vote. `seq` is that entry, `vote` the vote's; choice and reason are a correction's."""

    seq: int
    vote: int
    kind: VoteChangeKind
    choice: Choice | None = None
    reason: CannotJudgeReason | None = None


def as_it_stands(vote: Vote, changes: Iterable[VoteChange]) -> Vote | None:
    """The vote as its changes, in the order of the ledger, leave it; None where it does not count.

    What was withdrawn never counts again; what was excluded does where it was readmitted.
    """
    changes = list(changes)
    is_withdrawn = any(change.kind is VoteChangeKind.WITHDRAWN for change in changes)
    return None if is_withdrawn or is_excluded(changes) else corrected(vote, changes)


def corrected(vote: Vote, changes: Iterable[VoteChange]) -> Vote:
    """The vote as its rater left it, whether it counts or not."""
    for change in changes:
        if change.choice is not None:
            vote = replace(vote, choice=change.choice, reason=change.reason)
    return vote


def is_excluded(changes: Iterable[VoteChange]) -> bool:
    """Whether the last word on a vote is an exclusion."""
    words = [c.kind for c in changes if c.kind in (VoteChangeKind.EXCLUDED, VoteChangeKind.READMITTED)]
    return words[-1:] == [VoteChangeKind.EXCLUDED]
