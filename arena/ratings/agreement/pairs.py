"""Cohen's kappa (1960) of every two raters who judged the same pairings, and its mean over the pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.coefficients import kappa
from arena.ratings.agreement.labels import Labelled
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, effective, ratio, tallied

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LISTED = 200
"""Pairs of raters up to which each is listed: those of twenty raters, or of a judge with two hundred people."""


@dataclass(frozen=True)
class Pair:
    """Two raters, how many pairings both judged, how often they agreed there, and their kappa."""

    one: str
    other: str
    pairings: int
    raw: Estimate
    cohen: Estimate


@dataclass(frozen=True)
class Pairs:
    """Cohen's kappa over pairs of raters: the mean, each weighted by its pairings.

    `number` pairs have one; `undefined` others gave one label alone, the same. `median` is the number of pairings that
    a pair shares. Each is `listed` where they are few.
    """

    mean: Estimate
    number: int
    undefined: int
    median: float | None
    listed: tuple[Pair, ...]


NO_PAIRS = Pairs(NOTHING, 0, 0, None, ())


def cohen(firsts: Labelled, one: BoolArray, other: BoolArray, resampling: Resampling) -> Pairs:
    """Of raters in `one` with raters in `other`, (raters,) each, which are the same group or share nobody.

    `firsts` holds at most one vote of a rater on a unit, sorted by unit and rater.
    """
    found = _meetings(firsts, one, other)
    if not len(found.code):
        return NO_PAIRS
    k = len(firsts.labels)
    known, pair = np.unique(found.code, return_inverse=True)
    number = len(known)
    cell = (pair.reshape(-1) * k + found.first) * k + found.second
    table = tallied(found.question, cell, number * k * k)
    few = number <= LISTED

    def statistic(sums: FloatArray) -> FloatArray:
        held, raw, own = _kappas(sums.reshape(-1, number, k, k))
        mean = _mean(held, own)[:, None]
        return np.hstack([mean, raw, own]) if few else mean

    values = statistic(np.asarray(table.sum(axis=0))[None])[0]
    draws = resampling.draws(table, statistic, width=3 * number * k * k)
    each = tallied(found.question, pair.reshape(-1), number)
    held, _, own = _kappas(np.asarray(table.sum(axis=0)).reshape(number, k, k))
    together = float(effective(each.sum(axis=1)[:, None])[0])
    mean = resampling.estimate(float(values[0]), draws[:, 0], together, (-1.0, 1.0))
    listed: list[Pair] = []
    if few:
        groups = effective(each)
        for at, code in enumerate(known.tolist()):
            low, high = divmod(code, len(firsts.raters))
            raw, pair_kappa = (
                resampling.estimate(float(values[column]), draws[:, column], float(groups[at]), bounds)
                for column, bounds in ((1 + at, (0.0, 1.0)), (1 + number + at, (-1.0, 1.0)))
            )
            listed.append(Pair(firsts.raters[low], firsts.raters[high], int(held[at]), raw, pair_kappa))
    undefined = int(np.isnan(own).sum())
    return Pairs(mean, number - undefined, undefined, float(np.median(held)), tuple(listed))


@dataclass(frozen=True)
class _Meetings:
    """Two raters on one unit: `code` names the two, `first` and `second` are their labels, in the raters' order."""

    code: IntArray
    first: IntArray
    second: IntArray
    question: IntArray


def _meetings(firsts: Labelled, one: BoolArray, other: BoolArray) -> _Meetings:
    """Every two votes on one unit: they stand beside each other, one, two, … rows apart."""
    unit, rater, label = firsts.unit, firsts.rater, firsts.label
    most = int(np.bincount(unit).max()) if len(unit) else 0
    rows = []
    for apart in range(1, most):
        a = np.flatnonzero(unit[apart:] == unit[:-apart])
        b = a + apart
        meant = one[rater[a]] & other[rater[b]] | other[rater[a]] & one[rater[b]]
        rows.append((a[meant], b[meant]))
    a, b = (
        (np.concatenate([np.zeros(0, dtype=np.int64), *side]) for side in zip(*rows, strict=True))
        if rows
        else (
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
        )
    )
    code = rater[a] * len(firsts.raters) + rater[b]
    return _Meetings(code, label[a], label[b], firsts.question[unit[a]])


def _kappas(tables: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The pairings, raw agreement and kappa of tables of two raters' labels, (…, K, K)."""
    held = tables.sum(axis=(-2, -1))
    raw = ratio(np.trace(tables, axis1=-2, axis2=-1), held)
    chance = ratio((tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1), held**2)
    return held, raw, np.where(held > 0, kappa(raw, np.where(held > 0, chance, 0.0)), np.nan)


def _mean(held: FloatArray, own: FloatArray) -> FloatArray:
    """The mean of the kappas, (…, pairs), of those that are defined, weighted by their pairings."""
    weight = np.where(np.isnan(own), 0.0, held)
    return ratio((weight * np.nan_to_num(own)).sum(axis=-1), weight.sum(axis=-1))
