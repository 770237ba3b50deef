"""Ratings by category that are drawn towards the whole, beside the boards of the categories."""

from __future__ import annotations

import numpy as np

from arena.ratings import Progress
from arena.ratings.shrinkage import Shrunk, shrink
from arena.services.counted import Counted
from arena.services.leaderboard import NO_VALUE, BoardRequest


def shrunk(votes: Counted, request: BoardRequest, *, progress: Progress | None = None) -> Shrunk:
    """The shrunk ratings of all categories, with the settings of a board. Raises BadInput as `shrink`."""
    category = np.full(len(votes), None, dtype=object)
    for value, rows in votes.by_category(NO_VALUE).items():
        category[rows] = value
    return shrink(
        votes.votes,
        category.tolist(),
        cluster=request.cluster,
        estimand=request.estimand,
        level=request.level,
        both_bad=request.both_bad,
        progress=progress,
    )
