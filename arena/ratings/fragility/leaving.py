"""What becomes of every contender when one rater, or one question, is left out: each in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arena.ratings.fragility.moves import MODEL, Moves, settled
from arena.ratings.fragility.standing import EQUAL, Standing
from arena.ratings.models.fitting import fit

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MOST_NUMBERS = 60_000_000
"""Points, over all that are left out in turn, up to which each is fitted; beyond, only those of most influence."""
BATCH_NUMBERS = 1_000_000
"""Points that are fitted at once."""


@dataclass
class Ranges:
    """How far each contender gets, (contenders,): log-strengths and ranks, and which unit's absence takes it there.

    `refitted` are the units, (refitted,), that were left out and fitted again, of `units` in all. `first` counts, for
    each contender, the units without which it is first: the others' by linear influence. `unrated` counts those without
    which a contender has no vote that connects it with the rest. NaN and 0 where it is never rated.
    """

    units: int
    refitted: IntArray
    low: FloatArray
    high: FloatArray
    low_without: IntArray
    high_without: IntArray
    best: IntArray
    worst: IntArray
    first: IntArray
    unrated: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.unrated = np.zeros(len(self.low), dtype=np.int64)

    @classmethod
    def empty(cls, contenders: int, units: int, refitted: IntArray) -> Ranges:
        """Before anything is left out."""
        none, far = np.zeros((5, contenders), dtype=np.int64), np.full(contenders, np.inf)
        none[3] = contenders + 1
        return cls(units, refitted, far, -far, none[0], none[1], none[3], none[2], none[4])

    def take(self, units: IntArray, theta: FloatArray) -> None:
        """Widened by the log-strengths, (batch, contenders), without each of these units, (batch,)."""
        known = ~np.isnan(theta)
        for extreme, without, sign in ((self.low, self.low_without, 1.0), (self.high, self.high_without, -1.0)):
            value = np.where(known, sign * theta, np.inf)
            at = value.argmin(axis=0)
            further = value[at, np.arange(theta.shape[1])] < sign * extreme
            extreme[further] = theta[at, np.arange(theta.shape[1])][further]
            without[further] = units[at][further]
        place = ranks(theta)
        self.best = np.minimum(self.best, np.where(known, place, theta.shape[1] + 1).min(axis=0))
        self.worst = np.maximum(self.worst, np.where(known, place, 0).max(axis=0))
        self.first += ((place == 1) & known).sum(axis=0)
        self.unrated += (~known).sum(axis=0)


def ranks(theta: FloatArray) -> IntArray:
    """The position of each, (batch, contenders), by log-strength, and of equals by their order; NaN last."""
    rounded = np.where(np.isnan(theta), -np.inf, np.round(theta / EQUAL))
    place = np.empty(theta.shape, dtype=np.int64)
    order = np.argsort(-rounded, axis=1, kind="stable")
    np.put_along_axis(place, order, np.arange(1, theta.shape[1] + 1)[None, :].repeat(len(theta), axis=0), axis=1)
    return place


def leave_one_out(study: Standing, removals: Moves) -> Ranges:
    """Each unit left out in turn, and the rest fitted again; where that are too many, those of most influence.

    These are the units that, to first order, take a contender lowest or highest in log-strength or in rank. Contenders
    that are still rated keep the mean that they had.
    """
    n, units = len(study.theta), len(removals.number)
    ranges = Ranges.empty(n, units, np.arange(units))
    size = max(1, BATCH_NUMBERS // study.points.size)
    if units * study.points.size > MOST_NUMBERS:
        linear = study.theta + study.shifts(removals)
        ranges.refitted = _extremes(linear, ranks(linear))
        rest = np.setdiff1d(np.arange(units), ranges.refitted)
        ranges.first += (ranks(linear[rest]) == 1).sum(axis=0)
    importance = (study.points + study.points.T).sum(axis=1)
    for begin in range(0, len(ranges.refitted), size):
        without = ranges.refitted[begin : begin + size]
        points = settled(study.points, removals.change[without].toarray().reshape(-1, n, n))
        theta = fit(points[:, None], MODEL, importance, study.theta)
        theta -= np.nanmean(theta - study.theta, axis=1, keepdims=True)
        ranges.take(without, theta)
    return ranges


def _extremes(theta: FloatArray, place: IntArray) -> IntArray:
    found = [values.argmin(axis=0) for values in (theta, -theta)]
    # Of equal ranks, the one with the log-strength furthest out.
    span = np.ptp(theta) + 1.0
    found += [values.argmin(axis=0) for values in (place + theta / span, -(place + theta / span))]
    return np.unique(np.concatenate(found)).astype(np.int64)
