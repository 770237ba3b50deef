"""Intervals and joint draws for all contenders of an island, whatever its graph of votes looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arena.ratings.comparisons.connectivity import blocks
from arena.ratings.intervals.spreads import Spread
from arena.ratings.models.placing import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Island:
    """Contenders that met: `members` index them; `theta` are their log-strengths and `points`, (members, members), who
    scored how much against whom; `votes`, (members,), how many each has."""

    members: IntArray
    theta: FloatArray
    points: FloatArray
    votes: FloatArray

    @property
    def block(self) -> IntArray:
        """The block of each member."""
        return blocks(self.points)

    def within(self, inside: IntArray) -> FloatArray:
        """The votes of each member, (members,), with those `inside`; none of the others."""
        votes = np.zeros(len(self.theta))
        votes[inside] = self.points[np.ix_(inside, inside)].sum(axis=0) + self.points[np.ix_(inside, inside)].sum(
            axis=1
        )
        return votes


@dataclass(frozen=True)
class Reach:
    """How far the intervals of an island's members reach below and above, (members,), and draws of their errors.

    `draws`, (rounds, members), all in logits. `placed`: members whose interval is the penalised likelihood's, in whole
    or in part; `freedom` as in `Spread`.
    """

    below: FloatArray
    above: FloatArray
    draws: FloatArray
    placed: npt.NDArray[np.bool_]
    freedom: float


def reach(
    island: Island,
    spread: Callable[[IntArray], Spread],
    independent: Callable[[IntArray], float],
    level: float,
    rounds: int,
    rng: np.random.Generator,
) -> Reach:
    """Intervals of an island's members, taken from the vote-weighted mean of its main block.

    The main block is the one of most votes, or the whole island where no block has two members. `spread(members)` are
    the spreads within a block, by resampling or a sandwich; `independent(group)` tells what share of an independent one
    a vote between the groups, (members,), is worth at least.

    Within a block the spread is taken as it is; where it does not tell (no resample differs, or hardly any holds the
    contender), and for the place of every block but the main one, the penalised profile likelihood is.
    """
    q = float(ndtri((1.0 + level) / 2.0))
    size = len(island.theta)
    below, above, draws = np.zeros(size), np.zeros(size), np.zeros((rounds, size))
    placed, freedom = np.zeros(size, dtype=bool), np.inf
    block = island.block
    for number in range(block.max() + 1):
        inside = np.flatnonzero(block == number)
        if len(inside) < 2:
            continue
        found = spread(island.members[inside])
        freedom = min(freedom, found.freedom)
        below[inside], above[inside], draws[:, inside] = found.below, found.above, found.draws
        untold = inside[np.isnan(found.below)]
        if len(untold):
            placed[untold] = True
            _singly(island, inside, untold, independent, (below, above, draws), q, rng)
    main = _main(block, island.votes, island.theta)
    if block.max() == 0:
        return Reach(below, above, draws, placed, freedom)
    weight = island.within(np.flatnonzero(block == main)) if main is not None else island.votes
    profiles = _profiles(island.points, island.theta, block, weight, independent(block))
    for number in range(block.max() + 1):
        if number == main:
            continue
        inside = np.flatnonzero(block == number)
        placed[inside] = True
        low, high = _around(profiles, number, q)
        below[inside], above[inside] = np.hypot(below[inside], low), np.hypot(above[inside], high)
        inwards = low if profiles[0].best(number) > 0 else high
        draws[:, inside] += _drawn(inwards / q, 1 if main is not None else block.max() + 1, rounds, rng)[:, None]
    return Reach(below, above, draws, placed, freedom)


def _main(block: IntArray, votes: FloatArray, theta: FloatArray) -> int | None:
    """The block of two or more members with the most votes; of equal ones the better, so that no name decides."""
    sizes, held, strength = np.bincount(block), np.bincount(block, votes), np.bincount(block, theta)
    several: list[int] = np.flatnonzero(sizes > 1).tolist()
    return max(several, key=lambda number: (held[number], strength[number] / sizes[number]), default=None)


def _profiles(
    points: FloatArray, theta: FloatArray, group: IntArray, weight: FloatArray, share: float
) -> tuple[Profile, ...]:
    """The profiles of groups whose inner log-strengths are as in `theta`, from the mean by `weight` of the members.

    The first takes votes as independent; where each may be worth a `share` of that only, the second counts that share.
    """
    inner = theta - (np.bincount(group, theta) / np.bincount(group))[group]
    across = points * (group[:, None] != group[None, :])
    reference = np.bincount(group, weight) / weight.sum()
    return tuple(Profile(worth * across, inner, group, reference) for worth in sorted({1.0, share}, reverse=True))


def _around(profiles: tuple[Profile, ...], group: int, q: float) -> tuple[float, float]:
    """How far the group's place may lie below and above where the penalised likelihood of all votes puts it.

    Votes that may be one opinion do not only widen the interval: their likelihood also ends nearer to the rest.
    """
    best = profiles[0].best(group)
    low, high = zip(*(profile.interval(group, q * q) for profile in profiles), strict=True)
    return best - min(low), max(high) - best


def _singly(
    island: Island,
    inside: IntArray,
    untold: IntArray,
    independent: Callable[[IntArray], float],
    found: tuple[FloatArray, FloatArray, FloatArray],
    q: float,
    rng: np.random.Generator,
) -> None:
    """Fill in members of a block that resampling does not tell of: each alone, by the votes within the block."""
    below, above, draws = found
    alone = np.full(len(island.theta), -1)
    alone[inside] = np.arange(len(inside))
    profiles = _profiles(
        island.points[np.ix_(inside, inside)],
        np.zeros(len(inside)),
        np.arange(len(inside)),
        island.within(inside)[inside],
        independent(alone),
    )
    for member in untold:
        low, high = _around(profiles, int(alone[member]), q)
        below[member], above[member] = low, high
        inwards = low if profiles[0].best(int(alone[member])) > 0 else high
        draws[:, member] = _drawn(inwards / q, len(inside), len(draws), rng)


def _drawn(deviation: float, groups: int, rounds: int, rng: np.random.Generator) -> FloatArray:
    """Normal draws of a place, as wide as its interval is on the side of the others: that side tells who is better.

    With more than one of the `groups`, the place is taken from their mean. Deviations from it are correlated by
    -1 / (groups - 1), so that of independent draws the differences would be too narrow by the root of that.
    """
    correlated = np.sqrt(groups / (groups - 1.0)) if groups > 1 else 1.0
    drawn: FloatArray = rng.standard_normal(rounds) * (deviation * correlated)
    return drawn
