"""Positions, the range of positions that the intervals leave open, and sets of positions that hold for all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from arena.errors import BadInput

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

BoolArray = npt.NDArray[np.bool_]
_Scores = npt.NDArray[np.float32]

SEEN = 0.8
"""Share of the rounds that must hold a contender. One that rests on a single unit is not drawn in 25 to 37% of the
rounds, and how much one unit varies nobody can know; one that rests on two is missing from 14% at most."""
NO_WIDTH = 1e-5
"""Share of the wider of two contenders' spreads below which their difference counts as not having varied at all."""
SAME = 1e-8
"""Share of the range of the estimates below which two numbers differ only by what a fit leaves unfinished."""
MARGIN = 1e-6
"""Relative: more than what single precision can add to or take from a critical value."""
FARTHEST = 7.0
"""Normal deviations whose probability differs from 1 by more than rounding."""
CERTAIN = 1e6
"""Degrees of freedom from which on t is normal to all digits that matter."""
CELLS = 131_072
"""Numbers in the working array (512 kB), so that it stays in the processor's cache."""


@dataclass(frozen=True)
class RankSets:
    """What can be said of the positions of all contenders at once; arrays of shape (contenders,) unless said.

    `low` to `high` are the positions that stay possible, 1 the best; all these sets hold together at the level asked.
    `better`, (contenders, contenders): row is better than column, again all together. `tier` is 1 + the length of the
    longest chain, above this contender, in which each is better than the next. `first` is the share of rounds in which
    it is the best, those at the top of a round sharing it.
    """

    low: IntArray
    high: IntArray
    tier: IntArray
    better: BoolArray
    first: FloatArray


def order(names: Sequence[str], ratings: FloatArray) -> list[int]:
    """The indices of the contenders, best first: rating descending, then name."""
    return sorted(range(len(names)), key=lambda index: (-float(ratings[index]), names[index]))


def rank_ranges(low: FloatArray, high: FloatArray) -> tuple[IntArray, IntArray]:
    """The best and the worst rank that each interval allows, both of shape (contenders,), from 1.

    The best is 1 + the number of contenders whose whole interval lies above mine; the worst is n - the number whose
    whole interval lies below. These are separate intervals: the ranges do not hold for all contenders at once.
    An interval without width, from votes that no resampling could vary, excludes no rank.
    """
    unknown = high - low <= 0
    low, high = np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)
    above = (low[None, :] > high[:, None]).sum(axis=1)
    below = (high[None, :] < low[:, None]).sum(axis=1)
    return (1 + above).astype(np.int64), (len(low) - below).astype(np.int64)


def rank_sets(theta: FloatArray, draws: FloatArray, level: float, freedom: float = math.inf) -> RankSets:
    """Sets of ranks that hold for all contenders at once with probability `level`, from draws of the estimator.

    `theta`, (contenders,), are the estimates, `draws`, (rounds, contenders), the draws around them (bootstrap rounds,
    or normal draws with the estimated covariance), both in the same unit. Only differences within a round are used. NaN
    is a contender that the round cannot estimate; its pairs go without that round. A contender that too few rounds hold
    (SEEN), or a difference that does not vary from round to round, decides nothing: no spread is no certainty.
    `freedom` are the degrees of freedom of the draws' variance where few clusters tell it: the critical value, which is
    some normal quantile, is replaced by the t quantile of the same probability.

    Mogstad, Romano, Shaikh & Wilhelm (2024), simultaneous two-sided sets: all "j is no better than k" are tested
    together, by the largest studentised difference, with the step-down of Romano & Wolf (2005). Fewer rounds than
    level / (1 - level) decide nothing.

    Raises BadInput for estimates or draws that are infinite, of the wrong shape or missing, and for a level or freedom
    out of range.
    """
    _check(theta, draws, level, freedom)
    n = len(theta)
    draws = draws[(~np.isnan(draws)).sum(axis=1) >= min(2, n)]
    if not len(draws):
        raise BadInput("no round of the draws holds two contenders, so ranks cannot be told; draw more rounds")
    off = draws - theta
    off -= np.nanmean(off, axis=1, keepdims=True)
    better = _step_down(theta, off, level, freedom)
    return RankSets(
        low=(1 + better.sum(axis=0)).astype(np.int64),
        high=(n - better.sum(axis=1)).astype(np.int64),
        tier=_tiers(theta, better),
        better=better,
        first=_first(off + (theta - theta.mean())),
    )


def _check(theta: FloatArray, draws: FloatArray, level: float, freedom: float) -> None:
    n = len(theta)
    if not n or draws.ndim != 2 or draws.shape[1] != n:
        raise BadInput(f"draws of shape {draws.shape} do not fit {n} estimates; give one column for each contender")
    for name, bad in (("theta", ~np.isfinite(theta)), ("draws", np.isinf(draws).any(axis=0))):
        if bad.any():
            where = f"{name}, contender {int(bad.argmax()) + 1}"
            raise BadInput(f"{where}: not a finite number; leave out contenders that cannot be estimated")
    if not 0 < level < 1:
        raise BadInput(f"level: {level} is not between 0 and 1; give for example 0.95")
    if not freedom > 0:
        raise BadInput(f"freedom: {freedom} is not a number above 0; give infinity where the variance is known")


