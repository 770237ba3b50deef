"""Whether raters prefer what stands on the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from arena.ratings.agreement.labels import Labelled
from arena.ratings.agreement.resampling import (
    COLUMNS,
    NOTHING,
    SAME,
    Estimate,
    Resampling,
    effective,
    less,
    ratio,
    tallied,
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RaterSide:
    """One rater: decisive votes, those for the left side, their share, and how far it is above that of the source's
    other raters together."""

    rater: str
    votes: int
    left: int
    share: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Side:
    """The votes of one source that prefer a side, those for the left one, and their share; and each rater's."""

    source: str
    votes: int
    left: int
    share: Estimate
    raters: tuple[RaterSide, ...]


def position(labelled: Labelled, source: int, resampling: Resampling) -> Side | None:
    """Of one source, numbered as in `labelled.sources`; None where no vote of it prefers a side.

    All votes count, repeats too. A fair coin for the sides makes one half the share of those without a preference.
    """
    rows = np.flatnonzero((labelled.source == source) & (labelled.left | labelled.right))
    if not len(rows):
        return None
    question, left = labelled.question[labelled.unit[rows]], labelled.left[rows].astype(np.float64)
    whole = tallied(question, np.zeros(len(rows), dtype=np.int64), 1)
    hits = tallied(question, np.zeros(len(rows), dtype=np.int64), 1, left)
    (share,) = resampling.shares(hits, whole)
    return Side(labelled.sources[source], len(rows), int(left.sum()), share, _raters(labelled, rows, resampling))


def _raters(labelled: Labelled, rows: npt.NDArray[np.int64], resampling: Resampling) -> tuple[RaterSide, ...]:
    rows = rows[labelled.rater[rows] >= 0]
    known, of = np.unique(labelled.rater[rows], return_inverse=True)
    question, left = labelled.question[labelled.unit[rows]], labelled.left[rows].astype(np.float64)
    votes, hits = tallied(question, of, len(known)), tallied(question, of, len(known), left)
    shares = resampling.shares(hits, votes) if len(known) else []
    differences = _differences(hits, votes, shares, resampling) if len(known) > 1 else [NOTHING] * len(known)
    totals: list[float] = votes.sum(axis=0).tolist()
    lefts: list[float] = hits.sum(axis=0).tolist()
    numbers = zip(known.tolist(), totals, lefts, shares, differences, strict=True)
    return tuple(
        RaterSide(labelled.raters[rater], int(number), int(to_left), share, difference)
        for rater, number, to_left, share, difference in numbers
    )


def _differences(
    hits: csr_array[np.float64], votes: csr_array[np.float64], shares: Sequence[Estimate], resampling: Resampling
) -> list[Estimate]:
    """Each rater's share less that of all the others', from counts by question and rater."""
    whole = csr_array(np.column_stack([hits.sum(axis=1), votes.sum(axis=1)]))
    groups, all_groups = effective(votes), float(effective(whole[:, 1:])[0])
    found = []
    for begin in range(0, votes.shape[1], COLUMNS):
        table = csr_array(hstack([hits[:, begin : begin + COLUMNS], votes[:, begin : begin + COLUMNS], whole]))
        sums = np.asarray(table.sum(axis=0), dtype=np.float64)
        own, others = _apart(sums[None])[:, 0]
        rounds = resampling.draws(table, lambda sums: np.moveaxis(_apart(sums), 0, 1))
        for at, share in enumerate(shares[begin : begin + COLUMNS]):
            mine, theirs = rounds[:, 0, at], rounds[:, 1, at]
            difference = float(own[at] - others[at])
            if len(known := mine[~np.isnan(mine)]) and known.std() > SAME:
                bounds = (-1.0, 1.0)
                found.append(resampling.estimate(difference, mine - theirs, float(groups[begin + at]), bounds))
            else:
                found.append(less(share, resampling.share(float(others[at]), theirs, all_groups)))
    return found


def _apart(sums: FloatArray) -> FloatArray:
    """Each rater's own share and that of all others, (2, …, raters), from counts of the left, of all, and totals."""
    hits, votes = np.split(sums[..., :-2], 2, axis=-1)
    return np.stack([ratio(hits, votes), ratio(sums[..., -2:-1] - hits, sums[..., -1:] - votes)])
