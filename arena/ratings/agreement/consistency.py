"""Whether a rater who sees a pairing again says the same again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.labels import Labelled
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, tallied

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RaterRepeats:
    """One rater: the pairings that were judged again, the pairs of votes on them, and the share of pairs that agree."""

    rater: str
    pairings: int
    pairs: int
    share: Estimate


@dataclass(frozen=True)
class Repeats:
    """The raters of one source: pairs of votes of one rater on one pairing, and the share of pairs that agree.

    Of these, `same_sides` showed the answers on the same sides, `swapped` on swapped ones; None where there is none.
    """

    source: str
    pairings: int
    pairs: int
    share: Estimate
    same_sides_pairs: int
    same_sides: Estimate
    swapped_pairs: int
    swapped: Estimate
    raters: tuple[RaterRepeats, ...]


@dataclass(frozen=True)
class _Again:
    """Each pairing that a rater judged again, (cells,) each: the rater, the question, and how many two votes of the
    rater on it there are with the sides kept and swapped, (cells, 2), and how many of these agree."""

    rater: IntArray
    question: IntArray
    pairs: FloatArray
    same: FloatArray


def consistency(labelled: Labelled, source: int, resampling: Resampling) -> Repeats | None:
    """Of one source, numbered as in `labelled.sources`; None where no rater judged a pairing again."""
    again = _again(labelled, source)
    if not len(again.rater):
        return None

    def share(sides: slice) -> tuple[int, Estimate]:
        pairs, same = again.pairs[:, sides].sum(axis=1), again.same[:, sides].sum(axis=1)
        if not (some := pairs > 0).any():
            return 0, NOTHING
        question, column = again.question[some], np.zeros(int(some.sum()), dtype=np.int64)
        hits, of = (tallied(question, column, 1, number[some]) for number in (same, pairs))
        return int(pairs.sum()), resampling.shares(hits, of)[0]

    return Repeats(
        labelled.sources[source],
        len(again.rater),
        *share(slice(None)),
        *share(slice(1)),
        *share(slice(1, 2)),
        _raters(labelled, again, resampling),
    )


def _raters(labelled: Labelled, again: _Again, resampling: Resampling) -> tuple[RaterRepeats, ...]:
    known, of, pairings = np.unique(again.rater, return_inverse=True, return_counts=True)
    same, pairs = (
        tallied(again.question, of.reshape(-1), len(known), number.sum(axis=1)) for number in (again.same, again.pairs)
    )
    number: list[float] = pairs.sum(axis=0).tolist()
    shares = resampling.shares(same, pairs)
    return tuple(
        RaterRepeats(labelled.raters[rater], held, int(count), own)
        for rater, held, count, own in zip(known.tolist(), pairings.tolist(), number, shares, strict=True)
    )


def _again(labelled: Labelled, source: int) -> _Again:
    """From counts: the pairs themselves grow with the square of a rater's votes on a pairing."""
    rows = np.flatnonzero((labelled.rater >= 0) & (labelled.source == source))
    units, k = len(labelled.question), len(labelled.labels)
    key = labelled.rater[rows] * units + labelled.unit[rows]
    cells, of, votes = np.unique(key, return_inverse=True, return_counts=True)
    place = np.cumsum(votes > 1) - 1
    rows, of = (each[votes[of.reshape(-1)] > 1] for each in (rows, of.reshape(-1)))
    rater, unit = np.divmod(cells[votes > 1], units)
    cell = (place[of] * 2 + labelled.swapped[rows]) * k + labelled.label[rows]
    counts = np.bincount(cell, minlength=len(rater) * 2 * k).reshape(-1, 2, k).astype(np.float64)
    sides = counts.sum(axis=2)
    pairs = np.column_stack([_twos(sides).sum(axis=1), sides.prod(axis=1)])
    same = np.column_stack([_twos(counts).sum(axis=(1, 2)), counts.prod(axis=1).sum(axis=1)])
    return _Again(rater, labelled.question[unit], pairs, same)


def _twos(number: FloatArray) -> FloatArray:
    """How many pairs so many votes make."""
    return number * (number - 1.0) / 2.0
