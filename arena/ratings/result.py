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

    `estimand` says what they are about: "questions-like-these", or, where questions are no cluster, "these-questions"
    alone, whichever was asked for.
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

    def __str__(self) -> str:
        """A small table: rank, the ranks possible for all at once, contender, rating, interval, votes and note."""
        cells: list[tuple[str, ...]] = [("rank", "at once", "contender", "rating", "low", "high", "votes", "note")]
        cells += [_cells(row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if column in (2, 7) else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        made = f"{self.method}, {self.interval.level * 100:g}% intervals by {self.interval.cluster}, {self.votes} votes"
        return "\n".join([*lines, made, *self.warnings])


def _cells(row: Row) -> tuple[str, ...]:
    numbers = ("-" if value is None else f"{value:.0f}" for value in (row.rating, row.low, row.high))
    at_once = "-" if row.rank_set_low is None else f"{row.rank_set_low}-{row.rank_set_high}"
    # A name may hold anything: what does not print is written as an escape, so that a terminal obeys none of it.
    name = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in row.model)
    return ("-" if row.rank is None else str(row.rank), at_once, name, *numbers, str(row.votes), row.flag or "")
