"""What changes the order of two, or first place: the search, the check by trying all, and its result in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arena.ratings.board import SCALE
from arena.ratings.fragility.exhaustive import sets_below, smallest
from arena.ratings.fragility.island import Island, Pool
from arena.ratings.fragility.moves import kind
from arena.ratings.fragility.result import WAYS, Change, Contest, VotesMoved, Way
from arena.ratings.fragility.search import fewest_of
from arena.ratings.fragility.standing import Order, stand

IntArray = npt.NDArray[np.int64]

SETS, POINTS_OF_SETS = 5_000, 4_000_000
"""Sets that are tried one by one at most, and points in all of them."""


def contest(island: Island, order: Order, second: int, *, thorough: bool) -> Contest:
    """What changes the order of `order.first` and `second`; or first place, where `second` stands next.

    Sets of moves are tried one by one: as many as can be if `thorough`, else where all smaller ones are few.
    """
    lead = island.standing.lead(order.first, second)
    return Contest(
        higher=island.names[order.first],
        lower=island.names[second],
        lead=round(SCALE * max(lead, 0.0), 4),
        changes=tuple(_change(island, pool, way, order, thorough) for pool in island.pools for way in WAYS),
    )


def _change(island: Island, pool: Pool, way: Way, order: Order, thorough: bool) -> Change:
    moves = pool.moves[way]
    found = fewest_of(island.standing, moves, order)
    below = moves.total + 1 if found.number is None else found.number
    budget = min(SETS, POINTS_OF_SETS // island.standing.points.size)
    if not thorough and sets_below(moves, below, budget // 4) > budget // 4:
        budget = 0
    at_least, times = smallest(island.standing, moves, order, below, budget)
    exact = times is not None or at_least == below
    if times is None and found.trial is not None:
        times = found.trial.times
    number = None if times is None else int(times.sum())
    return Change(
        unit=pool.unit,
        way=way,
        number=number,
        at_least=at_least if at_least <= moves.total else None,
        exact=exact,
        predicted=found.predicted,
        of=moves.total,
        share=None if number is None else number / moves.total,
        then_above=None if times is None else _above(island, pool, way, order, times),
        votes=() if times is None or pool.names else _votes_moved(island, pool, way, times),
        names=() if times is None or not pool.names else _names(pool, way, times),
    )


def _above(island: Island, pool: Pool, way: Way, order: Order, times: IntArray) -> str:
    """Who stands above then: of two, the other; for first place, whoever stands highest."""
    if order.second is not None:
        return island.names[order.second]
    points = pool.moves[way].after(island.standing.points, times)
    return island.names[int(np.nanargmax(stand(points[None], order.first, island.standing.theta)[0]))]


def _names(pool: Pool, way: Way, times: IntArray) -> tuple[str, ...]:
    return tuple(pool.names[at] for at in sorted(pool.moves[way].unit[times > 0].tolist()))


def _votes_moved(island: Island, pool: Pool, way: Way, times: IntArray) -> tuple[VotesMoved, ...]:
    """Which votes, the most numerous first; the winner is A, of a tie the first by name."""
    moves, moved = pool.moves[way], []
    for at in np.flatnonzero(times).tolist():
        of = kind(pool.points, int(moves.unit[at]), len(island.names))
        gains = float(moves.change[at, of.first * len(island.names) + of.second]) > 0
        moved.append(
            VotesMoved(
                model_a=island.names[of.first],
                model_b=island.names[of.second],
                winner="tie" if of.tied else "model_a",
                becomes=None if way == "remove" else "model_a" if gains else "model_b",
                weight=of.weight,
                number=int(times[at]),
            )
        )
    return tuple(sorted(moved, key=lambda each: (-each.number, each.model_a, each.model_b, each.winner)))
