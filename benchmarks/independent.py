"""Intervals as other packages make them: votes are taken as independent. The controls of the coverage table.

`vote_percentiles` and `vote_sandwich` do in a few lines what FastChat's `compute_bootstrap_bt` and arena-rank's default
`ci_method` do; `evalica_bootstrap` calls evalica, with its own defaults. All give logits relative to the plain mean of
the contenders: `Bounds` holds estimate, lower and upper bound, (n,) each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import evalica
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from benchmarks.designs import Design, Study

Floats = NDArray[np.float64]

STEPS = 60
"""Newton steps after which a fit counts as lost."""


class Bounds(NamedTuple):
    """What a package says about each contender, (n,) each, in logits."""

    estimate: Floats
    low: Floats
    high: Floats


def fit(points: Floats) -> Floats:
    """Bradley-Terry strengths of mean 0, (batch, n), by Newton's method; points (batch, n, n), row against column."""
    batch, n, _ = points.shape
    met, scored = points + points.transpose(0, 2, 1), points.sum(axis=2)
    strengths = np.zeros((batch, n))
    for _ in range(STEPS):
        preferred = expit(strengths[:, :, None] - strengths[:, None, :])
        missing = scored - (met * preferred).sum(axis=2)
        if np.abs(missing / met.sum(axis=2)).max() < 1e-10:
            return strengths
        step = np.linalg.solve(_curvature(met, preferred), missing[:, :, None])[:, :, 0]
        # Half a logit at most keeps Newton's method from overshooting far from the maximum.
        strengths += step / np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / 0.5)
    raise ArithmeticError("a resample has no Bradley-Terry fit")


def vote_percentiles(study: Study, rounds: int, seed: int, level: float = 0.95) -> Bounds:
    """Resample votes; the interval lies between the plain percentiles of the rounds (FastChat)."""
    n = len(study.wins)
    counts = np.concatenate([study.wins.ravel(), np.triu(study.ties).ravel()])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=rounds)
    wins, ties = drawn[:, : n * n].reshape(-1, n, n), drawn[:, n * n :].reshape(-1, n, n)
    strengths = fit(wins + 0.5 * (ties + ties.transpose(0, 2, 1)))
    low, high = np.quantile(strengths, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return Bounds(fit(_points(study)[None])[0], low, high)


def vote_sandwich(study: Study, level: float = 0.95) -> Bounds:
    """Huber's variance with a vote as the unit, and normal quantiles (arena-rank)."""
    strengths = fit(_points(study)[None])
    preferred = expit(strengths[0][:, None] - strengths[0][None, :])
    met = study.wins + study.wins.T + study.ties
    # The sum over votes of the squared slope of the log-likelihood: a win has 1 - p, a loss -p, a tie ½ - p.
    slopes = study.wins * (1 - preferred) ** 2 + study.wins.T * preferred**2 + study.ties * (0.5 - preferred) ** 2
    inverse = np.linalg.inv(_curvature(met[None].astype(float), preferred[None])[0])
    meat = np.diag(slopes.sum(axis=1)) - slopes
    centred = np.eye(len(met)) - 1.0 / len(met)
    variance = np.diag(centred @ inverse @ meat @ inverse @ centred)
    reach = norm.ppf(0.5 + level / 2) * np.sqrt(variance)
    return Bounds(strengths[0], strengths[0] - reach, strengths[0] + reach)


def evalica_bootstrap(made: Design, study: Study, rounds: int, seed: int) -> Bounds:
    """evalica's own intervals, as it makes them where nothing is said (resampled votes, BCa)."""
    outcomes = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    columns = study.columns
    winners = [outcomes[str(label)] for label in columns["winner"]]
    sides = (list(columns["model_a"]), list(columns["model_b"]))
    method: Any = evalica.bradley_terry  # its protocol of a method is narrower than its methods
    found = evalica.bootstrap(method, *sides, winners, n_resamples=rounds, random_state=seed)
    names = list(made.contenders)
    # Its scores are odds of geometric mean 1, and so their logarithms have mean 0.
    return Bounds(*(np.log(score.loc[names].to_numpy()) for score in (found.result.scores, found.low, found.high)))


def _points(study: Study) -> Floats:
    points: Floats = study.wins + 0.5 * study.ties
    return points


def _curvature(met: Floats, preferred: Floats) -> Floats:
    """Minus the second derivatives, (batch, n, n), with the mean's direction added so that they can be inverted."""
    weight = met * preferred * (1.0 - preferred)
    n = met.shape[-1]
    diagonal = weight.sum(axis=2)
    scale = diagonal.mean(axis=1)[:, None, None]
    curvature: Floats = diagonal[:, :, None] * np.eye(n) - weight + scale / n
    return curvature
