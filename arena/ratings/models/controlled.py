"""Bradley-Terry with covariates, fitted in chunks of rows.

logit P(A beats B) = θ_A - θ_B + x · β, where x is what A has more of than B. A tie is half a win for each side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import expit

from arena.errors import Incomplete
from arena.ratings.models.bradley_terry import MAX_STEPS
from arena.ratings.models.placing import PRECISION

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

CHUNK = 65_536
"""Rows at a time: what is made of them stays small, however many there are."""
CLOSE = 1e-9
"""Logits by which the last step may still move anything."""
FARTHEST = 30.0
"""Logits per standard deviation beyond which an effect is without end: the covariate tells the votes apart."""


@dataclass(frozen=True, eq=False)
class Design:
    """The votes as rows of a regression: `a` and `b`, (rows,), index `contenders`, `score` is A's points, 1, ½ or 0.

    `x` of shape (covariates, rows); `weight`, (rows,), None: 1.
    """

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    score: FloatArray
    x: FloatArray
    weight: FloatArray | None
    contenders: int

    def chunks(self) -> Iterator[slice]:
        """The rows, some at a time."""
        return (slice(start, start + CHUNK) for start in range(0, len(self.a), CHUNK))

    def chance(self, at: FloatArray, rows: slice) -> FloatArray:
        """P(A beats B) at the parameters `at`, (contenders + covariates,)."""
        theta, beta = at[: self.contenders], at[self.contenders :]
        chance: FloatArray = expit(theta[self.a[rows]] - theta[self.b[rows]] + beta @ self.x[:, rows])
        return chance

    def weighed(self, values: FloatArray, rows: slice) -> FloatArray:
        """Values of some rows, each times its weight."""
        return values if self.weight is None else values * self.weight[rows]

    def added(self, values: FloatArray, rows: slice) -> FloatArray:
        """The sum of values · z over some rows, z = (e_A - e_B, x), shape (contenders + covariates,)."""
        by_side = (np.bincount(side[rows], values, self.contenders) for side in (self.a, self.b))
        return np.concatenate([np.subtract(*by_side), self.x[:, rows] @ values])

    def gram(self, mass: Callable[[slice], FloatArray]) -> FloatArray:
        """The sum of mass · z zᵀ over all rows, shape (contenders + covariates,) twice."""
        n, total = self.contenders, np.zeros((self.contenders + len(self.x),) * 2)
        for rows in self.chunks():
            self._add_gram(total, mass(rows), rows)
        total[n:, :n] = total[:n, n:].T
        return total

    def _add_gram(self, total: FloatArray, mass: FloatArray, rows: slice) -> None:
        n, x = self.contenders, self.x[:, rows]
        pair = np.multiply(self.a[rows], n, dtype=np.int64) + self.b[rows]
        met = np.bincount(pair, mass, n * n).reshape(n, n)
        met = met + met.T
        total[:n, :n] -= met
        total[np.arange(n), np.arange(n)] += met.sum(axis=1)
        massive = x * mass
        for at, values in enumerate(massive):
            by_side = (np.bincount(side[rows], values, n) for side in (self.a, self.b))
            total[:n, n + at] += np.subtract(*by_side)
        total[n:, n:] += massive @ x.T

    def by_group(self, residual: FloatArray, group: IntArray, size: int) -> FloatArray:
        """The sum over groups of score · scoreᵀ; a row's score is residual · z. `group`, (rows,), is below `size`."""
        data = np.concatenate([residual, -residual])
        sums = csr_array((data, (np.tile(group, 2), np.concatenate([self.a, self.b]))), shape=(size, self.contenders))
        sums.sum_duplicates()
        effects = np.stack([np.bincount(group, residual * values, size) for values in self.x], axis=1)
        corner: FloatArray = np.asarray(sums.T @ effects)
        result: FloatArray = np.block([[(sums.T @ sums).toarray(), corner], [corner.T, effects.T @ effects]])
        return result


def fit(design: Design, block: IntArray) -> tuple[FloatArray, FloatArray, int | None]:
    """The parameters of largest likelihood, (contenders + covariates,), the information there, and what runs away.

    The information has a constant added to the log-strengths' part, which fixes the mean that the votes leave open.
    Where there are several blocks (`connectivity.blocks`), the mean of each has a normal prior of `placing.PENALTY_SD`,
    as on the board. The last value is None, or the covariate whose effect has no finite maximum. By Newton steps that
    cannot overshoot (Sun & Tran-Dinh 2019). Raises Incomplete where they do not arrive.
    """
    n = design.contenders
    at, prior, farthest = np.zeros(n + len(design.x)), _prior(block, len(design.x)), np.abs(design.x).max(axis=1)
    for _ in range(MAX_STEPS):
        gradient, information = _derivatives(design, at)
        gradient, information = gradient - prior @ at, information + prior
        information[:n, :n] += np.trace(information[:n, :n]) / n**2
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:  # every vote is told with certainty: what did so has run away already
            return at, information, int(np.argmax(np.abs(at[n:])))
        step[:n] -= step[:n].mean()
        size = float(np.ptp(step[:n]) + np.abs(step[n:]) @ farthest)
        if size <= CLOSE:
            return at + step, information, None
        at = at + step * (np.log1p(size) / size)
        if len(design.x) and np.abs(at[n:]).max() > FARTHEST:
            return at, information, int(np.argmax(np.abs(at[n:])))
    raise Incomplete(f"the fit with covariates did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _derivatives(design: Design, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    gradient = np.zeros(len(at))

    def mass(rows: slice) -> FloatArray:
        chance = design.chance(at, rows)
        gradient[:] += design.added(design.weighed(design.score[rows] - chance, rows), rows)
        return design.weighed(chance * (1.0 - chance), rows)

    information = design.gram(mass)  # one pass gives both
    return gradient, information


def _prior(block: IntArray, covariates: int) -> FloatArray:
    """The precision of the prior on how far each block's mean is from that of all; none where there is one block."""
    prior = np.zeros((len(block) + covariates,) * 2)
    if block.max() > 0:
        member = np.asarray(block[None, :] == np.arange(block.max() + 1)[:, None], dtype=np.float64)
        mean = member / member.sum(axis=1, keepdims=True) - 1.0 / len(block)
        prior[: len(block), : len(block)] = PRECISION * (mean.T @ mean)
    return prior
