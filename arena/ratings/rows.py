"""The rows of a board: what was counted, the rounded numbers, the ranks and the flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.votes import Votes
from arena.ratings.ranks import RankSets, order, rank_ranges
from arena.ratings.result import Row

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimates:
    """Ratings and the ends of their intervals, (contenders,), in Elo points, and the island of each contender, from 1.

    `sets` are the simultaneous sets of ranks; None where contenders are on several islands.
    """

    ratings: FloatArray
    low: FloatArray
    high: FloatArray
    island: IntArray
    sets: RankSets | None


def make_rows(
    given: Votes, counted: Votes, estimates: Estimates, points: FloatArray, contenders: Sequence[str]
) -> tuple[Row, ...]:
    """Rows best first, then the unrated: names of `given` without a counted vote, and `contenders` without any.

    `points`, (contenders, contenders), are who scored how much against whom; ranks come from the numbers as written.
    """
    counts = dict(zip(given.contenders, given.tally().tolist(), strict=True))
    rated = _rated(counted.contenders, estimates, flags(points), counts)
    names = sorted({*given.contenders, *_known(contenders)} - set(counted.contenders))
    return (*rated, *(_unrated(name, counts.get(name, [0] * 4)) for name in names))


def flags(points: FloatArray) -> list[str | None]:
    """`undefeated` for who gave no point away, `winless` for who took none."""
    won, lost = points.sum(axis=1), points.sum(axis=0)
    return ["undefeated" if not lost[i] else "winless" if not won[i] else None for i in range(len(points))]


def _rated(
    names: Sequence[str], found: Estimates, flagged: Sequence[str | None], counts: dict[str, list[int]]
) -> list[Row]:
    ratings, low, high = (_rounded(values) for values in (found.ratings, found.low, found.high))
    best, worst = rank_ranges(low, high)
    return [
        Row(
            rank=position if found.sets else None,
            rank_low=int(best[i]) if found.sets else None,
            rank_high=int(worst[i]) if found.sets else None,
            model=names[i],
            rating=float(ratings[i]),
            low=float(low[i]),
            high=float(high[i]),
            flag=flagged[i],
            component=int(found.island[i]),
            **_counted(counts[names[i]]),
            rank_set_low=int(found.sets.low[i]) if found.sets else None,
            rank_set_high=int(found.sets.high[i]) if found.sets else None,
            tier=int(found.sets.tier[i]) if found.sets else None,
            first=round(float(found.sets.first[i]), 4) if found.sets else None,
        )
        for position, i in enumerate(order(names, ratings), start=1)
    ]


def _unrated(name: str, counts: Sequence[int]) -> Row:
    return Row(None, None, None, name, None, None, None, "unrated", None, **_counted(counts))


def _counted(counts: Sequence[int]) -> dict[str, Any]:
    wins, losses, ties, both_bad = counts
    votes = sum(counts)
    win_rate = round((wins + 0.5 * (ties + both_bad)) / votes, 6) if votes else None
    return {
        "votes": votes,
        "wins": wins,
        "losses": losses,
        "ties": ties,
        "both_bad": both_bad,
        "win_rate": win_rate,
    }


def _rounded(values: FloatArray) -> FloatArray:
    # Adding 0 turns -0.0 into 0.0, so that both are written alike.
    rounded: FloatArray = np.round(values, 4) + 0.0
    return rounded


def _known(contenders: Sequence[str]) -> list[str]:
    for name in contenders:
        if not isinstance(name, str) or not name.strip():
            raise BadInput(f"{name!r} is not the name of a contender; it must be non-empty text")
    return list(contenders)
