"""Strengths by category that are drawn towards their mean, by penalised likelihood, for one or several spreads τ.

θ_ic ~ N(μ_i, τ²), independently for every contender i and category c; the votes of c have the Bradley-Terry likelihood
at θ_c, and their logarithm is divided by φ, by which votes of a cluster make it too sharp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit

from arena.errors import Incomplete
from arena.ratings.models.bradley_terry import MAX_STEPS, derivatives
from arena.ratings.models.placing import PRECISION

FloatArray = npt.NDArray[np.float64]

CLOSE = 1e-8


@dataclass(frozen=True, eq=False)
class Mode:
    """The largest posterior at one τ: `theta`, (categories, contenders), and `mean`, (contenders,).

    `kept`, (categories, contenders, contenders), is K = (I + τ²A)⁻¹ with A the information of a category's votes, and
    `precision`, (contenders, contenders), that of μ. `evidence` is the logarithm of the marginal likelihood of τ, up
    to a constant, by Laplace's approximation.
    """

    tau: float
    theta: FloatArray
    mean: FloatArray
    kept: FloatArray
    precision: FloatArray
    evidence: float

    def covariance(self) -> FloatArray:
        """Of θ_c, (categories, contenders, contenders): τ²K + K (precision of μ)⁻¹ K."""
        inner: FloatArray = self.tau**2 * self.kept + self.kept @ np.linalg.inv(self.precision) @ self.kept
        return inner


def fit(points: FloatArray, tau: float, sharp: float, start: Mode | None = None) -> Mode:
    """The mode at `tau` > 0 of `points`, (categories, contenders, contenders): what row scored against column.

    `sharp` is φ. μ has the weak prior N(0, 3²), so that none is infinite. Newton's method in θ and μ at once, with
    steps that cannot overshoot; raises Incomplete where it does not arrive.
    """
    games, scored = points + points.transpose(0, 2, 1), points.sum(axis=2)
    categories, n, _ = points.shape
    theta = np.zeros((categories, n)) if start is None else start.theta
    mean = np.zeros(n) if start is None else start.mean
    own = np.arange(n)
    for _ in range(MAX_STEPS):
        gradient, weight = derivatives(theta, games, scored)
        information = -weight / sharp
        information[:, own, own] += weight.sum(axis=2) / sharp
        kept = np.asarray(np.linalg.inv(np.eye(n) + tau**2 * information), dtype=np.float64)
        precision = np.einsum("cij,cjk->ik", information, kept) + PRECISION * np.eye(n)
        pulled = (theta - mean) / tau**2
        inner = gradient / sharp - pulled
        turned = np.einsum("cij,cj->ci", kept, inner)
        by_mean = np.linalg.solve(precision, pulled.sum(axis=0) - PRECISION * mean + turned.sum(axis=0))
        step = tau**2 * turned + kept @ by_mean
        size = max(float(np.ptp(step, axis=1).max()), 1e-300)
        share = np.log1p(size) / size
        theta, mean = theta + share * step, mean + share * by_mean
        if size <= CLOSE:
            return Mode(tau, theta, mean, kept, precision, _evidence(points, theta, mean, tau, sharp, kept, precision))
    raise Incomplete(f"the categories' fit did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _evidence(
    points: FloatArray,
    theta: FloatArray,
    mean: FloatArray,
    tau: float,
    sharp: float,
    kept: FloatArray,
    precision: FloatArray,
) -> float:
    likelihood = float((points * log_expit(theta[:, :, None] - theta[:, None, :])).sum()) / sharp
    prior = float(((theta - mean) ** 2).sum()) / tau**2 + PRECISION * float(mean @ mean)
    wide = -float(np.linalg.slogdet(kept)[1].sum()) + float(np.linalg.slogdet(precision)[1])
    return likelihood - prior / 2.0 - wide / 2.0
