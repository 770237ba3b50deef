"""Raters who differ in reliability and in their liking for a side, by penalised likelihood with shrinkage.

logit P(A is preferred by rater r) = s_r (θ_A - θ_B) + b_r, with log s_r ~ N(0, σ²) and b_r ~ N(0, τ²). A slope s_r of 1
is the usual reliability, 0 would be the toss of a coin; b_r > 0 is a liking for side A.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.models.placing import PRECISION

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SWEEPS = 300
CLOSE = 1e-6
"""Logits by which the last sweep may still move anything."""
CLOSE_SD = 1e-4
"""And the standard deviations σ and τ."""
START_SD = 0.5
MEDIAN = 0.454936
"""Of χ² with one degree of freedom."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Votes of one rater on one pair with the same sides, each array (cells,): `points` are A's of so many `votes`."""

    rater: IntArray
    a: IntArray
    b: IntArray
    points: FloatArray
    votes: FloatArray
    raters: int
    contenders: int

    @classmethod
    def of(
        cls, rater: npt.NDArray[np.int32], a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], score: FloatArray
    ) -> Cells:
        """The votes, (rows,), with A's `score`: 1, ½ or 0."""
        n = int(max(a.max(), b.max())) + 1
        key, cell = np.unique((rater.astype(np.int64) * n + a) * n + b, return_inverse=True)
        by_rater, pair = np.divmod(key, n * n)
        first, second = np.divmod(pair, n)
        points = np.bincount(cell, score, len(key)).astype(np.float64)
        return cls(by_rater, first, second, points, np.bincount(cell).astype(np.float64), int(rater.max()) + 1, n)

    def by_rater(self, values: FloatArray) -> FloatArray:
        """Sums of values, (cells,), for each rater."""
        return np.bincount(self.rater, values, self.raters).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Reliability:
    """What is known of the raters. `theta`, (contenders,), in logits; the others of shape (raters,).

    `log_slope` and `side` are posterior modes, their `_error`s the standard deviations there, the contenders'
    strengths taken as known. `slope_sd` is σ and `side_sd` τ, by which modes are drawn to the usual.
    """

    theta: FloatArray
    log_slope: FloatArray
    side: FloatArray
    log_slope_error: FloatArray
    side_error: FloatArray
    slope_sd: float
    side_sd: float

    @property
    def usual_slope_sd(self) -> float:
        """σ as the median rater tells it: a few who vote like nobody else do not move it."""
        return _by_median(self.log_slope, self.log_slope_error, self.slope_sd)

    @property
    def usual_side_sd(self) -> float:
        """τ as the median rater tells it."""
        return _by_median(self.side, self.side_error, self.side_sd)


def fit(cells: Cells, progress: Progress | None = None) -> Reliability:
    """Strengths, slopes and sides of largest posterior, σ and τ of largest (approximate) marginal likelihood.

    Sweeps of Newton and Fisher steps in turn; σ² and τ² are the means of mode² + variance (EM with Laplace's
    approximation; empirical Bayes as in Morris 1983). Strengths have the weak prior N(0, 3²), so that none is
    infinite; the mean of the log-slopes is 0.
    """
    zero = np.zeros(cells.raters)
    at = Reliability(np.zeros(cells.contenders), zero, zero, zero, zero, START_SD, START_SD)
    for sweep in range(SWEEPS):
        new = _raters(cells, _strengths(cells, at))
        moved = max(np.abs(getattr(new, name) - getattr(at, name)).max() for name in ("theta", "log_slope", "side"))
        spread = max(abs(new.slope_sd - at.slope_sd), abs(new.side_sd - at.side_sd))
        at = new
        if progress is not None:
            progress(sweep + 1, SWEEPS)
        if moved <= CLOSE and spread <= CLOSE_SD:
            break
    return at


def _chance(cells: Cells, at: Reliability) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slope times lead, A's points beyond expectation, and the information, (cells,) each."""
    lead = np.exp(at.log_slope)[cells.rater] * (at.theta[cells.a] - at.theta[cells.b])
    chance = expit(lead + at.side[cells.rater])
    return lead, cells.points - cells.votes * chance, cells.votes * chance * (1.0 - chance)


def _strengths(cells: Cells, at: Reliability) -> Reliability:
    """One damped Newton step in the strengths."""
    n, slope = cells.contenders, np.exp(at.log_slope)[cells.rater]
    _, residual, mass = _chance(cells, at)
    by_side = (np.bincount(side, slope * residual, n) for side in (cells.a, cells.b))
    gradient = np.subtract(*by_side) - PRECISION * at.theta
    met = np.bincount(cells.a * n + cells.b, slope**2 * mass, n * n).reshape(n, n)
    met = met + met.T
    step = np.linalg.solve(np.diag(met.sum(axis=1) + PRECISION) - met, gradient)
    size = max(float(np.ptp(step)) * float(slope.max()), 1e-300)
    return replace(at, theta=at.theta + step * (np.log1p(size) / size))


def _raters(cells: Cells, at: Reliability) -> Reliability:
    """One Fisher step in each rater's slope and side, then σ and τ."""
    lead, residual, mass = _chance(cells, at)
    tight, level = at.slope_sd**-2, at.side_sd**-2
    by_slope = cells.by_rater(lead * residual) - tight * at.log_slope
    by_side = cells.by_rater(residual) - level * at.side
    slope, side = cells.by_rater(mass * lead**2) + tight, cells.by_rater(mass) + level
    cross = cells.by_rater(mass * lead)
    both = slope * side - cross**2
    log_slope = at.log_slope + np.clip((side * by_slope - cross * by_side) / both, -1.0, 1.0)
    sides = at.side + np.clip((slope * by_side - cross * by_slope) / both, -1.0, 1.0)
    centre = float(log_slope.mean())  # slopes and strengths share one scale, which the prior of the slopes fixes
    log_slope = log_slope - centre
    return Reliability(
        at.theta * np.exp(centre),
        log_slope,
        sides,
        np.sqrt(side / both),
        np.sqrt(slope / both),
        max(float(np.sqrt(np.mean(log_slope**2 + side / both))), 1e-3),
        max(float(np.sqrt(np.mean(sides**2 + slope / both))), 1e-3),
    )


def _by_median(mode: FloatArray, error: FloatArray, sd: float) -> float:
    """The standard deviation at which the median of estimate² / (variance + error²) is that of χ² with one degree.

    Modes and their errors are first freed of the shrinkage by `sd`; those that are hardly more than it tell nothing.
    """
    left = 1.0 - error**2 / sd**2  # the share that a mode keeps of the estimate
    told = left > 0.05
    if not told.any():
        return sd
    estimate, noise = mode[told] / left[told], error[told] ** 2 / left[told]

    def surplus(variance: float) -> float:
        return float(np.median(estimate**2 / (variance + noise))) - MEDIAN

    most = float(np.max(estimate**2)) / MEDIAN + 1e-12
    return 0.0 if surplus(0.0) <= 0.0 else float(np.sqrt(brentq(surplus, 0.0, most)))
