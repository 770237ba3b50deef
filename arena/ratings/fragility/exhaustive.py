"""All small sets of moves, one by one: that none smaller changes the order, where there are not too many to try."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations_with_replacement, islice
from math import comb

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from arena.ratings.fragility.moves import Moves, settled
from arena.ratings.fragility.standing import Order, Standing, stand

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

BATCH_NUMBERS = 500_000
"""Numbers of points that are fitted at once."""


def smallest(study: Standing, moves: Moves, order: Order, below: int, budget: int) -> tuple[int, IntArray | None]:
    """The smallest set of fewer than `below` moves that changes the order, by trying all of 1, of 2, and so on.

    Returns its size and how often each move is made in it, (moves,); or, where there is none, None with the size up
    to which no smaller set does: `below`, or the first size of which there are more sets than are left of `budget`.
    """
    for size in range(1, below):
        budget -= comb(len(moves.number) + size - 1, size)
        if budget < 0:
            return size, None
        for sets in _sets(moves, size, max(1, BATCH_NUMBERS // study.points.size)):
            changed = order.changed(stand(_points(study, moves, sets), order.first, study.theta))
            if changed.any():
                return size, np.bincount(sets[int(np.argmax(changed))], minlength=len(moves.number)).astype(np.int64)
    return below, None


def sets_below(moves: Moves, below: int, most: int) -> int:
    """How many sets of fewer than `below` moves there are, or some number above `most`."""
    number = 0
    for size in range(1, below):
        number += comb(len(moves.number) + size - 1, size)
        if number > most:
            break
    return number


def _sets(moves: Moves, size: int, batch: int) -> Iterator[IntArray]:
    """All sets of so many moves, (batch, size), each in rising order, and none more often than it can be made."""
    every = combinations_with_replacement(range(len(moves.number)), size)
    while flat := list(chain.from_iterable(islice(every, batch))):
        sets = np.array(flat, dtype=np.int64).reshape(-1, size)
        possible = np.ones(len(sets), dtype=np.bool_)
        for times in range(1, size):  # one that stands `times` places further on again is made more often than that
            again = sets[:, times:] == sets[:, :-times]
            possible &= ~(again & (moves.number[sets[:, times:]] <= times)).any(axis=1)
        if possible.any():
            yield sets[possible]


def _points(study: Standing, moves: Moves, sets: IntArray) -> FloatArray:
    """The points after each set was made, (sets, contenders, contenders)."""
    row = np.repeat(np.arange(len(sets)), sets.shape[1])
    made = csr_array((np.ones(sets.size), (row, sets.ravel())), shape=(len(sets), len(moves.number)))
    return settled(study.points, (made @ moves.change).toarray().reshape(-1, *study.points.shape))
