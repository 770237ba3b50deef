"""How far the ratings may be off: from the rounds of bootstraps, or from sandwich variances, by the plan's clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from arena.ratings.intervals.bootstrap import percentile_levels
from arena.ratings.intervals.clusters import Factor

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """How many groups tell the spread within a block: `number` in all, and `effective`, (contenders,), for each.

    Of a contender with n votes in group g, (Σn)² / Σn² groups count: one where all its votes are in one.
    """

    number: int
    effective: FloatArray


@dataclass(frozen=True)
class Spread:
    """Of the ratings of one block, taken from its vote-weighted mean; in logits.

    `below`, `above`, (contenders,): how far each interval reaches, NaN where nothing tells. `draws`, (rounds,
    contenders): draws of the estimates' errors, for what is said of several contenders at once, with the `freedom` of
    the variance behind them.
    """

    below: FloatArray
    above: FloatArray
    draws: FloatArray
    freedom: float


SAME = 1e-6
"""Logits below which ratings do not differ: more than a fit leaves unfinished, and two of the last digit written."""
LOST = 0.5
"""Share of rounds that may say nothing of a contender before its draws are not used."""
FEW = 10
"""Groups below which the percentiles asked for lie beyond the rounds, so that standard deviations are taken."""
LEAST = 2.0 - 1e-9
"""Effective groups below which a contender's spread cannot be told: it takes two to differ."""


def from_rounds(theta: FloatArray, rounds: FloatArray, floor: FloatArray, level: float, groups: Groups) -> Spread:
    """Percentiles of the rounds, (rounds, contenders), of one factor; widened to hold `theta`, (contenders,).

    With FEW groups, ± t standard deviations. Where the rounds vary less than single votes would (`floor`, their
    covariance), or a contender's votes are in few of the groups, the interval is widened to match.
    """
    below, above = np.full(len(theta), np.nan), np.full(len(theta), np.nan)
    told = np.flatnonzero(_told(rounds) & (groups.effective >= LEAST))
    scale = np.ones(len(theta))
    if len(told):
        variance = np.nanvar(rounds[:, told], axis=0, ddof=1)
        few = _enlarged(groups)[told]
        scale[told] = np.sqrt(np.maximum(variance * few, np.diag(floor)[told]) / variance)
        if groups.number < FEW:
            reach = critical(level, groups.effective[told] - 1.0, np.zeros(len(told))) * scale[told]
            below[told] = above[told] = reach * np.sqrt(variance * groups.number / (groups.number - 1))
        else:
            low, high = np.nanquantile(rounds[:, told], percentile_levels(level, groups.number), axis=0)
            scale[told] *= critical(level, groups.effective[told] - 1.0, np.zeros(len(told)))
            scale[told] /= float(stdtrit(groups.number - 1, (1.0 + level) / 2.0))
            below[told] = np.maximum(theta[told] - low, 0.0) * scale[told]
            above[told] = np.maximum(high - theta[told], 0.0) * scale[told]
    enlarged = scale * np.sqrt(groups.number / max(groups.number - 1, 1))
    return Spread(below, above, (rounds - theta) * enlarged, float(max(groups.number - 1, 1)))


def _enlarged(groups: Groups) -> FloatArray:
    """By how much a variance that was enlarged by G / (G - 1) has to be larger yet, where few of the groups count."""
    own = np.maximum(groups.effective, LEAST)
    whole = groups.number / max(groups.number - 1, 1)
    enlarged: FloatArray = np.maximum(own / (own - 1.0) / whole, 1.0)
    return enlarged


