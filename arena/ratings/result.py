"""A leaderboard as a value: its rows, and the settings that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One contender. Ratings are in Elo points; `rank_low` is the better end; null is what cannot be said.

    `flag` is `undefeated` (only wins among the counted votes), `winless` (only losses), `unrated` (no counted
    vote) or null. `component` numbers the islands of contenders that met: 1 for all where there is one.
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


@dataclass(frozen=True)
class Interval:
    """How the intervals were made: resampled by `cluster` (question or vote), so many rounds, level, seed."""

    method: str
    cluster: str
    rounds: int
    level: float
    seed: int


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
