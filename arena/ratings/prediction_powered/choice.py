"""Were the human-labelled questions chosen at random? The judge, who saw all, is asked whether they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincc

from arena.errors import BadInput
from arena.ratings.prediction_powered.influence import scores
from arena.ratings.prediction_powered.sources import Sources

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

REFUSED_BELOW = 0.001
"""The p-value below which the choice is taken as no random one: one study in a thousand is refused without cause."""
DOUBTED_BELOW = 0.05
"""The p-value below which a reader is warned."""
LEAST_EXPECTED = 5.0
"""Labelled and other questions that a category must be expected to have to be compared by itself."""


@dataclass(frozen=True)
class Choice:
    """A joint test of whether labelled questions differ from the others: R², its degrees of freedom, and p-value."""

    explained: float
    degrees: tuple[int, int]
    p_value: float

    def require_random(self) -> None:
        """Raises BadInput where the labelled questions cannot be a random sample."""
        if self.p_value < REFUSED_BELOW:
            raise BadInput(
                "the human-labelled questions are no random sample of all: the judge's votes or the categories differ"
                f" between them and the other questions (p = {self.p_value:.1g}, below {REFUSED_BELOW:g}); give the"
                " probabilities with which they were chosen, label a random sample, or rate the human votes alone"
            )


def examine(sources: Sources, theta: FloatArray, categories: Mapping[str, str | None]) -> Choice | None:
    """Compare the judge's scores at its `theta`, (contenders,), and the shares of categories.

    None where fewer than two of the judged questions are labelled, or are not: there is nothing to compare.

    Hotelling's T² for two samples, written as the R² of a regression of "labelled" on the values, which knows its law
    also where a category tells the labelled questions from the others without fail.
    """
    judged = sources.judge_at
    labelled = sources.labelled[judged]
    of_judge = scores(sources.judge, theta)[:, :-1]
    shares = _shares([categories.get(name) for name in sources.judge.questions], labelled)
    return _compare(np.column_stack([of_judge, shares]), labelled)


def _compare(values: FloatArray, chosen: BoolArray) -> Choice | None:
    n, number = int(chosen.sum()), len(chosen)
    if min(n, number - n) < 2:
        return None
    centred = values - values.mean(axis=0)
    squares = centred.T @ centred
    rank = int(np.linalg.matrix_rank(squares, hermitian=True))
    left = number - 1 - rank
    if rank == 0 or left < 1:
        return None
    along = centred[chosen].sum(axis=0)
    explained = float(along @ np.linalg.pinv(squares, hermitian=True) @ along) * number / (n * (number - n))
    explained = min(max(explained, 0.0), 1.0)
    return Choice(explained, (rank, left), float(betaincc(rank / 2.0, left / 2.0, explained)))


def _shares(categories: list[str | None], labelled: BoolArray) -> FloatArray:
    """Whether each question is of each category, (questions, categories); those left out are compared as one.

    Rare ones are left out: whether a few questions are labelled is a chance that no normal law tells.
    """
    _, of, size = np.unique([name or "" for name in categories], return_inverse=True, return_counts=True)
    least = min(float(labelled.mean()), 1.0 - float(labelled.mean()))
    kept = np.flatnonzero(size * least >= LEAST_EXPECTED)
    if (len(labelled) - size[kept].sum()) * least < LEAST_EXPECTED:
        kept = kept[:-1]  # it joins those that are left out
    shares: FloatArray = (of.reshape(-1)[:, None] == kept[None, :]).astype(np.float64)
    return shares
