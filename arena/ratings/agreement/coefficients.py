"""Coefficients of agreement for any number of raters a unit, from sums over units.

Sources. Fleiss (1971) with the generalisation to unequal numbers of raters of Gwet (2014, Handbook of Inter-Rater
Reliability, 4th ed., ch. 2); Randolph (2005; the free margins of Brennan & Prediger 1981); Gwet's AC1 (2008) and AC2
with ordinal weights (2014, ch. 3); Krippendorff's alpha (2011, Computing Krippendorff's Alpha-Reliability).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
CountArray = npt.NDArray[np.number]

NO_CHANCE = 1e-12
"""What 1 - expected agreement must exceed: at 0 no agreement is left for chance to leave open, and 0/0 is no number."""


@dataclass(frozen=True)
class Sums:
    """Sums over units, each with leading axes of any number, for K labels.

    Of the units with a pair: `joint`, (…, K, K), the share of each pair of labels among the pairs of a unit, symmetric;
    `coincidence`, (…, K, K), the same times the unit's number of raters; `pairs`, (…), their number; `labels`, (…, K),
    how often each was given. Of all `judged` units: `margin`, (…, K), the share of each label among a unit's.
    """

    joint: FloatArray
    coincidence: FloatArray
    pairs: FloatArray
    margin: FloatArray
    judged: FloatArray
    labels: FloatArray

    @classmethod
    def unpacked(cls, packed: FloatArray, k: int) -> Sums:
        """From one array, (…, width), as `packed` makes it."""
        ends = np.cumsum([k * k, k * k, 1, k, 1, k])
        joint, coincidence, pairs, margin, judged, labels = np.split(packed, ends[:-1], axis=-1)
        square = (*packed.shape[:-1], k, k)
        return cls(joint.reshape(square), coincidence.reshape(square), pairs[..., 0], margin, judged[..., 0], labels)


def within(counts: CountArray) -> FloatArray:
    """What each unit adds to the sums, (units, width), where `counts`, (units, K), are one group's labels."""
    n = np.asarray(counts, dtype=np.float64)
    m = n.sum(axis=1)
    ordered = n[:, :, None] * n[:, None, :] - n[:, :, None] * np.eye(n.shape[1])
    joint = ordered / np.where(m > 1, m * (m - 1), 1.0)[:, None, None]
    paired = m > 1
    return _packed(joint, np.where(paired, m, 0.0), _shares(n, m), m > 0, n * paired[:, None])


def between(one: CountArray, other: CountArray) -> FloatArray:
    """The same of two groups, (units, K) each: every pair is of one rater from each, and so are the margins.

    Only units that both judged count. With one rater on each side it is what `within` makes of the two.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    of_a, of_b = a.sum(axis=1), b.sum(axis=1)
    both = (of_a > 0) & (of_b > 0)
    a, b = a * both[:, None], b * both[:, None]
    share_a, share_b = _shares(a, of_a), _shares(b, of_b)
    crossed = share_a[:, :, None] * share_b[:, None, :]
    joint = (crossed + crossed.transpose(0, 2, 1)) / 2.0
    return _packed(joint, np.where(both, of_a + of_b, 0.0), (share_a + share_b) / 2.0, both, a + b)


def _shares(n: FloatArray, m: FloatArray) -> FloatArray:
    shares: FloatArray = n / np.where(m > 0, m, 1.0)[:, None]
    return shares


def _packed(
    joint: FloatArray, raters: FloatArray, margin: FloatArray, judged: npt.NDArray[np.bool_], labels: FloatArray
) -> FloatArray:
    units = len(joint)
    flat = joint.reshape(units, -1)
    single = ((raters > 0).astype(np.float64)[:, None], judged.astype(np.float64)[:, None])
    return np.hstack([flat, flat * raters[:, None], single[0], margin, single[1], labels])


def coefficients(sums: Sums, scale: Sequence[int]) -> dict[str, FloatArray]:
    """Each coefficient by name, of the sums' leading shape; NaN where it is not defined (one label only, no pair).

    `scale`, K long, says where each label stands on the ordinal scale 0, 1, …; two labels may share a place.
    """
    fold = np.eye(max(scale) + 1)[list(scale)]  # (K, points)
    joint, margin = _divided(sums.joint, sums.pairs, 2), _divided(sums.margin, sums.judged, 1)
    nominal, ordinal = sums.coincidence, fold.T @ sums.coincidence @ fold
    raw = np.trace(joint, axis1=-2, axis2=-1)
    k = len(scale)
    return {
        "raw": raw,
        "fleiss": kappa(raw, (margin**2).sum(axis=-1)),
        "randolph": kappa(raw, np.full_like(raw, 1.0 / k)),
        "gwet_ac1": kappa(raw, (margin * (1.0 - margin)).sum(axis=-1) / (k - 1)),
        "gwet_ac2": _ac2(fold.T @ joint @ fold, margin @ fold),
        "krippendorff_nominal": _alpha(nominal, np.broadcast_to(1.0 - np.eye(k), nominal.shape)),
        "krippendorff_ordinal": _alpha(ordinal, _ordinal_distance(ordinal.sum(axis=-1))),
    }


def kappa(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """How much of the agreement that chance leaves open is there; NaN where it leaves none."""
    left = 1.0 - expected
    some = left > NO_CHANCE
    result: FloatArray = np.where(some, (observed - expected) / np.where(some, left, 1.0), np.nan)
    return result


def of_counts(counts: CountArray) -> Mapping[str, float]:
    """The coefficients of a table of labels, (units, K), in the order of the ordinal scale: NaN for none.

    >>> round(of_counts(np.array([[2, 0], [1, 1], [0, 2]]))["raw"], 3)
    0.667
    """
    k = np.asarray(counts).shape[1]
    found = coefficients(Sums.unpacked(within(counts).sum(axis=0), k), range(k))
    return {name: float(value) for name, value in found.items()}


def _divided(total: FloatArray, number: FloatArray, axes: int) -> FloatArray:
    by = np.where(number > 0, number, np.nan)
    result: FloatArray = total / by.reshape(by.shape + (1,) * axes)
    return result


def _ac2(joint: FloatArray, margin: FloatArray) -> FloatArray:
    """With Gwet's ordinal weights: 1 less the pairs of points from one to the other, as a share of all such pairs."""
    points = margin.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    weight = 1.0 - (apart * (apart + 1) / 2.0) / (points * (points - 1) / 2.0)
    expected = weight.sum() / (points * (points - 1)) * (margin * (1.0 - margin)).sum(axis=-1)
    return kappa((joint * weight).sum(axis=(-2, -1)), expected)


def _alpha(coincidence: FloatArray, distance: FloatArray) -> FloatArray:
    """1 - observed / expected disagreement, for squared distances, (…, K, K)."""
    held = coincidence.sum(axis=-1)
    total = held.sum(axis=-1)
    observed = (coincidence * distance).sum(axis=(-2, -1))
    expected = (held[..., :, None] * held[..., None, :] * distance).sum(axis=(-2, -1))
    some = expected > NO_CHANCE * np.maximum(total, 1.0)
    ratio = (total - 1.0) * observed / np.where(some, expected, 1.0)
    result: FloatArray = np.where(some, 1.0 - ratio, np.nan)
    return result


def _ordinal_distance(held: FloatArray) -> FloatArray:
    """Squared: the number of labels from the middle of one point to the middle of the other, (…, points, points)."""
    middle = np.cumsum(held, axis=-1) - held / 2.0
    result: FloatArray = (middle[..., :, None] - middle[..., None, :]) ** 2
    return result
