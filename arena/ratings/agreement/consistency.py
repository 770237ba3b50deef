"""Whether a rater who sees a pairing again says the same again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.labels import Labelled, together
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, tallied

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


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
    """Every two votes of one rater on one unit: whose, on which unit, whether they agree, and whether sides differ."""

    rater: IntArray
    unit: IntArray
    same: BoolArray
    swapped: BoolArray


def consistency(labelled: Labelled, source: int, resampling: Resampling) -> Repeats | None:
    """Of one source, numbered as in `labelled.sources`; None where no rater judged a pairing again."""
    again = _pairs(labelled, source)
    if not len(again.rater):
        return None
    question = labelled.question[again.unit]

    def share(rows: BoolArray) -> Estimate:
        if not rows.any():
            return NOTHING
        column, same = np.zeros(int(rows.sum()), dtype=np.int64), again.same[rows].astype(np.float64)
        return resampling.shares(tallied(question[rows], column, 1, same), tallied(question[rows], column, 1))[0]

    known, of = np.unique(again.rater, return_inverse=True)
    same = tallied(question, of, len(known), again.same.astype(np.float64))
    pairs = tallied(question, of, len(known))
    pairings = np.unique(np.column_stack([again.rater, again.unit]), axis=0)[:, 0]
    number: list[float] = pairs.sum(axis=0).tolist()
    held = np.bincount(pairings, minlength=len(labelled.raters))
    raters = tuple(
        RaterRepeats(labelled.raters[rater], int(held[rater]), int(count), own)
        for rater, count, own in zip(known.tolist(), number, resampling.shares(same, pairs), strict=True)
    )
    return Repeats(
        labelled.sources[source],
        len(pairings),
        len(again.rater),
        share(np.ones(len(again.rater), dtype=np.bool_)),
        int((~again.swapped).sum()),
        share(~again.swapped),
        int(again.swapped.sum()),
        share(again.swapped),
        raters,
    )


def _pairs(labelled: Labelled, source: int) -> _Again:
    """Every two votes of one rater of the source on one unit, in the order in which they were cast."""
    rows = np.flatnonzero((labelled.rater >= 0) & (labelled.source == source))
    rows = rows[np.lexsort((labelled.unit[rows], labelled.rater[rows]))]
    a, b = together(labelled.rater[rows] * len(labelled.question) + labelled.unit[rows])
    one, other = rows[a], rows[b]
    same = labelled.label[one] == labelled.label[other]
    return _Again(labelled.rater[one], labelled.unit[one], same, labelled.swapped[one] != labelled.swapped[other])
