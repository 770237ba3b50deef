"""The rows of a combined leaderboard, with the human and the judge's own beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.prediction_powered.result import CombinedRow
from arena.ratings.ranks import order, rank_ranges
from arena.ratings.result import Board, Row

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings and ends of intervals in Elo points, to 4 digits, with what is said of the ranks; (contenders,) each."""

    rating: FloatArray
    low: FloatArray
    high: FloatArray
    set_low: IntArray
    set_high: IntArray
    tier: IntArray
    first: FloatArray

    @classmethod
    def of_board(cls, board: Board, names: Sequence[str]) -> Ratings:
        """Those of a leaderboard, in the order of the names."""
        rows = {row.model: row for row in board.rows}
        fields = ("rating", "low", "high", "rank_set_low", "rank_set_high", "tier", "first")
        return cls(*(np.array([getattr(rows[name], field) for name in names]) for field in fields))


def make_rows(
    names: Sequence[str], found: Ratings, people: Board, judge: Board, *, worth: bool
) -> tuple[CombinedRow, ...]:
    """Rows best first; with `worth`, how many human votes each interval is worth."""
    of_people, of_judge = ({row.model: row for row in board.rows} for board in (people, judge))
    best, worst = rank_ranges(found.low, found.high)
    rows = []
    for rank, at in enumerate(order(names, found.rating), start=1):
        human, judged = of_people[names[at]], of_judge[names[at]]
        shortened = _width(human) / float(found.high[at] - found.low[at])
        rows.append(
            CombinedRow(
                rank=rank,
                rank_low=int(best[at]),
                rank_high=int(worst[at]),
                model=names[at],
                rating=float(found.rating[at]),
                low=float(found.low[at]),
                high=float(found.high[at]),
                rank_set_low=int(found.set_low[at]),
                rank_set_high=int(found.set_high[at]),
                tier=int(found.tier[at]),
                first=round(float(found.first[at]), 4),
                human_rating=human.rating or 0.0,
                human_low=human.low or 0.0,
                human_high=human.high or 0.0,
                human_votes=human.votes,
                effective_votes=round(human.votes * shortened**2, 1) if worth else None,
                judge_rating=judged.rating or 0.0,
                judge_low=judged.low or 0.0,
                judge_high=judged.high or 0.0,
                judge_votes=judged.votes,
            )
        )
    return tuple(rows)


def gain(rows: Sequence[CombinedRow]) -> float:
    """How many times as many human votes would make the intervals as short as they are, on average."""
    alone = sum(row.human_high - row.human_low for row in rows)
    return float(alone / sum(row.high - row.low for row in rows)) ** 2


def _width(row: Row) -> float:
    return (row.high or 0.0) - (row.low or 0.0)
