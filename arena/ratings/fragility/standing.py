"""Where the contenders stand by given points, and how each point pulls on the lead of one over another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import expit

from arena.ratings.comparisons.connectivity import blocks, strongly_connected
from arena.ratings.fragility.moves import MODEL, Moves
from arena.ratings.models.fitting import fit
from arena.ratings.models.placing import PRECISION

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

EQUAL = 1e-7
"""Logits within which two contenders stand equal: fits are good to 1e-8, and boards are written to 6e-7."""


@dataclass(frozen=True)
class Order:
    """What may change: that `first` stands above `second`, or with None, that nobody stands above `first`."""

    first: int
    second: int | None = None

    def changed(self, theta: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether the order is strictly another, (batch,), at log-strengths (batch, contenders).

        NaN stands for who cannot be compared with `first`: that is no other order.
        """
        above = theta > theta[:, [self.first]] + EQUAL
        return np.asarray(above.any(axis=1) if self.second is None else above[:, self.second], dtype=np.bool_)


@dataclass(frozen=True)
class Standing:
    """Log-strengths `theta`, (contenders,), by `points`, (contenders, contenders); NaN for who is on another island."""

    points: FloatArray
    theta: FloatArray

    def lead(self, first: int, second: int) -> float:
        """How far one stands above another; infinite where the two cannot be compared."""
        lead = float(self.theta[first] - self.theta[second])
        return np.inf if np.isnan(lead) else lead

    def pull(self, first: int, second: int) -> FloatArray:
        """What a further point of row's against column's adds to the lead of `first` over `second`, (contenders²,).

        The influence function: the gradient of the point's log-likelihood through the inverse information (Broderick,
        Giordano & Meager 2020). Zero for contenders who are on another island.
        """
        known, chance, inverse = self._slopes
        place = np.cumsum(known) - 1
        moved = np.zeros(len(known))
        moved[known] = inverse[place[first]] - inverse[place[second]]
        pull: FloatArray = (1.0 - chance) * (moved[:, None] - moved[None, :])
        pull[~known] = pull[:, ~known] = 0.0
        return pull.ravel()

    def shifts(self, moves: Moves) -> FloatArray:
        """How far each move shifts each contender, (moves, contenders), to first order; zero on another island."""
        known, chance, inverse = self._slopes
        n = len(known)
        missed = np.where(known[:, None] & known[None, :], 1.0 - chance, 0.0).ravel()
        pushed = moves.change.multiply(missed[None, :]).tocsr()
        pair = np.arange(n * n)
        ends = (np.tile(pair, 2), np.concatenate(np.divmod(pair, n)))
        score = (pushed @ csr_array((np.repeat([1.0, -1.0], n * n), ends), shape=(n * n, n))).toarray()
        shifts = np.zeros(score.shape)
        shifts[:, known] = score[:, known] @ inverse
        return shifts

    @cached_property
    def _slopes(self) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
        """Who is known; each one's chance against each, (contenders, contenders); the inverse information of these."""
        known = ~np.isnan(self.theta)
        theta = np.where(known, self.theta, 0.0)
        chance: FloatArray = expit(theta[:, None] - theta[None, :])
        points = self.points[np.ix_(known, known)]
        inside = chance[np.ix_(known, known)]
        weight = (points + points.T) * inside * (1.0 - inside)
        diagonal = weight.sum(axis=1)
        information = np.diag(diagonal) - weight
        if not strongly_connected(points[None])[0]:  # the prior on each group's place bears information too
            block = blocks(points)
            member = (block[:, None] == np.arange(block.max() + 1)) / np.bincount(block)
            information += PRECISION * member @ member.T
        # A constant fixes the mean, which the votes leave open; no lead depends on it.
        information += max(diagonal.mean(), PRECISION) / len(diagonal)
        return known, chance, np.linalg.inv(information)


def stand(points: FloatArray, first: int, start: FloatArray | None = None) -> FloatArray:
    """Log-strengths, (batch, contenders), of a batch of points, as a board has them; NaN for who is off first's island.

    `points` of shape (batch, contenders, contenders); `start`, (contenders,), are log-strengths nearby.
    """
    importance = np.zeros(points.shape[1])
    importance[first] = 1.0
    return fit(points[:, None], MODEL, importance, start)
