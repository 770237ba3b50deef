"""A recorded vote, in names rather than in row numbers, and the columns of the exchange files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from arena.domain.vocabulary import CannotJudgeReason, Choice


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
    """A pairing as it was shown to a rater; answers are named by their digests."""

    seq: int
    token: str
    rater: str
    question: str
    model_a: str
    model_b: str
    answer_a: str
    answer_b: str
    issued_at: datetime
