"""The combined leaderboard as a value: its rows, with each source alone beside them, and what made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from arena.ratings.result import Interval


@dataclass(frozen=True)
class CombinedRow:
    """One contender, ratings in Elo points; ranks, sets and tiers as in `arena.ratings.Row`, of the combined ratings.

    `effective_votes`: how many human votes alone would give as short an interval; None where sources were pooled as
    equals. `human_…` and `judge_…` are what each source says by itself.
    """

    rank: int
    rank_low: int
    rank_high: int
    model: str
    rating: float
    low: float
    high: float
    rank_set_low: int
    rank_set_high: int
    tier: int
    first: float
    human_rating: float
    human_low: float
    human_high: float
    human_votes: int
    effective_votes: float | None
    judge_rating: float
    judge_low: float
    judge_high: float
    judge_votes: int


@dataclass(frozen=True)
class Combined:
    """Ratings from human and judge votes, of mean 1000. `scale` "elo-400": 400 points are odds of 10 to 1.

    `method` is "prediction-powered" or "pooled-as-equals". `judge_weight` is λ, from 0 to 1: how much of the judge's
    correction was taken. `correlation` is that of what the labelled questions add to the human and to the judge's
    ratings. `gain` is what the human votes are worth with the judge, in votes of the same kind for each: 1 is none.
    `choice` says how the labelled questions are taken to have been chosen, and the p-value of the test. Null is what
    cannot be said.
    """

    study: str | None
    method: str
    judge: str
    scale: str
    anchor: Mapping[str, float | str]
    interval: Interval
    judge_weight: float | None
    correlation: float | None
    gain: float | None
    human_votes: int
    effective_votes: float | None
    judge_votes: int
    labelled_questions: int
    questions: int
    choice: Mapping[str, float | str | None]
    rows: tuple[CombinedRow, ...]
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str | bool]

    def to_dict(self) -> dict[str, object]:
        """Ready for JSON: these keys in this order."""
        return {**asdict(self), "rows": [asdict(row) for row in self.rows], "warnings": list(self.warnings)}
