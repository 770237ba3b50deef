"""What a Bradley-Terry fit of a truth's votes estimates: where a study that never ended would arrive.

With effects, that is not the strengths themselves but the fit to the *expected* points, averaged over questions,
raters, lengths and sides. It is computed from its definition (the trapezoidal rule, which converges exponentially for
such means: Trefethen & Weideman 2014, and a root finder), without the estimators that are to be tried on it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import root
from scipy.special import expit, ndtr

from arena.errors import BadInput
from arena.ratings.simulation.content import category_effects, category_weights
from arena.ratings.simulation.replies import favour
from arena.ratings.simulation.simulated import HUMAN, source_index
from arena.ratings.simulation.streams import Floats
from arena.ratings.simulation.truth import LONGEST, SHORTEST, Judge, Truth

REACH = 7.5
"""Standard deviations to either side that count: beyond lie 10⁻¹³ of a normal distribution."""
AT_ONCE = 2_000_000
"""Points of the quadrature that are in memory at a time."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """How one kind of reply sees a pair: normal around `gap` ± `side` with this variance, ties within `threshold`."""

    weight: float
    gap: Floats
    side: float
    variance: Floats
    threshold: float


def expected_points(truth: Truth, source: str = HUMAN) -> Floats:
    """The points that the row's contender is expected to take from the column's in one vote, (n, n), on fair sides.

    A tie is half a point each; replies that cannot judge are not votes (they do not depend on the pair).
    Raises BadInput where `source` is not of this truth, or a judge's biases are yet to be drawn.
    """
    at = source_index(truth, source)
    if not at:
        share, kinds = truth.raters.tie_share, _raters(truth)
    else:
        share, kinds = truth.judges[at - 1].tie_share, _judge(truth, truth.judges[at - 1])
    points = np.full([len(truth.contenders)] * 2, 0.5 * share)
    for kind in kinds:
        points += (1.0 - share) * _points(kind)
    return points if at else _rigged(truth, points)


def marginal(truth: Truth, source: str = HUMAN) -> Floats:
    """The strengths, (n,), in logits of mean 0, at which every contender has the score that it is expected to have.

    Every pair is shown as often as any other, as in a study of this truth. Raises BadInput as `expected_points`.
    """
    points = expected_points(truth, source)
    np.fill_diagonal(points, 0.5)
    n = len(points)

    def surplus(strengths: Floats) -> tuple[Floats, Floats]:
        expected = expit(strengths[:, None] - strengths[None, :])
        slopes = expected * (1.0 - expected)
        jacobian = slopes - np.diag(slopes.sum(axis=1))
        # One of the score equations follows from the others; the mean takes its place.
        return (
            np.append((points - expected).sum(axis=1)[1:], strengths.mean()),
            np.vstack([jacobian[1:], np.full(n, 1.0 / n)]),
        )

    stated = np.array([contender.strength for contender in truth.contenders])
    found = root(surplus, stated - stated.mean(), jac=True, tol=1e-13)
    if np.abs(surplus(found.x)[0]).max() > 1e-9:
        raise BadInput("no finite strengths have these expected points; state smaller effects")
    strengths: Floats = found.x
    return strengths


def _points(seen: _Seen) -> Floats:
    """The weighted points of a kind of reply, ties within its threshold being half a point."""
    nodes, weights = _normal(min(0.5, 0.8 / max(float(np.sqrt(seen.variance.max())), 1e-9)))
    points = np.empty_like(seen.gap)
    rows = max(1, AT_ONCE // (len(points) * len(nodes)))
    shifts = Counter(side + within for side in (seen.side, -seen.side) for within in (seen.threshold, -seen.threshold))
    for start in range(0, len(points), rows):
        part = slice(start, start + rows)
        gaps = seen.gap[part, :, None] + np.sqrt(seen.variance[part])[:, :, None] * nodes
        points[part] = sum(times * (expit(gaps + shift) @ weights) for shift, times in shifts.items())
    weighted: Floats = seen.weight * points / 4.0
    return weighted


def _raters(truth: Truth) -> Iterator[_Seen]:
    stated, length = truth.raters, _length_gaps(truth)
    variance = 2.0 * (truth.questions.sd**2 + stated.sd**2) + stated.length_effect**2 * _length_variances(truth)
    for part, gap in _by_category(truth):
        for slope, slope_weight in _log_normal(stated.slope_sd):
            for factor, factor_weight in _log_normal(stated.tie_threshold_sd if stated.tie_threshold else 0.0):
                yield _Seen(
                    part * slope_weight * factor_weight,
                    slope * (gap + stated.length_effect * length),
                    stated.side,
                    slope**2 * variance + stated.side_sd**2,
                    factor * stated.tie_threshold,
                )


def _judge(truth: Truth, judge: Judge) -> Iterator[_Seen]:
    if judge.bias_sd:
        raise BadInput(f"the biases of judge {judge.name!r} are to be drawn; ask for simulate(…).truth")
    added = favour(truth, judge)
    added = added[:, None] - added[None, :] + judge.length_effect * _length_gaps(truth)
    variance = 2.0 * (judge.slope**2 * truth.questions.sd**2 + judge.question_sd**2)
    spread = variance + judge.length_effect**2 * _length_variances(truth)
    for part, gap in _by_category(truth):
        yield _Seen(part, judge.slope * gap + added, judge.position, spread, judge.tie_threshold)


def _rigged(truth: Truth, points: Floats) -> Floats:
    """The points where riggers vote too: as often as others, and like them but for whom they favour."""
    riggers = truth.riggers
    if not riggers.number:
        return points
    share = riggers.number / truth.raters.number * riggers.share
    at = truth.names.index(str(riggers.favours))
    points[at, :] = share + (1.0 - share) * points[at, :]
    points[:, at] *= 1.0 - share
    return points


def _by_category(truth: Truth) -> Iterator[tuple[float, Floats]]:
    """The share of each category, and the gaps of strength on its questions."""
    strengths = np.array([contender.strength for contender in truth.contenders]) + category_effects(truth)
    weights = category_weights(truth) if truth.categories else np.ones(1)
    for weight, row in zip(weights.tolist(), strengths, strict=False):
        yield weight, row[:, None] - row[None, :]


def _length_gaps(truth: Truth) -> Floats:
    means, _ = _log_lengths(truth)
    gaps: Floats = means[:, None] - means[None, :]
    return gaps


def _length_variances(truth: Truth) -> Floats:
    _, squares = _log_lengths(truth)
    variances: Floats = squares[:, None] + squares[None, :]
    return variances


def _log_lengths(truth: Truth) -> tuple[Floats, Floats]:
    """Mean and variance of each contender's log length, (n,) each: normal, but kept between the bounds of a length.

    The moments are exact; what is cut off at a bound leaves the shape no longer quite normal, as which it is taken.
    """
    mean = np.log([contender.length for contender in truth.contenders])
    sd = np.array([contender.length_sd for contender in truth.contenders])
    spread = np.where(sd > 0.0, sd, 1.0)
    low, high = math.log(SHORTEST), math.log(LONGEST)
    below, above = (low - mean) / spread, (high - mean) / spread
    inside, short, long = ndtr(above) - ndtr(below), ndtr(below), ndtr(-above)
    dense_low, dense_high = (np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) for z in (below, above))
    first = low * short + high * long + mean * inside - spread * (dense_high - dense_low)
    second = low**2 * short + high**2 * long + (mean**2 + spread**2) * inside
    second -= spread * ((mean + high) * dense_high - (mean + low) * dense_low)
    fixed = np.clip(mean, low, high)
    return np.where(sd > 0.0, first, fixed), np.where(sd > 0.0, np.maximum(second - first**2, 0.0), 0.0)


def _log_normal(sd: float) -> list[tuple[float, float]]:
    if not sd:
        return [(1.0, 1.0)]
    nodes, weights = _normal(0.4)
    return list(zip(np.exp(sd * nodes).tolist(), weights.tolist(), strict=True))


@cache
def _normal(step: float) -> tuple[Floats, Floats]:
    """Nodes about `step` apart and weights of the mean over a standard normal variable, by the trapezoidal rule.

    A logistic curve of slope s in the variable has its poles π/s off the axis, so that the error is of the order of
    exp(-2π² / (s · step)): 0.8/s gives ten digits. Below 0.01, where nobody's slope is, the step stays as it is.
    """
    half = math.ceil(REACH / max(step, 0.01))
    nodes = np.linspace(-REACH, REACH, 2 * half + 1)
    weights = np.exp(-0.5 * nodes**2)
    return nodes, weights / weights.sum()
