"""The one call: votes in, and how few of them the order of a board rests on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.board import MEAN, SCALE
from arena.ratings.comparisons.votes import BothBad, Votes, encode
from arena.ratings.fragility.contests import contest
from arena.ratings.fragility.island import Island, Pool, main_island
from arena.ratings.fragility.leaving import Ranges, leave_one_out
from arena.ratings.fragility.result import Fragility, LeaveOneOut, Range
from arena.ratings.fragility.standing import Order
from arena.ratings.intervals.bootstrap import Progress

FloatArray = npt.NDArray[np.float64]

BESIDE = (
    "This says nothing of sampling error: how far other votes, raters or questions might move a contender is what the"
    " intervals of a leaderboard say. Neither stands in for the other."
)


def fragility(
    votes: object,
    *,
    pair: tuple[str, str] | None = None,
    both_bad: BothBad = "half",
    progress: Progress | None = None,
) -> Fragility:
    """The fewest votes, raters and questions whose removal, or flip, changes first place and the order of neighbours.

    `votes` as for `rate`; ratings by Bradley-Terry, a tie half a win each. `pair` names two contenders whose order is
    looked at besides. Where the contenders fall into islands, the one of most votes is analysed, and `warnings` say so.
    `progress(done, total)` is called now and then. The method, with its sources, is explained in docs/methods.md.

    Raises BadInput for votes that cannot be used, and for a pair that is none of the contenders analysed.
    """
    if not isinstance(both_bad, str) or both_bad not in get_args(BothBad):
        raise BadInput(f"both_bad must be one of {', '.join(get_args(BothBad))}, not {both_bad!r}")
    counted = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad)
    if not len(counted.a):
        raise BadInput('every vote found both answers bad and such votes are left out; use both_bad "half"')
    island = main_island(counted)
    ranking = island.ranking()
    asked = None if pair is None else _asked(island.names, pair, ranking)
    next_to = list(pairwise(ranking))
    looked_at = [(Order(ranking[0]), ranking[1], True)]
    looked_at += [] if asked is None else [(Order(*asked), asked[1], True)]
    looked_at += [(Order(*two), two[1], False) for two in next_to]
    total = len(looked_at) + len(island.pools) - 1
    contests, left_out = [], []
    for done, (order, second, thorough) in enumerate(looked_at, start=1):
        contests.append(contest(island, order, second, thorough=thorough))
        if progress is not None:
            progress(done, total)
    for done, pool in enumerate(island.pools[1:], start=1 + len(looked_at)):
        left_out.append(_leave_one_out(island, pool, ranking))
        if progress is not None:
            progress(done, total)
    return Fragility(
        votes=island.votes,
        contenders=len(island.names),
        first=contests[0],
        neighbours=tuple(contests[-len(next_to) :]),
        pair=None if asked is None else contests[1],
        leave_one_out=tuple(left_out),
        settings={"method": "bradley-terry", "both_bad": both_bad},
        warnings=(BESIDE, *island.warnings),
    )


def _asked(names: Sequence[str], pair: tuple[str, str], ranking: Sequence[int]) -> tuple[int, int]:
    """The two as indices, the higher first."""
    if not isinstance(pair, tuple | list) or len(pair) != 2 or pair[0] == pair[1]:
        raise BadInput(f"a pair is two contenders, such as ('x', 'y'), not {pair!r}")
    for name in pair:
        if name not in names:
            raise BadInput(f"{name!r} is none of the contenders compared here; choose from: {caveats.listed(names)}")
    one, other = sorted((names.index(name) for name in pair), key=ranking.index)
    return one, other


def _leave_one_out(island: Island, pool: Pool, ranking: Sequence[int]) -> LeaveOneOut:
    found = leave_one_out(island.standing, pool.moves["remove"])
    rows = [_range(island, pool, found, at, rank) for rank, at in enumerate(ranking, start=1)]
    return LeaveOneOut(pool.unit, found.units, len(found.refitted), tuple(rows))


def _range(island: Island, pool: Pool, found: Ranges, at: int, rank: int) -> Range:
    rated = bool(np.isfinite(found.low[at]))
    return Range(
        model=island.names[at],
        rating=_rating(island.standing.theta[at]),
        rank=rank,
        low=_rating(found.low[at]) if rated else None,
        high=_rating(found.high[at]) if rated else None,
        low_without=pool.names[found.low_without[at]] if rated else None,
        high_without=pool.names[found.high_without[at]] if rated else None,
        rank_best=int(found.best[at]) if rated else None,
        rank_worst=int(found.worst[at]) if rated else None,
        first=int(found.first[at]),
        unrated=int(found.unrated[at]),
    )


def _rating(theta: float) -> float:
    return round(float(MEAN + SCALE * theta), 4)
