"""How much of the judge's correction to take (λ), and the variance that this leaves, both by question.

θ = θ_human + λ (θ_judge on all questions - θ_judge on the labelled ones): Angelopoulos et al. (2023); λ tuned as in
Angelopoulos, Duchi & Zrnic (2023, PPI++), here within [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each question adds to the errors of the estimates, centred; `labelled`, (questions,), by people.

    `human` and `correction`, (questions, contenders): of θ_human, and of θ_judge on the labelled questions minus
    θ_judge on all, which has mean 0 where the labelled questions are a random sample.
    """

    human: FloatArray
    correction: FloatArray
    labelled: BoolArray


@dataclass(frozen=True, eq=False)
class Tuned:
    """`weight` is λ; `alone`, (questions,), is the λ tuned without that question.

    `by_human` and `combined`, (contenders, contenders), are the covariances by question of θ_human and of the combined
    estimate.
    """

    weight: float
    alone: FloatArray
    by_human: FloatArray
    combined: FloatArray


def tune(given: Contributions) -> Tuned:
    """The λ in [0, 1] that makes the contenders' variances, each in units of its human-only one, smallest on average.

    Each question is a fold of its own: its part in the variance is taken at the λ tuned without it, so that the
    variance does not profit from the tuning.
    """
    factor = _few(given.labelled)
    by_human = given.human.T @ (given.human * factor[:, None])
    unit = np.diag(by_human)
    unit = np.where(unit > 0, unit, np.inf)
    together = factor * (given.human * given.correction / unit).sum(axis=1)
    square = factor * (given.correction**2 / unit).sum(axis=1)
    weight = float(_best(together.sum(), square.sum()))
    alone = _best(together.sum() - together, square.sum() - square)
    left = given.human - alone[:, None] * given.correction
    return Tuned(weight, alone, by_human, left.T @ (left * factor[:, None]))


def _best(together: FloatArray, square: FloatArray) -> FloatArray:
    safe = np.where(square > 0, square, 1.0)
    best: FloatArray = np.where(square > 0, np.clip(together / safe, 0.0, 1.0), 0.0)
    return best


def _few(labelled: BoolArray) -> FloatArray:
    """G / (G - 1) for each question, (questions,): G are the labelled questions or the others."""
    size = np.where(labelled, labelled.sum(), (~labelled).sum())
    factor: FloatArray = size / np.maximum(size - 1.0, 1.0)
    return factor
