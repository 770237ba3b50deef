"""Bradley-Terry fits, and what each question contributes to them: influence functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from arena.ratings.comparisons.votes import A_WINS, B_WINS, Votes, pair_counts
from arena.ratings.models import bradley_terry

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """`theta`, (contenders,), in logits of mean 0; `by_question`, (questions, contenders): how far each moved it.

    The contributions of all questions add up to 0.
    """

    theta: FloatArray
    by_question: FloatArray


def fitted(votes: Votes) -> Fit:
    """The maximum of the likelihood; the votes must be one block (`connectivity.blocks`)."""
    wins, ties = pair_counts(votes)
    theta = bradley_terry.fit((wins + ties / 2.0)[None])[0]
    return Fit(theta, scores(votes, theta) @ inverse_information(votes, theta))


def scores(votes: Votes, theta: FloatArray) -> FloatArray:
    """The gradient of the log-likelihood at `theta` by question, (questions, contenders)."""
    assert votes.question is not None  # checked before
    m, size = len(theta), len(votes.questions) * len(theta)
    won = np.where(votes.outcome == A_WINS, 1.0, np.where(votes.outcome == B_WINS, 0.0, 0.5))
    beyond = won - expit(theta[votes.a] - theta[votes.b])
    if votes.weight is not None:
        beyond *= votes.weight
    at = votes.question.astype(np.int64) * m
    gained, lost = (np.bincount(at + side, beyond, size).astype(np.float64) for side in (votes.a, votes.b))
    return (gained - lost).reshape(-1, m)


def inverse_information(votes: Votes, theta: FloatArray) -> FloatArray:
    """The inverse of the information at `theta` where strengths have mean 0, (contenders, contenders)."""
    wins, ties = pair_counts(votes)
    games = wins + wins.T + ties
    chance = expit(theta[:, None] - theta[None, :])
    weight = games * chance * (1.0 - chance)
    information = np.diag(weight.sum(axis=1)) - weight
    m = len(theta)
    # A constant fixes the mean, which the votes leave open; it comes out again, so that rows and columns add up to 0.
    constant = np.trace(information) / m**2
    inverse: FloatArray = np.linalg.inv(information + constant) - 1.0 / (constant * m**2)
    return inverse


def one_step(votes: Votes, start: FloatArray) -> Fit:
    """One Newton step from `start`, (contenders,), towards the maximum: it exists also where the maximum does not.

    It differs from the maximum by terms of the order of one over the number of questions.
    """
    assert votes.question is not None
    moved = scores(votes, start) @ inverse_information(votes, start)
    step = moved.sum(axis=0)
    mass = np.bincount(votes.question, votes.weight, len(moved))
    return Fit(start + step, moved - np.outer(mass / mass.sum(), step))
