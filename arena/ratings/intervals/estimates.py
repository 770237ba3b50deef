"""What is asked of an estimator, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.bootstrap import Report
from arena.ratings.intervals.clusters import Clustering
from arena.ratings.intervals.spreads import LEAST, Groups

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
    found = []
    for factor in clustering.factors:
        _, of = np.unique(factor.of[rows], return_inverse=True)
        number = int(of.max()) + 1
        mass = np.ones(len(own.kind)) if own.mass is None else own.mass
        where = (np.tile(of.reshape(-1), 2), np.concatenate(own.sides))
        held = csr_array((np.tile(mass, 2), where), shape=(number, own.contenders))
        held.sum_duplicates()
        found.append((number, held.sum(axis=0) ** 2 / held.multiply(held).sum(axis=0)))
    return Groups(min(number for number, _ in found), np.min([effective for _, effective in found], axis=0))
