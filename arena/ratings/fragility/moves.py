"""What can be taken out of a study or turned round, as changes of its points: single votes, raters, questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.units import by_vote
from arena.ratings.models.model import MODELS

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
MODEL = MODELS["bradley-terry"]
"""A tie is half a win for each side."""


@dataclass(frozen=True)
class Moves:
    """`change`, (moves, contenders²), is what one step of a move adds to the points, row's against column's.

    `number`, (moves,), is how often it can be made: the votes that are alike, or 1 for a rater or a question. `unit`,
    (moves,), is which of those that were given it moves, and `total` how many there are in all.
    """

    change: csr_array[np.float64]
    number: IntArray
    unit: IntArray
    total: int

    def influence(self, pull: FloatArray) -> FloatArray:
        """What each move adds to a lead, (moves,), where a point adds `pull`, (contenders²,)."""
        return np.asarray(self.change @ pull, dtype=np.float64)

    def after(self, points: FloatArray, times: IntArray) -> FloatArray:
        """The points, (contenders, contenders), after each move was made so many `times`, (moves,)."""
        made = np.flatnonzero(times)
        change = self.change[made]
        weight = np.repeat(times[made], np.diff(change.indptr)) * change.data
        added = np.bincount(change.indices, weight, points.size).astype(np.float64, copy=False)
        return settled(points, added.reshape(points.shape))


def settled(points: FloatArray, added: FloatArray) -> FloatArray:
    """The sum of the two, in which what is left of nothing by rounding is nothing: it would count as a vote."""
    result: FloatArray = points + added
    result[result <= 1e-12 * np.abs(added)] = 0.0
    return result


@dataclass(frozen=True)
class Kind:
    """Votes that are alike: `first` was preferred to `second` (indices of contenders), or they tied; each `weight`."""

    first: int
    second: int
    tied: bool
    weight: float


def kinds_of(ballots: Ballots) -> tuple[csr_array[np.float64], IntArray]:
    """The points of one vote of each kind, (kinds, contenders²), and how many there are of it, (kinds,)."""
    units = by_vote(ballots, MODEL)
    return units.counts, units.number


def kind(points: csr_array[np.float64], row: int, contenders: int) -> Kind:
    """What a row of `kinds_of` stands for."""
    begin, end = points.indptr[row], points.indptr[row + 1]
    first, second = divmod(int(points.indices[begin:end].min()), contenders)
    return Kind(first, second, bool(end - begin > 1), float(points.data[begin:end].sum()))


def groups_of(ballots: Ballots, group: npt.NDArray[np.int32], size: int) -> tuple[csr_array[np.float64], IntArray]:
    """The points of each group's votes, (groups, contenders²), and which groups these are: those that have a vote.

    `group`, (rows,), is below `size`, and -1 for a vote that is of no group.
    """
    known = group >= 0
    points = ballots.chosen(known).counted(group[known].astype(np.int64), size, MODEL)
    voted = np.flatnonzero(np.diff(points.indptr) > 0)
    return points[voted], voted.astype(np.int64)


def removals(points: csr_array[np.float64], number: IntArray) -> Moves:
    """Taking out units of these points, (units, contenders²), of which there are `number` each, (units,)."""
    return Moves((-points).tocsr(), number, np.arange(len(number)), int(number.sum()))


def flips(points: csr_array[np.float64], number: IntArray, contenders: int, *, single: bool) -> Moves:
    """Turning the same round: what was a preference is one for the other side.

    `single` votes that are ties become a win of either side; within a rater's or a question's votes, a tie stays one.
    """
    change = (_turned(points, contenders) - points).tocsr()
    change.eliminate_zeros()
    moving = np.flatnonzero(np.diff(change.indptr))
    parts, unit = [change[moving]], [moving]
    if single:
        tied = np.flatnonzero(np.diff(points.indptr) > 1)
        upper = _upper(points[tied], contenders)
        gained = (upper - _turned(upper, contenders)).tocsr()
        # Two ways to go. No smallest set takes both of one kind: they would cancel.
        parts, unit = [*parts, gained, -gained], [*unit, tied, tied]
    which = np.concatenate(unit)
    return Moves(vstack(parts).tocsr(), number[which], which, int(number.sum()))


def _turned(points: csr_array[np.float64], contenders: int) -> csr_array[np.float64]:
    """What each scored against the other, exchanged."""
    row, column = np.divmod(points.indices, contenders)
    turned = csr_array((points.data, column * contenders + row, points.indptr), shape=points.shape, copy=True)
    turned.sort_indices()
    return turned


def _upper(points: csr_array[np.float64], contenders: int) -> csr_array[np.float64]:
    """The half above the diagonal."""
    row, column = np.divmod(points.indices, contenders)
    kept = np.where(row < column, points.data, 0.0)
    upper = csr_array((kept, points.indices, points.indptr), shape=points.shape, copy=True)
    upper.eliminate_zeros()
    return upper
