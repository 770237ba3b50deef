"""Maximum likelihood where a tie is an outcome of its own: Davidson (1970), and Rao & Kupper (1967).

The models are those of `tie_models`; their log-likelihoods are concave in (θ, η), and are maximised there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from arena.errors import Incomplete
from arena.ratings.models.bradley_terry import GRADIENT_TOLERANCE, MAX_STEPS, ROUNDING
from arena.ratings.models.tie_models import DAVIDSON, RAO_KUPPER, FloatArray, Hill, Model

BoolArray = npt.NDArray[np.bool_]
TieModel = Literal["bradley-terry", "davidson", "rao-kupper"]

TIE_SD = 3.0
"""Standard deviation of the normal prior on η that stands in where the likelihood has no finite maximum."""


@dataclass(frozen=True)
class TieFit:
    """`theta`, (batch, n): log-strengths in logits, rows of mean 0. `tie`, (batch,): ν or κ.

    `held`, (batch,): whether the prior on η was needed, see `fit_davidson`.
    """

    theta: FloatArray
    tie: FloatArray
    held: BoolArray


def fit_davidson(wins: FloatArray, ties: FloatArray, start: TieFit | None = None) -> TieFit:
    """The θ and ν that maximise Davidson's likelihood (1970, eq. 2.1), for each of a batch.

    `wins`, (batch, n, n): how often row beat column. `ties`, (batch, n, n), symmetric: how often the pair tied. Counts
    or weights ≥ 0. Every member has to be strongly connected by wins and ties. `start` is where to begin: of the same
    shape, or of one member for all.

    A member without ties has ν = 0, and θ is the Bradley-Terry fit. A member is `held` where wins and ties leave the
    maximum at infinity, as ties alone do: then, and only then, the penalty (log ν)²/(2·TIE_SD²) is taken off its
    log-likelihood.

    Raises Incomplete where the gradient is not below 1e-10 (or the rounding error of its own sum) after 200 steps.
    """
    theta, eta, held = _fit(DAVIDSON, wins, ties, start)
    return TieFit(theta, np.exp(eta), held)


def fit_rao_kupper(wins: FloatArray, ties: FloatArray, start: TieFit | None = None) -> TieFit:
    """The θ and κ that maximise the likelihood of Rao & Kupper (1967, eq. 2.5), for each of a batch.

    Arguments, what is raised and `held` (here it is (log κ)² that is penalised) as in `fit_davidson`. A member without
    ties has κ = 1, and θ is the Bradley-Terry fit.
    """
    theta, eta, held = _fit(RAO_KUPPER, wins, ties, start)
    return TieFit(theta, np.exp(eta), held)


def information(wins: FloatArray, ties: FloatArray, theta: FloatArray, tie: float, model: TieModel) -> FloatArray:
    """The observed information on (θ, η), shape (n + 1, n + 1): minus the second derivatives of what was maximised.

    `wins` and `ties` of shape (n, n), `theta` of shape (n,) in logits, `tie` is ν or κ. The last row and column are of
    η = log ν or log κ; they are zero without ties, and for Bradley-Terry, where a tie is half a win for each side.
    """
    shape = RAO_KUPPER if model == "rao-kupper" else DAVIDSON
    free = model != "bradley-terry" and bool(ties.any())
    eta = np.log(np.array([tie])) if free else np.array([shape.without_ties])
    hill = shape.derivatives(wins[None], ties[None], theta[None], eta)
    hill = _with_prior(hill, eta, np.array([free]), without_maximum(wins[None], ties[None]))
    matrix = _bordered(hill)[0]
    return matrix if free else np.pad(matrix[:-1, :-1], (0, 1))


def _fit(
    model: Model, wins: FloatArray, ties: FloatArray, start: TieFit | None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """θ, η and which members are held, by Newton's method with damped steps."""
    free: BoolArray = np.asarray((ties > 0).any(axis=(1, 2)))
    held: BoolArray = free & without_maximum(wins, ties)
    theta, eta = _begin(model, wins, ties, free, start)
    games = wins + wins.transpose(0, 2, 1) + ties
    size = np.concatenate([games.sum(axis=2), games.sum(axis=(1, 2))[:, None]], axis=1)
    tolerance = np.maximum(GRADIENT_TOLERANCE, ROUNDING * size)
    active = np.arange(len(wins))
    for _ in range(MAX_STEPS):
        hill = model.derivatives(wins[active], ties[active], theta[active], eta[active])
        hill = _with_prior(hill, eta[active], free[active], held[active])
        going: BoolArray = np.asarray((np.abs(hill.gradient) > tolerance[active]).any(axis=1))
        if not going.any():
            return theta, eta, held
        active = active[going]
        step = _newton(hill, going)
        width = np.ptp(step[:, :-1], axis=1)
        step *= model.damping(width, step[:, -1], eta[active])[:, None]
        theta[active] += step[:, :-1]
        eta[active] += step[:, -1]
    raise Incomplete(f"the fit of {model.name} did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _begin(
    model: Model, wins: FloatArray, ties: FloatArray, free: BoolArray, start: TieFit | None
) -> tuple[FloatArray, FloatArray]:
    """Where to begin: `start`; without one, or where it has no tie parameter, the maximum among equal strengths."""
    batch, n, _ = wins.shape
    tied, won = ties.sum(axis=(1, 2)) / 2, wins.sum(axis=(1, 2))
    # Half a win besides keeps the share of ties below 1, where there were ties only.
    share = np.where(free, tied / (tied + won + 0.5), 0.5)
    eta = np.where(free, model.even(share), model.without_ties)
    theta: FloatArray = np.zeros((batch, n))
    if start is not None:
        theta = theta + start.theta - start.theta.mean(axis=1, keepdims=True)
        given = np.broadcast_to(start.tie, (batch,))
        known = free & (given > np.exp(model.without_ties))
        eta[known] = np.log(given[known])
    return theta, eta


