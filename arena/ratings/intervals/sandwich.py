"""Robust variances without resampling: H⁻¹ (Σ over clusters of score · scoreᵀ) H⁻¹, by a factor or by single votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.ratings.comparisons.coding import spans
from arena.ratings.intervals.ballots import Ballots, Rows
from arena.ratings.intervals.sums import products
from arena.ratings.models.model import Model

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sandwich:
    """The scores of the votes within one block, at its maximum, and the bread that goes around them.

    `ballots` are the block's, which are these `rows` of all. `lead` and `draw`, (2 · contenders²,), are the derivatives
    of a vote of each kind by the lead of its first side and by the tie parameter; `bread` is the inverse information.
    """

    ballots: Ballots
    rows: Rows
    lead: FloatArray
    draw: FloatArray
    bread: FloatArray

    @classmethod
    def of(cls, ballots: Ballots, members: IntArray, model: Model) -> Sandwich:
        """The sandwich of the block of these members, (members,) (indices of contenders)."""
        own, rows = ballots.within(members)
        wins, once = own.by_kind(own.mass)
        ties = once + once.T
        theta, tie = model.fit_block(model.counts(wins, ties)[None], None)
        slopes = model.slopes(theta[0], float(tie[0]))
        lead = np.concatenate([slopes.win.ravel(), slopes.tie.ravel()])
        draw = np.concatenate([slopes.win_tie.ravel(), slopes.tie_tie.ravel()])
        return cls(own, rows, lead, draw, _bread(model.information(wins, ties, theta[0], float(tie[0]))))

    def by_group(self, group: IntArray, size: int) -> FloatArray:
        """The covariance of the log-strengths, of mean 0, where votes of one group may be alike.

        `group`, (all rows), is below `size`. White (1980), Liang & Zeger (1986), with the factor G / (G - 1).
        """
        m, of = self.ballots.contenders, group[self.rows]
        held = np.zeros(size, dtype=np.bool_)
        for rows in spans(len(of)):
            held[of[rows]] = True
        meat = products(self._scores, of, size, m + 1)
        return self._around(meat, int(np.count_nonzero(held)))

    def _scores(self, rows: slice | IntArray) -> list[tuple[Any, FloatArray]]:
        """What the score of each of these rows is made of, as in `sums.Added`; that of the tie parameter comes last."""
        first, second = self.ballots.sides_in(rows)
        lead = self._of_rows(self.lead, rows)
        parts: list[tuple[Any, FloatArray]] = [(first, lead), (second, -lead)]
        return [*parts, (self.ballots.contenders, self._of_rows(self.draw, rows))] if self.draw.any() else parts

    def by_vote(self) -> FloatArray:
        """The same where every vote stands for itself."""
        m, ballots = self.ballots.contenders, self.ballots
        mass = ballots.mass
        squares = mass if ballots.weight is None or mass is None else ballots.weight * mass
        number = np.concatenate([part.ravel() for part in ballots.by_kind(squares)])
        squared, mixed = ((number * self.lead * other).reshape(2, m, m).sum(axis=0) for other in (self.lead, self.draw))
        meat = np.zeros((m + 1, m + 1))
        meat[:m, :m] = np.diag(squared.sum(axis=0) + squared.sum(axis=1)) - squared - squared.T
        meat[m, :m] = meat[:m, m] = mixed.sum(axis=1) - mixed.sum(axis=0)
        meat[m, m] = (number * self.draw**2).sum()
        return self._around(meat, ballots.votes)

    def _of_rows(self, slope: FloatArray, rows: slice | IntArray) -> FloatArray:
        mass = self.ballots.mass
        each: FloatArray = slope[self.ballots.kind[rows]]
        return each if mass is None else each * mass[rows]

    def _around(self, meat: FloatArray, groups: int) -> FloatArray:
        m, few = self.ballots.contenders, groups / (groups - 1.0) if groups > 1 else 1.0
        covariance: FloatArray = self.bread @ (few * meat) @ self.bread
        return covariance[:m, :m]


def _bread(informed: FloatArray) -> FloatArray:
    """The inverse information where strengths have mean 0; without the tie parameter where none is estimated."""
    m = len(informed) - 1
    fixed = informed.copy()
    # A constant fixes the mean, which the votes leave open; scores have mean 0, so that it changes no variance.
    fixed[:m, :m] += np.trace(informed[:m, :m]) / m**2
    bread = np.zeros_like(fixed)
    kept = slice(None) if informed[m, m] > 0 else slice(0, m)
    bread[kept, kept] = np.linalg.inv(fixed[kept, kept])
    return bread