def from_covariance(
    covariance: FloatArray,
    floor: FloatArray,
    level: float,
    groups: Groups,
    rounds: int,
    rng: np.random.Generator,
    *,
    moderated: bool,
) -> Spread:
    """± `critical` standard deviations, never below those of `floor`; and normal draws as wide.

    `covariance` and `floor`, (contenders, contenders). With two factors variances are `moderated`. In the draws, no
    difference of two contenders has a variance below the floor's either, but for what moderating takes off.
    """
    below, draws = np.full(len(floor), np.nan), np.zeros((rounds, len(floor)))
    # Terms that are subtracted can leave less than nothing; NaN stays what it is.
    known = np.maximum(np.diag(covariance), np.diag(floor)) > SAME**2
    told = np.flatnonzero(known & (groups.effective >= LEAST))
    if len(told):
        cut, root = np.ix_(told, told), np.sqrt(_enlarged(groups)[told])
        enlarged, least = covariance[cut] * np.outer(root, root), np.diag(floor)[told]
        freedom, share = groups.effective[told] - 1.0, np.zeros(len(told))
        variance: FloatArray = np.maximum(np.diag(enlarged), least)
        if moderated:
            variance, freedom = _moderated(np.diag(enlarged), least, freedom)
            share = least / variance
        below[told] = critical(level, freedom, share) * np.sqrt(variance)
        joint = floor[cut] + _positive(enlarged - floor[cut])
        roots, vectors = np.linalg.eigh(joint)
        wide = np.sqrt(variance / np.diag(joint))
        draws[:, told] = rng.standard_normal((rounds, len(told))) @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T * wide
    return Spread(below, below, draws, float(max(groups.number - 1, 1)))


def _moderated(variance: FloatArray, least: FloatArray, freedom: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variances from few groups, moved to what they have in common, never below `least`; and the degrees of freedom.

    What a variance has beyond `least` is what raters (or questions) add. Where contenders do not differ in that by more
    than variances of so many degrees of freedom differ by chance, it is taken as one for all (after Smyth 2004); one
    that stands out keeps the more of its own. The others' estimates then count half: they come from the same raters.
    """
    excess = variance - least
    chance = 2.0 * (least + max(float(np.median(excess)), 0.0)) ** 2 / freedom
    trust = (1.0 / chance) / (1.0 / chance).sum()
    common = float(trust @ excess)
    beyond = float(((excess - common) ** 2 / chance).sum())
    weight = min(1.0, (len(excess) - 1) / beyond) if beyond > 0 else 1.0
    own: FloatArray = weight / (1.0 + np.maximum(excess - common, 0.0) ** 2 / chance / 4.0)
    moved: FloatArray = least + np.maximum(own * common + (1.0 - own) * excess, 0.0)
    return moved, freedom * (1.0 + own * max(1.0 / float(trust @ trust) - 2.0, 0.0) / 2.0)


def critical(level: float, freedom: FloatArray, share: FloatArray) -> FloatArray:
    """How many standard deviations an interval of `level` reaches, (contenders,), where few groups tell the variance.

    The variance is the larger of an estimate with `freedom` degrees of freedom and of a floor that is known; the floor
    is this `share` of it. Only what exceeds the floor is uncertain (Satterthwaite 1946).
    """
    left = np.maximum(1.0 - share, 1e-6) ** 2
    return np.asarray(stdtrit(np.maximum(freedom, 1.0) / left, (1.0 + level) / 2.0), dtype=np.float64)


def total_covariance(terms: Sequence[tuple[int, Factor]], rounds: Sequence[FloatArray]) -> FloatArray:
    """The covariances of the terms' rounds, each (rounds, contenders), added and subtracted as the terms say.

    Each is enlarged by G / (G - 1): resampling G groups makes theirs too small by that.
    """
    parts = [
        sign * covariance_of(found) * (factor.number / max(factor.number - 1, 1))
        for (sign, factor), found in zip(terms, rounds, strict=True)
    ]
    total: FloatArray = np.sum(parts, axis=0)
    return total


def covariance_of(rounds: FloatArray) -> FloatArray:
    """The covariance of rounds, (contenders, contenders); a round that does not tell of a contender says nothing."""
    told = _told(rounds)
    result = np.full((rounds.shape[1],) * 2, np.nan)
    known = rounds[:, told]
    missing = np.isnan(known)
    centred = np.where(missing, 0.0, known - np.nanmean(known, axis=0))
    heard = (~missing).astype(np.float64)
    pairs = np.maximum(heard.T @ heard - 1.0, 1.0)
    result[np.ix_(told, told)] = centred.T @ centred / pairs
    return result


def _told(rounds: FloatArray) -> npt.NDArray[np.bool_]:
    told: npt.NDArray[np.bool_] = np.isnan(rounds).mean(axis=0) <= LOST
    if told.any():
        told[told] = np.nanmax(rounds[:, told], axis=0) - np.nanmin(rounds[:, told], axis=0) > SAME
    return told


def _positive(matrix: FloatArray) -> FloatArray:
    roots, vectors = np.linalg.eigh(matrix)
    positive: FloatArray = (vectors * np.maximum(roots, 0.0)) @ vectors.T
    return positive
