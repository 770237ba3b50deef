"""Cohen's kappa (1960) of every two raters who judged the same pairings, and its mean over the pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.coefficients import kappa
from arena.ratings.agreement.labels import Labelled
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, effective, ratio, tallied

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MEETINGS = 1_000_000
"""Meetings of two raters on a unit up to which they are gone through: they grow with the square of a unit's raters."""
PAIRS = 50_000
"""Pairs of raters, those of 316 people who all met, up to which every round makes the kappa of each (seconds)."""
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
    a pair shares. Each is `listed` where they are few. Where two raters met too often to go through (MEETINGS), or in
    too many pairs (PAIRS), `left_out` is how often, and nothing else is said.
    """

    mean: Estimate
    number: int
    undefined: int
    median: float | None
    listed: tuple[Pair, ...]
    left_out: int = 0


NO_PAIRS = Pairs(NOTHING, 0, 0, None, ())


def cohen(firsts: Labelled, one: BoolArray, other: BoolArray | None, resampling: Resampling) -> Pairs:
    """Of every two raters in `one`, or of each with those in `other`, (raters,) each, which share nobody.

    `firsts` holds at most one vote of a rater on a unit, sorted by unit and rater, and two that meet.
    """
    met, found = _meetings(firsts, one, other)
    known, pair = np.unique(found.code, return_inverse=True)
    number, few = len(known), len(known) <= LISTED
    if len(found.code) < met or number > PAIRS:
        resampling.report.add(resampling.rounds)
        return replace(NO_PAIRS, left_out=met)
    k, pair = len(firsts.labels), pair.reshape(-1)
    # Pairs stand side by side within each cell of their tables, so that sums over cells run along the memory.
    table = tallied(found.question, (found.first * k + found.second) * number + pair, k * k * number)

    def statistic(sums: FloatArray) -> FloatArray:
        held, raw, own = _kappas(sums, k, number)
        mean = _mean(held, own)[:, None]
        return np.hstack([mean, raw, own]) if few else mean

    total = np.asarray(table.sum(axis=0), dtype=np.float64)[None]
    values, draws = statistic(total)[0], resampling.draws(table, statistic, width=2 * table.shape[1])
    held, _, own = (each[0] for each in _kappas(total, k, number))
    each = tallied(found.question, pair, number)
    together = float(effective(each.sum(axis=1)[:, None])[0])
    mean = resampling.estimate(float(values[0]), draws[:, 0], together, (-1.0, 1.0))
    listed: list[Pair] = []
    for at, code in enumerate(known.tolist() if few else ()):
        low, high = divmod(code, len(firsts.raters))
        raw, groups = 1 + at, float(effective(each[:, at : at + 1])[0])
        agree = resampling.share(float(values[raw]), draws[:, raw], groups)
        beyond = resampling.estimate(float(values[raw + number]), draws[:, raw + number], groups, (-1.0, 1.0))
        listed.append(Pair(firsts.raters[low], firsts.raters[high], int(held[at]), agree, beyond))
    undefined = int(np.isnan(own).sum())
    return Pairs(mean, number - undefined, undefined, float(np.median(held)), tuple(listed))


@dataclass(frozen=True)
class _Meetings:
    """Two raters on one unit: `code` names the two, `first` and `second` are their labels, in the raters' order."""

    code: IntArray
    first: IntArray
    second: IntArray
    question: IntArray


def _meetings(firsts: Labelled, one: BoolArray, other: BoolArray | None) -> tuple[int, _Meetings]:
    """How often two raters met on a unit, and each time; none of them where they are more than MEETINGS."""
    left = np.flatnonzero(one[firsts.rater])
    right = left if other is None else np.flatnonzero(other[firsts.rater])
    units = firsts.unit[right]
    # The votes of `right` that each of `left` meets stand together: within one group, those after it on its unit.
    begin = np.arange(1, len(left) + 1) if other is None else np.searchsorted(units, firsts.unit[left])
    times = np.searchsorted(units, firsts.unit[left], side="right") - begin
    met = int(times.sum())
    if met > MEETINGS:
        left, begin, times = left[:0], begin[:0], times[:0]
    a = np.repeat(left, times)
    b = right[np.arange(len(a)) + np.repeat(begin - np.cumsum(times) + times, times)]
    a, b = (np.where(firsts.rater[a] < firsts.rater[b], *each) for each in ((a, b), (b, a)))
    code = firsts.rater[a] * len(firsts.raters) + firsts.rater[b]
    return met, _Meetings(code, firsts.label[a], firsts.label[b], firsts.question[firsts.unit[a]])


def _kappas(sums: FloatArray, k: int, number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The pairings, raw agreement and kappa of each pair of raters, (…, number) each, from sums of their tables."""
    tables = sums.reshape(*sums.shape[:-1], k, k, number)
    of_first, of_second = tables.sum(axis=-2), tables.sum(axis=-3)  # (…, k, number)
    held = of_first.sum(axis=-2)
    raw = ratio(sum((tables[..., label, label, :] for label in range(k)), np.zeros_like(held)), held)
    chance = ratio((of_first * of_second).sum(axis=-2), held**2)
    return held, raw, kappa(raw, np.nan_to_num(chance))


def _mean(held: FloatArray, own: FloatArray) -> FloatArray:
    """The mean of the kappas, (…, pairs), of those that are defined, weighted by their pairings."""
    weight = np.where(np.isnan(own), 0.0, held)
    return ratio((weight * np.nan_to_num(own)).sum(axis=-1), weight.sum(axis=-1))
