"""The contenders that can be compared, how they stand, and what can be moved: votes, raters, questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from arena.ratings import caveats
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.votes import Votes, pair_counts
from arena.ratings.fragility.leaving import ranks
from arena.ratings.fragility.moves import Moves, flips, groups_of, kinds_of, removals
from arena.ratings.fragility.result import Unit, Way
from arena.ratings.fragility.standing import Standing, stand
from arena.ratings.intervals.ballots import Ballots

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """What can be moved: the points of one of each, (members, contenders²), its moves, and names of all but votes."""

    unit: Unit
    points: csr_array[np.float64]
    moves: Mapping[Way, Moves]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Island:
    """Contenders that are all connected, with `votes` votes among them."""

    names: tuple[str, ...]
    votes: int
    standing: Standing
    pools: tuple[Pool, ...]
    warnings: tuple[str, ...]

    def ranking(self) -> list[int]:
        """The contenders as a board ranks them: by rating, then by name."""
        return [int(at) for at in np.argsort(ranks(self.standing.theta[None])[0])]


def main_island(counted: Votes) -> Island:
    """The island of most votes."""
    wins, ties = pair_counts(counted)
    points = wins + ties / 2.0
    island = connectivity.islands(points)
    members = np.flatnonzero(island == np.argmax(np.bincount(island, points.sum(axis=0) + points.sum(axis=1))))
    points = points[np.ix_(members, members)]
    ballots, rows = Ballots.of(counted).within(members)
    of_each, number = kinds_of(ballots)
    n = len(members)
    pools = [Pool("vote", of_each, _moves(of_each, number, n, single=True), ())]
    warnings = [_aside(counted.contenders, members)] if n < len(counted.contenders) else []
    groupings: tuple[tuple[Unit, tuple[str, ...], npt.NDArray[np.int32] | None], ...] = (
        ("rater", counted.raters, counted.rater),
        ("question", counted.questions, counted.question),
    )
    for unit, known, group in groupings:
        if group is None:
            continue
        warnings += _unnamed(ballots, group[rows], unit)
        of_each, which = groups_of(ballots, group[rows], len(known))
        if len(which) > 1:
            moves = _moves(of_each, np.ones(len(which), dtype=np.int64), n, single=False)
            pools.append(Pool(unit, of_each, moves, tuple(known[at] for at in which)))
    names = tuple(counted.contenders[at] for at in members)
    standing = Standing(points, stand(points[None], 0)[0])
    return Island(names, ballots.votes, standing, tuple(pools), tuple(warnings))


def _moves(points: csr_array[np.float64], number: IntArray, contenders: int, *, single: bool) -> dict[Way, Moves]:
    return {"remove": removals(points, number), "flip": flips(points, number, contenders, single=single)}


def _unnamed(ballots: Ballots, group: npt.NDArray[np.int32], unit: Unit) -> list[str]:
    without = group < 0
    number = int(without.sum() if ballots.copies is None else ballots.copies[without].sum())
    if not number:
        return []
    names, stay = ("vote names", "it stays") if number == 1 else ("votes name", "they stay")
    return [f"{number} {names} no {unit}; {stay} whichever {unit}s are moved."]


def _aside(names: tuple[str, ...], members: IntArray) -> str:
    others = [name for at, name in enumerate(names) if at not in set(members.tolist())]
    return (
        "The contenders fall into groups that were never compared with each other; this is about the group of most"
        f" votes. Left aside: {caveats.listed(others)}."
    )
