"""How one vote's log-likelihood changes with the strengths: what sandwich variances are made of (White 1982)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from arena.ratings.models.tie_models import FloatArray


@dataclass(frozen=True)
class Slopes:
    """Derivatives of one vote's log-likelihood, each of shape (n, n), for row against column; d = θ_row - θ_column.

    `win` and `tie`: ∂/∂d of log P(row beats column) and of log P(tie), the latter antisymmetric. Where column beats row
    it is -win[column, row]. `win_tie` and `tie_tie`: ∂/∂η of the same, and both symmetric for Davidson.
    η = log ν or log κ; where there is no such parameter (Bradley-Terry, ν = 0, κ = 1) its parts are 0.
    """

    win: FloatArray
    tie: FloatArray
    win_tie: FloatArray
    tie_tie: FloatArray


def slopes_bradley_terry(theta: FloatArray) -> Slopes:
    """At log-strengths `theta`, (n,), in logits; a tie is half a win for each side (Bradley & Terry 1952)."""
    missed = expit(theta[None, :] - theta[:, None])
    none = np.zeros_like(missed)
    return Slopes(win=missed, tie=missed - 0.5, win_tie=none, tie_tie=none)


def slopes_davidson(theta: FloatArray, tie: float) -> Slopes:
    """At log-strengths `theta`, (n,), in logits, and ν = `tie` ≥ 0 (Davidson 1970, eq. 2.1)."""
    lead = theta[:, None] - theta[None, :]
    root = np.exp(-np.abs(lead) / 2)
    total = 1.0 + root**2 + tie * root
    chance = tie * root / total
    score = np.sign(lead) * (1.0 - root**2) / (2.0 * total)
    none = np.zeros_like(lead)
    free = tie > 0
    return Slopes(0.5 - score, -score, -chance if free else none, 1.0 - chance if free else none)


def slopes_rao_kupper(theta: FloatArray, tie: float) -> Slopes:
    """At log-strengths `theta`, (n,), in logits, and κ = `tie` ≥ 1 (Rao & Kupper 1967, eq. 2.5)."""
    missed = expit(np.log(tie) - (theta[:, None] - theta[None, :]))
    either = missed + missed.T
    none = np.zeros_like(missed)
    if tie <= 1:
        return Slopes(missed, missed - missed.T, none, none)
    return Slopes(missed, missed - missed.T, -missed, 2.0 / (1.0 - tie**-2.0) - either)