def _newton(hill: Hill, going: BoolArray) -> FloatArray:
    """The undamped steps in (θ, η) of the members that are `going`, shape (members, n + 1); by θ of mean 0."""
    gradient = hill.gradient[going]
    n = gradient.shape[1] - 1
    matrix = _bordered(Hill(gradient, hill.pair[going], hill.cross[going], hill.corner[going]))
    # A constant added to the block of θ fixes the mean, which the votes leave open, and changes no step of mean 0.
    matrix[:, :n, :n] += (np.trace(matrix[:, :n, :n], axis1=1, axis2=2) / n**2)[:, None, None]
    step = np.asarray(np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0], dtype=np.float64)
    step[:, :n] -= step[:, :n].mean(axis=1)[:, None]
    return step


def _bordered(hill: Hill) -> FloatArray:
    """The information as matrices, shape (batch, n + 1, n + 1)."""
    batch, n, _ = hill.pair.shape
    matrix = np.empty((batch, n + 1, n + 1))
    matrix[:, :n, :n] = -hill.pair
    matrix[:, np.arange(n), np.arange(n)] += hill.pair.sum(axis=2)
    matrix[:, :n, n] = matrix[:, n, :n] = hill.cross
    matrix[:, n, n] = hill.corner
    return matrix


def _with_prior(hill: Hill, eta: FloatArray, free: BoolArray, held: BoolArray) -> Hill:
    """The same with the prior on η where a member is held; and where there is no η to estimate, one that stays."""
    precision = np.where(free & held, TIE_SD**-2, 0.0)
    gradient = hill.gradient.copy()
    gradient[:, -1] = np.where(free, gradient[:, -1] - precision * np.where(free, eta, 0.0), 0.0)
    corner = np.where(free, hill.corner + precision, 1.0)
    return Hill(gradient, hill.pair, np.where(free[:, None], hill.cross, 0.0), corner)


def without_maximum(wins: FloatArray, ties: FloatArray) -> BoolArray:
    """Where the likelihood of a strongly connected member with ties grows without end, (batch,).

    It grows in a direction (h, 1) of (θ, log κ) or (θ/2, log ν) just when h_i - h_j ≥ 1 for every win of i over j and
    |h_i - h_j| ≤ 1 for every tie: no outcome seen then becomes less likely. Such an h exists unless some way round,
    from winners to losers and along ties either way, has more wins than ties (a system of differences; Bellman 1958).
    """
    infinite: BoolArray = np.asarray(~((wins > 0) & (wins.transpose(0, 2, 1) > 0)).any(axis=(1, 2)))
    open_ = np.flatnonzero(infinite)
    if not len(open_):
        return infinite
    least = np.where(wins[open_] > 0, 1.0, np.where(ties[open_] > 0, -1.0, -np.inf)).astype(np.float32)
    height = np.zeros((len(open_), wins.shape[1]), dtype=np.float32)
    rising = np.ones(len(open_), dtype=np.bool_)
    for _ in range(wins.shape[1]):
        raised = np.maximum(height, (least + height[:, None, :]).max(axis=2))
        rising = (raised > height).any(axis=1)
        if not rising.any():
            break
        height = raised
    infinite[open_] = ~rising
    return infinite
