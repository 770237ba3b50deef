"""Intervals of shares and coefficients: questions are drawn with replacement, each with all its votes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack
from scipy.special import betaincinv, stdtrit

from arena.ratings.intervals.bootstrap import Report, batches, percentile_levels
from arena.ratings.intervals.spreads import FEW, LOST
from arena.ratings.intervals.units import draw_equal

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Table = FloatArray | csr_array[np.float64]

SAME = 1e-9
"""A spread below which the rounds do not differ."""
COLUMNS = 500
"""Shares whose rounds are held at once."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; None for what cannot be said."""

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Estimate(None)


@dataclass(frozen=True)
class Resampling:
    """How intervals are made, and who is told of the rounds. The same seed draws the same questions."""

    rounds: int
    level: float
    seed: int
    report: Report

    def draws(
        self, table: Table, statistic: Callable[[FloatArray], FloatArray], width: int | None = None
    ) -> FloatArray:
        """The statistic, (rounds, numbers), of the table's sums, (n, columns), where each round draws its rows.

        `table`, (questions, columns), is what each question adds; `width`, the numbers that a round takes (its
        columns), bounds how many rounds are done at once.
        """
        rng = np.random.Generator(np.random.PCG64(self.seed))
        questions, columns = table.shape
        found = []
        for begin, end in batches(self.rounds, max(width or columns, questions)):
            times = draw_equal(questions, end - begin, rng).T.astype(np.float64)
            found.append(statistic(np.asarray(times @ table)))
            self.report.add(end - begin)
        return np.concatenate(found)

    def estimate(self, value: float, draws: FloatArray, groups: float, bounds: tuple[float, float]) -> Estimate:
        """A number with the interval that its rounds, (rounds,), give, where it rests on so many questions.

        Percentiles, widened for few questions as a board's are (`percentile_levels`); below FEW of them ± t standard
        deviations. None where fewer than two questions tell, half of the rounds do not, or no round differs.
        """
        if np.isnan(value):
            return NOTHING
        known, number = draws[~np.isnan(draws)], round(groups)
        if number < 2 or len(known) < 2 or len(known) < (1.0 - LOST) * len(draws) or known.std() < SAME:
            return Estimate(value)
        if number < FEW:
            reach = float(stdtrit(number - 1, (1.0 + self.level) / 2.0))
            reach *= float(known.std(ddof=1)) * (number / (number - 1)) ** 0.5
            low, high = value - reach, value + reach
        else:
            low, high = np.quantile(known, percentile_levels(self.level, number)).tolist()
        return Estimate(value, max(min(low, value), bounds[0]), min(max(high, value), bounds[1]))

    def shares(self, hits: Table, of: Table) -> list[Estimate]:
        """The shares hits / of, (questions, shares) each, with their intervals."""
        hits, of = csr_array(hits), csr_array(of)
        found: list[Estimate] = []
        for begin in range(0, of.shape[1], COLUMNS):
            found += self._shares(hits[:, begin : begin + COLUMNS], of[:, begin : begin + COLUMNS])
        return found

    def _shares(self, hits: csr_array[np.float64], of: csr_array[np.float64]) -> list[Estimate]:
        size = of.shape[1]
        table = csr_array(hstack([hits, of]))
        draws = self.draws(table, lambda sums: ratio(sums[:, :size], sums[:, size:]))
        values = ratio(hits.sum(axis=0), of.sum(axis=0))
        groups = effective(of)
        return [self.share(float(values[at]), draws[:, at], float(groups[at])) for at in range(size)]

    def share(self, value: float, draws: FloatArray, groups: float) -> Estimate:
        """The same of a share: where no round differs, questions are tosses of one coin (Clopper & Pearson 1934)."""
        found = self.estimate(value, draws, groups, (0.0, 1.0))
        if np.isnan(value) or found.low is not None or round(groups) < 2:
            return found
        tail, hits, misses = (1.0 - self.level) / 2.0, value * groups, (1.0 - value) * groups
        low = float(betaincinv(hits, misses + 1.0, tail)) if hits > SAME else 0.0
        high = float(betaincinv(hits + 1.0, misses, 1.0 - tail)) if misses > SAME else 1.0
        return Estimate(value, low, high)


def less(one: Estimate, other: Estimate) -> Estimate:
    """one - other, with an interval from the two intervals, as of independent numbers (Zou & Donner 2008)."""
    if one.value is None or other.value is None:
        return NOTHING
    difference = one.value - other.value
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Estimate(difference)
    below = float(np.hypot(one.value - one.low, other.high - other.value))
    above = float(np.hypot(one.high - one.value, other.value - other.low))
    return Estimate(difference, max(difference - below, -1.0), min(difference + above, 1.0))


def ratio(hits: FloatArray, of: FloatArray) -> FloatArray:
    """hits / of, NaN where `of` is 0."""
    some = of > 0
    result: FloatArray = np.where(some, hits / np.where(some, of, 1.0), np.nan)
    return result


def effective(weights: Table) -> FloatArray:
    """The number of questions that each column, (questions, columns), rests on: (Σn)² / Σn², 0 where it is empty."""
    held = csr_array(weights)
    squares = held.multiply(held).sum(axis=0)
    result: FloatArray = np.asarray(held.sum(axis=0)) ** 2 / np.where(squares > 0, squares, 1.0)
    return result


def by_question(question: IntArray, columns: FloatArray) -> FloatArray:
    """Sums of the rows, (rows, columns), of each question that has any, in their order: (questions, columns)."""
    used, of = np.unique(question, return_inverse=True)
    where = csr_array(
        (np.ones(len(question)), (of.reshape(-1), np.arange(len(question)))), shape=(len(used), len(question))
    )
    return np.asarray(where @ columns, dtype=np.float64)


def tallied(question: IntArray, column: IntArray, size: int, weight: FloatArray | None = None) -> csr_array[np.float64]:
    """Counts, (questions, size), of rows by their question, among those that have any, and their column."""
    used, of = np.unique(question, return_inverse=True)
    data = np.ones(len(question)) if weight is None else weight
    table: csr_array[np.float64] = csr_array((data, (of.reshape(-1), column)), shape=(len(used), size))
    table.sum_duplicates()
    return table
