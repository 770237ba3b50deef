"""Models in which a tie is an outcome of its own: their log-likelihoods' derivatives, and how far a Newton step may go.

With π = exp(θ), contender i against j, and one parameter of ties for all pairs:

    Davidson       P(i wins) = π_i / (π_i + π_j + ν √(π_i π_j)),   P(tie) = ν √(π_i π_j) / (π_i + π_j + ν √(π_i π_j))
    Rao & Kupper   P(i wins) = π_i / (π_i + κ π_j),                P(tie) = (κ² - 1) P(i wins) P(j wins)

Both log-likelihoods are concave in (θ, η), with η = log ν and η = log κ ≥ 0 respectively.
Davidson (1970), eq. 2.1; Rao & Kupper (1967), eq. 2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Hill:
    """The log-likelihood's shape at one point of each of a batch.

    `gradient`, (batch, n + 1): by θ, and last by η. `pair`, (batch, n, n): each pair's part of the information on
    θ_i - θ_j. `cross`, (batch, n), and `corner`, (batch,): the information's row of η.
    """

    gradient: FloatArray
    pair: FloatArray
    cross: FloatArray
    corner: FloatArray


@dataclass(frozen=True)
class Model:
    """What the two models do not share.

    `derivatives(wins, ties, theta, eta)`; `even(share of ties)` is the best η at equal strengths;
    `damping(width of the step in θ, step in η, η)`, see `_damping_davidson`; η is `without_ties` where nothing tied.
    """

    name: str
    derivatives: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Hill]
    even: Callable[[FloatArray], FloatArray]
    damping: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    without_ties: float


def _davidson(wins: FloatArray, ties: FloatArray, theta: FloatArray, eta: FloatArray) -> Hill:
    lead = theta[:, :, None] - theta[:, None, :]
    games = wins + wins.transpose(0, 2, 1) + ties
    # All three chances are divided by that of the stronger's win, so that no exponential can overflow.
    root = np.exp(-np.abs(lead) / 2)
    to_tie = np.exp(eta)[:, None, None] * root
    total = 1.0 + root**2 + to_tie
    tie = to_tie / total
    score = np.sign(lead) * (1.0 - root**2) / (2.0 * total)  # expected, from -½ to ½
    spread = (1.0 + root**2) / (4.0 * total) - score**2
    by_theta = (wins - wins.transpose(0, 2, 1)) / 2 - games * score
    by_eta = (ties.sum(axis=(1, 2)) - (games * tie).sum(axis=(1, 2))) / 2
    return Hill(
        gradient=np.concatenate([by_theta.sum(axis=2), by_eta[:, None]], axis=1),
        pair=games * spread,
        cross=-(games * score * tie).sum(axis=2),
        corner=(games * tie * (1.0 - tie)).sum(axis=(1, 2)) / 2,
    )


def _rao_kupper(wins: FloatArray, ties: FloatArray, theta: FloatArray, eta: FloatArray) -> Hill:
    # A tie is a factor κ² - 1 beside one win for each, so that the rest is Bradley-Terry with a handicap of log κ.
    counted = wins + ties
    lead = theta[:, :, None] - theta[:, None, :] - eta[:, None, None]
    missed = counted * expit(-lead)
    weight = missed * expit(lead)
    tied = ties.sum(axis=(1, 2)) / 2
    safe = np.where(eta > 0, eta, 1.0)  # η = 0 only where nothing tied
    by_theta = missed.sum(axis=2) - missed.sum(axis=1)
    by_eta = 2.0 * tied / -np.expm1(-2.0 * safe) - missed.sum(axis=(1, 2))
    return Hill(
        gradient=np.concatenate([by_theta, by_eta[:, None]], axis=1),
        pair=weight + weight.transpose(0, 2, 1),
        cross=weight.sum(axis=1) - weight.sum(axis=2),
        corner=weight.sum(axis=(1, 2)) + tied / np.sinh(safe) ** 2,
    )


def _damping_davidson(width: FloatArray, by_eta: FloatArray, eta: FloatArray) -> FloatArray:
    """How much of a Newton step to go so that it never overshoots (Sun & Tran-Dinh 2019, the case ν = 2).

    Along a step, the log-odds between two outcomes of a vote change at a rate of at most `size`, and so the second
    derivative by at most a factor exp(size · share gone).
    """
    return _share(np.maximum(width, width / 2 + np.abs(by_eta)))


def _damping_rao_kupper(width: FloatArray, by_eta: FloatArray, eta: FloatArray) -> FloatArray:
    """The same. Where η falls, the factor κ² - 1 lets the second derivative grow by 1/(1 - fall · share gone)² besides.

    That is at most exp(3 · fall · share gone) up to half of the way to κ = 1, which no step goes beyond.
    """
    fall = np.maximum(-by_eta, 0.0) / np.where(eta > 0, eta, 1.0)
    return np.minimum(_share(width + 2 * np.abs(by_eta) + 3 * fall), 0.5 / np.maximum(fall, 0.5))


def _share(size: FloatArray) -> FloatArray:
    size = np.maximum(size, np.finfo(np.float64).tiny)
    share: FloatArray = np.log1p(size) / size
    return share


DAVIDSON = Model(
    name="Davidson's model",
    derivatives=_davidson,
    even=lambda share: np.log(2 * share / (1 - share)),
    damping=_damping_davidson,
    without_ties=-np.inf,
)
RAO_KUPPER = Model(
    name="the model of Rao and Kupper",
    derivatives=_rao_kupper,
    even=lambda share: 2 * np.arctanh(share),
    damping=_damping_rao_kupper,
    without_ties=0.0,
)