def _step_down(theta: FloatArray, off: FloatArray, level: float, freedom: float) -> BoolArray:
    """Who is better than whom, (contenders, contenders). `off`, (rounds, contenders), is draw - estimate.

    What was decided is left out of the next step's critical value. "k is better than j" stays in after j was found
    better than k: only then is the error rate controlled for both directions.
    """
    errors = _standard_errors(theta, off)
    lead = (theta[:, None] - theta[None, :]) / errors
    scores, weights = np.ascontiguousarray(off.T, dtype=np.float32), (1 / errors).astype(np.float32)
    undecided = np.isfinite(errors)
    better = np.zeros_like(undecided)
    while undecided.any():
        limit = _with_freedom(max(0.0, _quantile(_largest(scores, weights, undecided), level)), freedom)
        found = undecided & (lead > limit * (1 + MARGIN))
        if not found.any():
            break
        better |= found
        undecided &= ~found
    return better


def _with_freedom(limit: float, freedom: float) -> float:
    """The t quantile of the probability whose normal quantile is `limit`; in proportion beyond FARTHEST."""
    if not 0.0 < limit < math.inf or freedom > CERTAIN:
        return limit
    told = min(limit, FARTHEST)
    return limit * float(stdtrit(freedom, float(ndtr(told)))) / told


def _standard_errors(theta: FloatArray, off: FloatArray) -> FloatArray:
    """The standard deviation of draw_j - draw_k, (contenders, contenders); inf where it is nothing to go by.

    The plain one: a round far out, as where its likelihood has no finite maximum, then widens its own pairs. Divided by
    a robust spread, it would raise the largest score of its round, and so the critical value of everybody.
    """
    seen = ~np.isnan(off)
    held = np.maximum(seen.sum(axis=0), 1)
    value, there = np.where(seen, off - np.nansum(off, axis=0) / held, 0.0), seen.astype(np.float64)
    rounds = there.T @ there
    total = value.T @ there
    square = (value**2).T @ there
    # Sums over the rounds that hold both: of draw_j - draw_k, and of its square.
    total, square = total - total.T, square + square.T - 2 * (value.T @ value)
    variance = (square - total**2 / np.maximum(rounds, 1)) / np.maximum(rounds - 1, 1)
    spread = np.sqrt((value**2).sum(axis=0) / held)
    least = np.maximum(NO_WIDTH * np.maximum.outer(spread, spread), SAME * float(np.ptp(theta)))
    error = np.sqrt(np.maximum(variance, 0.0))
    often = held >= SEEN * len(off)
    return np.where((error > least) & np.logical_and.outer(often, often), error, np.inf)


def _largest(scores: _Scores, weights: _Scores, undecided: BoolArray) -> _Scores:
    """Each round's largest studentised deviation among the undecided ordered pairs, (rounds,); -inf where it has none.

    `scores`, (contenders, rounds), and `weights`, one over the standard errors. A pair undecided in both directions
    needs one pass, as one is minus the other. A maximum is the same in whatever parts it is taken.
    """
    largest = np.full(scores.shape[1], -np.inf, dtype=np.float32)
    size = max(1, CELLS // scores.shape[1])
    both = undecided & undecided.T
    for pairs, mirrored in ((np.triu(both), True), (undecided & ~both, False)):
        first, second = np.nonzero(pairs)
        for begin in range(0, len(first), size):
            j, k = first[begin : begin + size], second[begin : begin + size]
            score = scores[j]
            score -= scores[k]
            score *= weights[j, k][:, None]
            if mirrored:
                np.abs(score, out=score)
            np.fmax(largest, np.fmax.reduce(score, axis=0), out=largest)
    return largest


def _quantile(largest: _Scores, level: float) -> float:
    """The smallest value that a further round exceeds with a chance of at most 1 - level; inf where rounds are few."""
    known = largest[largest > -np.inf]
    place = math.ceil(level * (len(known) + 1) - 1e-9)
    return math.inf if place > len(known) else float(np.partition(known, max(place, 1) - 1)[max(place, 1) - 1])


def _tiers(theta: FloatArray, better: BoolArray) -> IntArray:
    """Best first, each has its tier before those that it may be better than."""
    tier = np.ones(len(theta), dtype=np.int64)
    for index in np.argsort(-theta, kind="stable"):
        above = tier[better[:, index]]
        tier[index] = 1 + above.max(initial=0)
    return tier


def _first(draws: FloatArray) -> FloatArray:
    """The share of the rounds in which each is the best, (contenders,); `draws` with NaN where there is none."""
    best = np.fmax.reduce(draws, axis=1)[:, None]
    top = draws >= best - SAME * float(np.nanmax(np.abs(draws)))
    share: FloatArray = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    return share
