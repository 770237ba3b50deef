"""The Bradley-Terry model: i beats j with probability 1 / (1 + exp(θ_j - θ_i)), fitted by maximum likelihood."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from arena.errors import Incomplete

FloatArray = npt.NDArray[np.float64]

GRADIENT_TOLERANCE = 1e-10
ROUNDING = 32 * float(np.finfo(np.float64).eps)
MAX_STEPS = 200
CLOSE = 1e-8
"""Logits by which a resample's last step may still move it; ratings are written to 6e-7 logits."""
CHORD_STEPS = 12
CHORD_GAIN = 3.0
"""Chord steps must shrink by this factor each."""


def fit(points: FloatArray, start: FloatArray | None = None) -> FloatArray:
    """The log-strengths θ that maximise the likelihood, (batch, contenders), in logits, each row of mean 0.

    `points` of shape (batch, contenders, contenders): what row's contender scored against column's, a tie ½ for each.
    Each member of the batch must be one block (`connectivity.blocks`): elsewhere there is no finite maximum. `start` of
    shape (contenders,) is where to begin. Bradley & Terry (1952), eq. 1, by Newton steps that cannot overshoot.

    Raises Incomplete where the gradient is not below 1e-10 (or the rounding error of its own sum) after 200 steps.
    """
    batch, n, _ = points.shape
    games = points + points.transpose(0, 2, 1)
    scored, played = points.sum(axis=2), games.sum(axis=2)
    tolerance = np.maximum(GRADIENT_TOLERANCE, ROUNDING * played)
    theta = np.zeros((batch, n)) + (_guess(scored, played) if start is None else start - start.mean())
    active = np.arange(batch)
    for _ in range(MAX_STEPS):
        gradient, weight = derivatives(theta[active], games[active], scored[active])
        going = (np.abs(gradient) > tolerance[active]).any(axis=1)
        if not going.any():
            return theta
        active = active[going]
        theta[active] += _step(gradient[going], weight[going])
    raise Incomplete(f"the Bradley-Terry fit did not converge in {MAX_STEPS} Newton steps; please report these votes")


def refit(points: FloatArray, start: FloatArray) -> FloatArray:
    """The same as `fit`, to 1e-8 logits, for a batch of resamples near `start`, (contenders,), their common maximum.

    Near it the information hardly changes, so that one inverse serves all (chord steps); who does not come close fast
    enough is fitted by itself.
    """
    n = points.shape[1]
    games = points + points.transpose(0, 2, 1)
    surplus = points.sum(axis=2) - games.sum(axis=2) / 2.0
    _, weight = derivatives(start[None], games.mean(axis=0)[None], surplus[:1])
    inverse = np.linalg.inv(_information(weight)[0])
    theta: FloatArray = np.zeros((len(points), n)) + (start - start.mean())
    far, reach = np.arange(len(points)), np.full(len(points), np.inf)
    left = [far[:0]]
    for _ in range(CHORD_STEPS):
        step = _gradient(theta[far], games[far], surplus[far]) @ inverse
        step = step - step.mean(axis=1, keepdims=True)
        theta[far] += step
        size = np.abs(step).max(axis=1)
        slow = (size > reach / CHORD_GAIN) & (size > CLOSE)
        left.append(far[slow])
        going = (size > CLOSE) & ~slow
        far, reach = far[going], size[going]
        if not len(far):
            break
    slow = np.concatenate([*left, far])
    if len(slow):
        theta[slow] = fit(points[slow], start)
    return theta


def _guess(scored: FloatArray, played: FloatArray) -> FloatArray:
    """Log-strengths to begin with, (batch, contenders): of the odds of each against the field. It halves the steps."""
    odds: FloatArray = np.log((scored + 0.5) / (played - scored + 0.5))
    odds -= odds.mean(axis=1, keepdims=True)
    return odds


def _gradient(theta: FloatArray, games: FloatArray, surplus: FloatArray) -> FloatArray:
    """As in `derivatives`; `surplus` are each contender's points beyond half of its votes. 2p - 1 = tanh(lead / 2)."""
    half = theta / 2.0
    lean = np.tanh(half[:, :, None] - half[:, None, :])
    gradient: FloatArray = surplus - np.einsum("bij,bij->bi", games, lean) / 2.0
    return gradient


def derivatives(theta: FloatArray, games: FloatArray, scored: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The gradient, (batch, contenders), and each pair's part of the information, (batch, contenders, contenders).

    `games` are the votes of each pair, `scored` the points of each contender.
    """
    chance: FloatArray = expit(theta[:, :, None] - theta[:, None, :])
    expected = games * chance
    return scored - expected.sum(axis=2), expected * (1.0 - chance)


def damped(step: FloatArray) -> FloatArray:
    """Newton steps, (batch, …), shortened so that they never overshoot (Sun & Tran-Dinh 2019, the case ν = 2)."""
    size = np.maximum(np.ptp(step, axis=1), np.finfo(np.float64).tiny)
    shortened: FloatArray = step * (np.log1p(size) / size)[:, None]
    return shortened


def _step(gradient: FloatArray, weight: FloatArray) -> FloatArray:
    step = np.linalg.solve(_information(weight), gradient[:, :, None])[:, :, 0].astype(np.float64)
    return damped(step - step.mean(axis=1)[:, None])


def _information(weight: FloatArray) -> FloatArray:
    n = weight.shape[1]
    diagonal = weight.sum(axis=2)
    # A constant added to the matrix fixes the mean, which the votes leave open, and changes no step of mean 0.
    information: FloatArray = diagonal.mean(axis=1)[:, None, None] / n - weight
    information[:, np.arange(n), np.arange(n)] += diagonal
    return information
