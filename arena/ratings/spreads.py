"""How far the ratings may be off: from the rounds of bootstraps, or from sandwich variances, by the plan's clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from arena.ratings.bootstrap import percentile_levels, stretched
from arena.ratings.clusters import Factor

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Of the ratings of one block, taken from its vote-weighted mean; in logits.

    `below`, `above`, (contenders,): how far each interval reaches, NaN where the resamples do not tell. `draws`,
    (rounds, contenders): draws of the estimates' errors, for what is said of several contenders at once; a pairwise
    difference is beyond doubt where it is beyond `stretch` times what the draws' normal law would have.
    """

    below: FloatArray
    above: FloatArray
    draws: FloatArray
    stretch: float


SAME = 1e-6
"""Logits below which ratings do not differ: more than a fit leaves unfinished, and two of the last digit written."""
LOST = 0.5
"""Share of rounds that may say nothing of a contender before its draws are not used."""


def from_rounds(theta: FloatArray, rounds: FloatArray, level: float, groups: int) -> Spread:
    """Percentiles of the rounds, (rounds, contenders), of one factor with so many groups; widened to hold `theta`."""
    low, high = np.full(len(theta), np.nan), np.full(len(theta), np.nan)
    told = _told(rounds)
    if told.any():
        low[told], high[told] = np.nanquantile(rounds[:, told], percentile_levels(level, groups), axis=0)
    below, above = np.maximum(theta - low, 0.0), np.maximum(high - theta, 0.0)
    return Spread(below, above, rounds - theta, stretched(level, groups) / float(ndtri((1.0 + level) / 2.0)))


def from_covariance(
    covariance: FloatArray, floor: FloatArray, level: float, groups: int, rounds: int, rng: np.random.Generator
) -> Spread:
    """± `critical` standard deviations, and normal draws; variances are never below those of `floor`.

    `covariance` and `floor`, (contenders, contenders). For the draws, no difference of two contenders has a variance
    below the floor's either.
    """
    below, draws = np.full(len(floor), np.nan), np.zeros((rounds, len(floor)))
    # Terms that are subtracted can leave less than nothing; NaN stays what it is.
    told = np.flatnonzero(np.maximum(np.diag(covariance), np.diag(floor)) > SAME**2)
    stretch = 1.0
    if len(told):
        cut = np.ix_(told, told)
        least, freedom = np.diag(floor)[told], float(max(groups - 1, 1))
        variance, freedom = _moderated(np.diag(covariance)[told], least, freedom)
        reach = critical(level, freedom, least / variance)
        below[told] = reach * np.sqrt(variance)
        stretch = float(reach.max()) / float(ndtri((1.0 + level) / 2.0))
        roots, vectors = np.linalg.eigh(floor[cut] + _positive(covariance[cut] - floor[cut]))
        draws[:, told] = rng.standard_normal((rounds, len(told))) @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T
    return Spread(below, below, draws, stretch)


def _moderated(variance: FloatArray, least: FloatArray, freedom: float) -> tuple[FloatArray, float]:
    """Variances from few groups, moved to what they have in common, never below `least`; and the degrees of freedom.

    What a variance has beyond `least` is what raters (or questions) add. Where contenders do not differ in that by more
    than variances of so many degrees of freedom differ by chance, it is taken as one for all (after Smyth 2004). The
    others' estimates then count half: they come from the same raters.
    """
    if not least.any():
        return variance, freedom
    excess = variance - least
    chance = 2.0 * (least + max(float(np.median(excess)), 0.0)) ** 2 / freedom
    trust = (1.0 / chance) / (1.0 / chance).sum()
    common = float(trust @ excess)
    beyond = float(((excess - common) ** 2 / chance).sum())
    weight = min(1.0, (len(excess) - 1) / beyond) if beyond > 0 else 1.0
    moved: FloatArray = least + np.maximum(weight * common + (1.0 - weight) * excess, 0.0)
    return moved, freedom * (1.0 + weight * max(1.0 / float(trust @ trust) - 2.0, 0.0) / 2.0)


def critical(level: float, freedom: float, share: FloatArray) -> FloatArray:
    """How many standard deviations an interval of `level` reaches, (contenders,), where few groups tell the variance.

    The variance is the larger of an estimate with `freedom` degrees of freedom and of a floor that is known; the floor
    is this `share` of it. Only what exceeds the floor is uncertain (Satterthwaite 1946).
    """
    left = np.maximum(1.0 - share, 1e-6) ** 2
    return np.asarray(stdtrit(freedom / left, (1.0 + level) / 2.0), dtype=np.float64)


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
