"""What is asked of an estimator, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.ratings.comparisons.coding import spans
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.bootstrap import Report
from arena.ratings.intervals.clusters import Clustering
from arena.ratings.intervals.spreads import LEAST, Groups
from arena.ratings.intervals.sums import DENSE, products, sums

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """How intervals are to be made: by `interval` ("bootstrap" or "sandwich"), for these clusters, rounds and level."""

    interval: str
    clustering: Clustering
    rounds: int
    level: float
    seed: int
    report: Report

    def generators(self) -> list[np.random.Generator]:
        """Independent generators for up to four bootstraps and for what else is drawn: same seed, same numbers."""
        return [np.random.Generator(np.random.PCG64(seq)) for seq in np.random.SeedSequence(self.seed).spawn(5)]


@dataclass(frozen=True)
class Found:
    """Log-strengths of mean 0 on each island, how far their intervals reach, and draws of their errors; in logits.

    `theta`, `below`, `above` of shape (contenders,), `draws` (rounds, contenders); `freedom` as in `spreads.Spread`;
    `settings` are those of the method.
    """

    theta: FloatArray
    below: FloatArray
    above: FloatArray
    draws: FloatArray
    freedom: float
    warnings: tuple[str, ...]
    settings: dict[str, float | str]


def centring(games: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Takes the mean weighted by `games` off the last axis; a contender that is not known (NaN) has no part in it."""
    share = games / games.sum()

    def centred(values: FloatArray) -> FloatArray:
        known = ~np.isnan(values)
        total, held = np.where(known, values, 0.0) @ share, known @ share
        result: FloatArray = values - (total / np.where(held > 0, held, 1.0))[..., None]
        return result

    return centred


def groups_of(ballots: Ballots, members: IntArray, clustering: Clustering) -> Groups:
    """How many groups tell the spread within the block of these members; of two factors, the fewer."""
    own, rows = ballots.within(members)
    if not clustering.factors:
        return Groups(own.votes, np.full(own.contenders, max(float(own.votes), LEAST)))
    found = [_held(own, factor.of[rows], factor.size) for factor in clustering.factors]
    return Groups(min(number for number, _ in found), np.min([effective for _, effective in found], axis=0))


def _held(ballots: Ballots, of: IntArray, size: int) -> tuple[int, FloatArray]:
    """How many groups have a vote, and the effective number of groups, (contenders,); `of`, (rows,), below `size`."""
    n, mass = ballots.contenders, ballots.mass

    def games(rows: slice | IntArray) -> list[tuple[Any, Any]]:
        one, other = ballots.sides_in(rows)
        each = np.ones(len(one), dtype=np.int32) if mass is None else mass[rows]
        return [(one, each), (other, each)]

    held = np.zeros(size, dtype=np.bool_)
    for rows in spans(len(of)):
        held[of[rows]] = True
    if size * n <= DENSE:
        found = sums(games, of, size, n, np.int32 if mass is None else np.float64).astype(np.float64)
        total, squares = found.sum(axis=0), (found**2).sum(axis=0)
    else:
        total, squares = sums(games, np.zeros_like(of), 1, n, np.float64)[0], np.diag(products(games, of, size, n))
    return int(np.count_nonzero(held)), total**2 / squares
