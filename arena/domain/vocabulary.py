"""The words of the arena. docs/vocabulary.md says what each means."""

from __future__ import annotations

from enum import StrEnum


class StudyState(StrEnum):
    """Where a study stands on its one way: draft, open, closed, published."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    PUBLISHED = "published"


class Role(StrEnum):
    """What a seat in a study allows."""

    RATER = "rater"
    REVIEWER = "reviewer"
    ANALYST = "analyst"
    ADMIN = "admin"


class Choice(StrEnum):
    """The seven replies to a matchup. A and B are the sides as the rater saw them."""

    A_MUCH_BETTER = "a_much_better"
    A_BETTER = "a_better"
    TIE_GOOD = "tie_good"
    TIE_BAD = "tie_bad"
    B_BETTER = "b_better"
    B_MUCH_BETTER = "b_much_better"
    CANNOT_JUDGE = "cannot_judge"

    @property
    def winner(self) -> Winner | None:
        """The winner in the words of the exchange files; None where nothing is preferred or compared."""
        return _WINNERS.get(self)


class Winner(StrEnum):
    """The outcome of a vote in the LMArena columns `model_a, model_b, winner`."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def choice(self) -> Choice:
        """The choice that an imported vote with this winner is recorded as."""
        return _CHOICES[self]


class CannotJudgeReason(StrEnum):
    """Why a rater could not judge a matchup."""

    OUTSIDE_EXPERTISE = "outside_expertise"
    QUESTION_UNCLEAR = "question_unclear"
    ANSWERS_ALIKE = "answers_alike"
    RECOGNISED = "recognised"
    OTHER = "other"


class VoteChangeKind(StrEnum):
    """What can become of a vote after it was cast."""

    CORRECTED = "corrected"
    EXCLUDED = "excluded"
    READMITTED = "readmitted"
    WITHDRAWN = "withdrawn"


_WINNERS = {
    Choice.A_MUCH_BETTER: Winner.MODEL_A,
    Choice.A_BETTER: Winner.MODEL_A,
    Choice.TIE_GOOD: Winner.TIE,
    Choice.TIE_BAD: Winner.BOTH_BAD,
    Choice.B_BETTER: Winner.MODEL_B,
    Choice.B_MUCH_BETTER: Winner.MODEL_B,
}
_CHOICES = {
    Winner.MODEL_A: Choice.A_BETTER,
    Winner.MODEL_B: Choice.B_BETTER,
    Winner.TIE: Choice.TIE_GOOD,
    Winner.BOTH_BAD: Choice.TIE_BAD,
}
HUMAN = "human"
"""The source of votes cast by people; a judge's votes have the source `judge:NAME`."""
