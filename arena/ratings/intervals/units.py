"""What a round of the bootstrap draws: clusters or single votes, each with what it adds to the counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, vstack
from scipy.special import pdtr

from arena.ratings.comparisons.coding import looked_up, spans
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import Factor
from arena.ratings.models.model import Model

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MANY = 20_000
"""Units from which on a round draws each unit's number by itself (Poisson) instead of all together (multinomial).

The two differ by the number of units in a round, whose spread is 1/√MANY of it, and on which no rating depends.
"""
DENSE = 8_000_000
"""Numbers up to which the units' counts are multiplied as a full matrix."""
BATCH_NUMBERS = 4_000_000
"""Numbers of draws that are held at once."""
EXACT = 2**20
"""Votes up to which sums of halves are exact in single precision, however often a round draws them."""


def draw_equal(units: int, rounds: int, rng: np.random.Generator) -> IntArray:
    """How often each of so many units is drawn, (units, rounds), where each round draws as many with replacement."""
    drawn = rng.integers(0, units, size=(rounds, units)) * rounds
    drawn += np.arange(rounds)[:, None]
    return np.bincount(drawn.ravel(), minlength=rounds * units).reshape(units, rounds).astype(np.int64)


@dataclass(frozen=True)
class Units:
    """`counts`, (rows, layers · contenders²), are what a unit adds; `number`, (rows,), says how many share the row.

    Only the first `shared` rows stand for more than one unit.
    """

    counts: csr_array[np.float64]
    number: IntArray
    shared: int
    layers: int
    contenders: int

    def resampled(self, rounds: int, rng: np.random.Generator) -> FloatArray:
        """The counts of rounds that each draw as many units as there are, with replacement.

        Of shape (rounds, layers, contenders, contenders).
        """
        used, counts = self._compact
        result = np.zeros((rounds, self.counts.shape[1]))
        size = max(1, BATCH_NUMBERS // len(self.number))
        for begin in range(0, rounds, size):
            times = np.empty((len(self.number), min(size, rounds - begin)), dtype=counts.dtype)
            self._draw(times, rng)
            result[begin : begin + size, used] = (counts @ times).T
        return result.reshape(rounds, self.layers, self.contenders, self.contenders)

    def _draw(self, times: npt.NDArray[np.floating[Any]], rng: np.random.Generator) -> None:
        """Fill in how often each row is drawn, (rows, rounds)."""
        total, rounds = int(self.number.sum()), times.shape[1]
        if total > MANY:
            times[: self.shared] = rng.poisson(self.number[: self.shared, None], size=(self.shared, rounds))
            single = times[self.shared :].reshape(-1)
            bits = rng.integers(0, 1 << 16, size=len(single), dtype=np.uint16)
            for some in spans(len(single)):
                single[some] = _POISSON.take(bits[some])
        elif self.shared:
            times[:] = rng.multinomial(total, self.number / total, size=rounds).T
        else:
            times[:] = draw_equal(total, rounds, rng)

    @cached_property
    def _compact(self) -> tuple[IntArray | slice, npt.NDArray[Any] | csc_array[Any]]:
        """Columns, those that hold anything among them, and their counts, turned: (columns, units)."""
        exact = self.counts.sum() < EXACT and (self.counts.data * 2.0 % 1.0 == 0.0).all()
        counts: Any = self.counts.astype(np.float32 if exact else np.float64, copy=False)
        used = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]))
        if len(used) * counts.shape[0] > min(DENSE, 10 * max(1, counts.nnz)):
            # Unit by unit, the draws are read in their order; column by column takes up to ten times as long.
            return slice(None), counts.T
        return used, np.ascontiguousarray(counts[:, used].toarray().T)


def _poisson_table() -> npt.NDArray[np.uint8]:
    """The numbers 0, 1, … as often among 65,536 as a Poisson law of mean 1 has them."""
    below = np.round(pdtr(np.arange(12), 1.0) * (1 << 16)).astype(np.int64)
    below[-1] = 1 << 16
    return np.repeat(np.arange(12, dtype=np.uint8), np.diff(below, prepend=0))


_POISSON = _poisson_table()


def by_factor(ballots: Ballots, factor: Factor, model: Model) -> Units:
    """Every group of the factor is a unit with all its votes (cluster bootstrap; Field & Welsh 2007).

    Where groups are many, those of one vote each share a row with their equals.
    """
    votes = np.bincount(factor.of, ballots.copies, minlength=factor.size)
    if factor.number <= MANY:
        counts = _of_groups(ballots, factor.of, votes > 0, model)
        return Units(counts, np.ones(counts.shape[0], dtype=np.int64), 0, model.layers, ballots.contenders)
    several = looked_up(votes > 1, factor.of)
    singles = by_vote(ballots.chosen(~several), model)
    counts = _of_groups(ballots.chosen(several), factor.of[several], votes > 1, model)
    number = np.concatenate([singles.number, np.ones(counts.shape[0], dtype=np.int64)])
    return Units(vstack([singles.counts, counts]).tocsr(), number, singles.shared, model.layers, ballots.contenders)


def _of_groups(ballots: Ballots, of: IntArray, held: npt.NDArray[np.bool_], model: Model) -> csr_array[np.float64]:
    """The counts of the groups that are `held`, (groups,); `of`, (rows,), is the group of each row."""
    if held.all():
        return ballots.counted(of, len(held), model)
    place = np.cumsum(held, dtype=np.int32) - 1
    return ballots.counted(looked_up(place, of), int(np.count_nonzero(held)), model)


def by_vote(ballots: Ballots, model: Model) -> Units:
    """Every vote is a unit; equal votes (of the same pair, outcome and weight) share a row."""
    if ballots.weight is None:
        total = np.bincount(ballots.kind, ballots.copies)
        kind = np.flatnonzero(total)
        alike, number, shared = Ballots(kind, None, None, ballots.contenders), total[kind], len(kind)
    else:
        worth, place = np.unique(ballots.weight, return_inverse=True)
        key = ballots.kind.astype(np.int64) * len(worth) + place.reshape(-1)
        both, row = np.unique(key, return_inverse=True)
        number = np.bincount(row.reshape(-1), ballots.copies)
        order = np.argsort(number == 1, kind="stable")  # those of several votes first
        both, number, shared = both[order], number[order], int(np.count_nonzero(number > 1))
        alike = Ballots(both // len(worth), worth[both % len(worth)], None, ballots.contenders)
    counts = alike.counted(np.arange(len(alike.kind)), len(alike.kind), model)
    return Units(counts, number.astype(np.int64), shared, model.layers, ballots.contenders)
