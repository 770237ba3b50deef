"""The Bradley-Terry model: i beats j with probability 1 / (1 + exp(θ_j - θ_i))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from arena.errors import Incomplete
from arena.ratings.comparisons import FloatArray
from arena.ratings.connectivity import strongly_connected

PENALTY_SD = 3.0
"""Standard deviation, in logits, of the normal prior that stands in where the likelihood has no finite maximum."""

GRADIENT_TOLERANCE = 1e-10
ROUNDING = 32 * float(np.finfo(np.float64).eps)
MAX_STEPS = 200


@dataclass(frozen=True)
class Fit:
    """`theta`, (batch, contenders): log-strengths in logits, each row of mean 0. `penalised`, (batch,): see `fit`."""

    theta: FloatArray
    penalised: npt.NDArray[np.bool_]


def fit(points: FloatArray, start: FloatArray | None = None) -> Fit:
    """The log-strengths θ that maximise the likelihood, for each of a batch.

    `points` of shape (batch, contenders, contenders): what row's contender scored against column's, a tie ½ for each.
    Where that leaves the maximum at infinity, the penalty Σθ²/(2·PENALTY_SD²) is taken off the log-likelihood of that
    member of the batch. `start` of shape (contenders,) is where to begin. Bradley & Terry (1952), eq. 1.

    Raises Incomplete where the gradient is not below 1e-10 (or the rounding error of its own sum) after 200 steps.
    """
    batch, n, _ = points.shape
    penalised = ~strongly_connected(points)
    precision = np.where(penalised, PENALTY_SD**-2, 0.0)
    theta = np.zeros((batch, n)) + (0.0 if start is None else start - start.mean())
    games = points + points.transpose(0, 2, 1)
    scored, tolerance = points.sum(axis=2), np.maximum(GRADIENT_TOLERANCE, ROUNDING * games.sum(axis=2))
    active = np.arange(batch)
    for _ in range(MAX_STEPS):
        gradient, weight = _derivatives(theta[active], games[active], scored[active], precision[active])
        going = (np.abs(gradient) > tolerance[active]).any(axis=1)
        if not going.any():
            return Fit(theta, penalised)
        active = active[going]
        theta[active] += _step(gradient[going], weight[going], precision[active])
    raise Incomplete(f"the Bradley-Terry fit did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _derivatives(
    theta: FloatArray, games: FloatArray, scored: FloatArray, precision: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The gradient, (batch, contenders), and each pair's part of the information, (batch, contenders, contenders)."""
    chance: FloatArray = expit(theta[:, :, None] - theta[:, None, :])
    expected = games * chance
    gradient = scored - expected.sum(axis=2) - precision[:, None] * theta
    return gradient, expected * (1.0 - chance)


def _step(gradient: FloatArray, weight: FloatArray, precision: FloatArray) -> FloatArray:
    """A Newton step, damped so that it never overshoots (Sun & Tran-Dinh 2019, the case ν = 2)."""
    n = gradient.shape[1]
    diagonal = weight.sum(axis=2)
    # A constant added to the matrix fixes the mean, which the votes leave open, and changes no step of mean 0.
    information = diagonal.mean(axis=1)[:, None, None] / n - weight
    information[:, np.arange(n), np.arange(n)] += diagonal + precision[:, None]
    step: FloatArray = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
    step -= step.mean(axis=1, keepdims=True)
    size = np.maximum(np.ptp(step, axis=1), np.finfo(np.float64).tiny)
    damped: FloatArray = step * (np.log1p(size) / size)[:, None]
    return damped
