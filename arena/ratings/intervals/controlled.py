"""How far ratings and effects of a fit with covariates may be off: sandwich variances by the board's clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.comparisons.votes import Votes
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import Clustering, Factor
from arena.ratings.intervals.estimates import centring, groups_of
from arena.ratings.intervals.spreads import critical, from_covariance
from arena.ratings.models.controlled import Design

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


NOTHING = 1e-12
"""A variance so small beside what the likelihood's curvature says tells nothing."""


@dataclass(frozen=True)
class Uncertainty:
    """Half the lengths of intervals, in logits: of each `strength`, (contenders,), and each `effect`, (covariates,)."""

    strength: FloatArray
    effect: FloatArray


def uncertainty(
    design: Design,
    at: FloatArray,
    information: FloatArray,
    island: IntArray,
    votes: Votes,
    clustering: Clustering,
    level: float,
) -> Uncertainty:
    """H⁻¹ (Σ over clusters of score · scoreᵀ) H⁻¹ with the factor G/(G-1), and never below the same by single votes.

    `at` and `information` are as `models.controlled.fit` gives them, `island` as `connectivity.islands`. Two factors
    are joined as on the board (Cameron, Gelbach & Miller 2011), whose rule makes the ratings' intervals. An effect's
    has t quantiles of as many groups as tell it, (Σ I)² / Σ I² of the groups' information I on it, for what its
    variance has beyond that of single votes (`spreads.critical`).
    """
    n, bread = design.contenders, np.asarray(np.linalg.inv(information), dtype=np.float64)
    residual, mass = _residual(design, at)
    by_vote: FloatArray = bread @ design.gram(lambda rows: residual[rows] ** 2) @ bread
    total = np.zeros_like(by_vote)
    for sign, factor in clustering.terms:
        few = factor.number / max(factor.number - 1, 1)
        total += sign * few * (bread @ design.by_group(residual, factor.of, factor.size) @ bread)
    total = total if clustering.terms else by_vote
    return Uncertainty(
        strength=_strengths(total[:n, :n], by_vote[:n, :n], bread[:n, :n], island, votes, clustering, level),
        effect=_effects(design, mass, np.diag(total)[n:], np.diag(by_vote)[n:], np.diag(bread)[n:], clustering, level),
    )


def _residual(design: Design, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What each row scored beyond expectation, and its part of the information; (rows,) each."""
    residual, mass = np.empty(len(design.a)), np.empty(len(design.a))
    for rows in design.chunks():
        chance = design.chance(at, rows)
        residual[rows] = design.weighed(design.score[rows] - chance, rows)
        mass[rows] = design.weighed(chance * (1.0 - chance), rows)
    return residual, mass


def _strengths(
    total: FloatArray,
    by_vote: FloatArray,
    bread: FloatArray,
    island: IntArray,
    votes: Votes,
    clustering: Clustering,
    level: float,
) -> FloatArray:
    """By the board's rule; where the votes of too few clusters tell nothing, by the curvature of the likelihood."""
    ballots, half = Ballots.of(votes), np.zeros(len(total))
    games = np.bincount(np.concatenate([votes.a, votes.b]), minlength=len(total)).astype(np.float64)
    for number in range(1, int(island.max()) + 1):
        members = np.flatnonzero(island == number)
        centre, cut = centring(games[members]), np.ix_(members, members)
        found, floor, curved = (centre(centre(part[cut]).T) for part in (total, by_vote, bread))
        groups = groups_of(ballots, members, clustering)
        floor = floor if clustering.factors else np.zeros_like(floor)
        rng = np.random.Generator(np.random.PCG64(0))  # its draws are not used
        spread = from_covariance(found, floor, level, groups, 1, rng, moderated=len(clustering.factors) > 1)
        rest = critical(level, np.maximum(groups.effective - 1.0, 1.0), np.zeros(len(members)))
        rest *= np.sqrt(np.maximum(np.diag(curved), np.diag(floor)))
        half[members] = np.where(np.isnan(spread.above), rest, spread.above)
    return half


def _effects(
    design: Design,
    mass: FloatArray,
    total: FloatArray,
    by_vote: FloatArray,
    curved: FloatArray,
    clustering: Clustering,
    level: float,
) -> FloatArray:
    """By the variances, (covariates,) each; where they tell nothing (all ties), by the likelihood's curvature."""
    effective = np.full(len(design.x), float(len(design.a)))
    for factor in clustering.factors:
        effective = np.minimum(effective, _telling(design, mass, factor))
    enlarged = effective / np.maximum(effective - 1.0, 1.0) / _factor(clustering)
    variance = np.maximum(total * np.maximum(enlarged, 1.0), by_vote)
    variance = np.where(variance > NOTHING * curved, variance, curved)
    half: FloatArray = critical(level, effective - 1.0, by_vote / variance) * np.sqrt(variance)
    return half


def _factor(clustering: Clustering) -> float:
    return min((factor.number / max(factor.number - 1, 1) for factor in clustering.factors), default=1.0)


def _telling(design: Design, mass: FloatArray, factor: Factor) -> FloatArray:
    """How many groups of a factor tell each effect, (covariates,)."""
    informed = np.stack([np.bincount(factor.of, mass * values**2, factor.size) for values in design.x])
    result: FloatArray = informed.sum(axis=1) ** 2 / (informed**2).sum(axis=1)
    return result
