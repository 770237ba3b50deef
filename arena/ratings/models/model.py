"""The models by name, as the estimators use them: how many layers of counts each takes, and how one block is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.models import bradley_terry
from arena.ratings.models.slopes import Slopes, slopes_bradley_terry, slopes_davidson, slopes_rao_kupper
from arena.ratings.models.ties import TieFit, TieModel, fit_davidson, fit_rao_kupper, information, without_maximum

FloatArray = npt.NDArray[np.float64]
FitBlock = Callable[[FloatArray, FloatArray | None], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Model:
    """A model of single votes.

    `layers` is 1 where a tie is half a win for each side, so that points are all that is needed; 2 where ties have a
    probability of their own, so that wins and ties, (2, contenders, contenders), are.
    """

    name: TieModel
    layers: int
    fit_block: FitBlock
    """Log-strengths, (batch, contenders), and tie parameter, (batch,), of counts in which all are of one block."""
    slopes: Callable[[FloatArray, float], Slopes]

    def counts(self, wins: FloatArray, tied: FloatArray) -> FloatArray:
        """What the model is fitted to, (layers, contenders, contenders), from wins and (symmetric) ties."""
        return np.stack([wins + tied / 2.0] if self.layers == 1 else [wins, tied])

    def points(self, counts: FloatArray) -> FloatArray:
        """Who scored how much against whom, (batch, contenders, contenders): a win is 1, a tie ½ for each."""
        points: FloatArray = counts[:, 0] if self.layers == 1 else counts[:, 0] + counts[:, 1] / 2.0
        return points

    def fit(self, counts: FloatArray, start: FloatArray | None = None) -> FloatArray:
        """Log-strengths of mean 0, (batch, contenders), of counts in which all are of one block.

        With `start`, (contenders,), the counts are resamples of those that it was fitted to.
        """
        if self.layers == 1 and start is not None:
            return bradley_terry.refit(counts[:, 0], start)
        return self.fit_block(counts, start)[0]

    def is_held(self, counts: FloatArray) -> bool:
        """Whether the tie parameter of one block's counts, (layers, …), rests on its prior."""
        return self.layers == 2 and bool(counts[1].any() and without_maximum(counts[:1], counts[1:])[0])

    def information(self, wins: FloatArray, tied: FloatArray, theta: FloatArray, tie: float) -> FloatArray:
        """The observed information of the log-strengths and, in the last row and column, of the tie parameter."""
        return information(wins, tied, theta, tie, self.name)


def _bradley_terry(counts: FloatArray, start: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    return bradley_terry.fit(counts[:, 0], start), np.zeros(len(counts))


def _with_ties(fit: Callable[[FloatArray, FloatArray, TieFit | None], TieFit]) -> FitBlock:
    def fit_block(counts: FloatArray, start: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        begin = None if start is None else TieFit(start[None], np.zeros(1), np.zeros(1, dtype=bool))
        found = fit(counts[:, 0], counts[:, 1], begin)
        return found.theta, found.tie

    return fit_block


MODELS = {
    model.name: model
    for model in (
        Model("bradley-terry", 1, _bradley_terry, lambda theta, _: slopes_bradley_terry(theta)),
        Model("davidson", 2, _with_ties(fit_davidson), slopes_davidson),
        Model("rao-kupper", 2, _with_ties(fit_rao_kupper), slopes_rao_kupper),
    )
}
