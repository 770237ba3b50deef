"""A leaderboard as a value: its rows, and the settings that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One contender. Ratings are in Elo points; `rank_low` is the better end; null is what cannot be said.

    `flag` is `undefeated` (only wins among the counted votes), `winless` (only losses), `unrated` (no counted
    vote) or null. `component` numbers the islands of contenders that met: 1 for all where there is one.
    `rank_low` to `rank_high` are the ranks that the separate intervals leave open, `rank_set_low` to `rank_set_high`
    those that stay possible for all contenders at once. `tier` is 1 + the longest chain, above, of contenders each
    better than the next beyond doubt. `first` is the share of draws in which this contender is the best.
    """

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    model: str
    rating: float | None
    low: float | None
    high: float | None
    flag: str | None
    component: int | None
    votes: int
    wins: int
    losses: int
    ties: int
    both_bad: int
    win_rate: float | None
    rank_set_low: int | None = None
    rank_set_high: int | None = None
    tier: int | None = None
    first: float | None = None


@dataclass(frozen=True)
class Interval:
    """How the intervals were made: by bootstrap or sandwich, for votes alike by `cluster`; rounds, level and seed.

    `estimand` says what they are about: "questions-like-these", or "these-questions" alone.
    """

    method: str
    cluster: str
    rounds: int
    level: float
    seed: int
    estimand: str = "questions-like-these"


@dataclass(frozen=True)
class Board:
    """A leaderboard. `scale` "elo-400": 400 points are odds of 10 to 1. `votes` are all votes, counted or not."""

    study: str | None
    method: str
    scale: str
    anchor: Mapping[str, float | str]
    interval: Interval
    votes: int
    ledger: Mapping[str, object] | None
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str]

    def to_dict(self) -> dict[str, object]:
        """The leaderboard's JSON contract: these keys in this order, and `settings` after them."""
        return {
            "study": self.study,
            "method": self.method,
            "scale": self.scale,
            "anchor": dict(self.anchor),
            "interval": asdict(self.interval),
            "votes": self.votes,
            "ledger": None if self.ledger is None else dict(self.ledger),
            "rows": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
        }
