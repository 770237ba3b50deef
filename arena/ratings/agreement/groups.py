"""Groups of raters, and how far they agree: every coefficient with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.coefficients import Sums, between, coefficients, within
from arena.ratings.agreement.labels import SCALE, TIE, Labelled
from arena.ratings.agreement.pairs import NO_PAIRS, cohen
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, by_question, effective, ratio
from arena.ratings.agreement.result import NAMES, Comparison

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SHARES = ("tie_rate", "raw")
"""Figures that are shares, and so cannot be negative."""
LEAST = {"gwet_ac2": -1.7, "fleiss": -np.inf}
"""Below -1: where three points of a scale are given alike and nobody agrees, chance expects 17/27; and pairings that
one rater judged may bring what chance expects near 1."""


@dataclass(frozen=True)
class Groups:
    """Raters to compare: all pairs within `one`, or, where `other` is another group, one from each; (raters,) each."""

    kind: str
    judge: str | None
    one: BoolArray
    other: BoolArray | None


def groups_of(labelled: Labelled) -> list[Groups]:
    """People among themselves; people and each judge, and all judges; judges among themselves: what there is of it."""
    judges = labelled.is_judge
    people, each = ~judges, np.flatnonzero(judges)
    found = []
    if people.sum() > 1:
        found.append(Groups("human-human", None, people, None))
    if people.any():
        found += [
            Groups("human-judge", labelled.raters[judge], people, np.arange(len(judges)) == judge)
            for judge in each.tolist()
        ]
        if len(each) > 1:
            found.append(Groups("human-judge", None, people, judges))
    if len(each) > 1:
        found.append(Groups("judge-judge", None, judges, None))
    return found


def counts_of(firsts: Labelled, group: BoolArray) -> FloatArray:
    """How often raters of the group gave each label to each unit, (units, labels)."""
    k, rows = len(firsts.labels), group[firsts.rater]
    cell = firsts.unit[rows] * k + firsts.label[rows]
    return np.bincount(cell, minlength=len(firsts.question) * k).reshape(-1, k).astype(np.float64)


def compare(firsts: Labelled, group: Groups, resampling: Resampling) -> Comparison:
    """How far the raters agree in the first votes of each on each unit; None throughout where no two met."""
    meant = group.one if group.other is None else group.one | group.other
    offered = np.flatnonzero(firsts.offered[firsts.source_of[meant]].any(axis=0))
    labels = tuple(firsts.labels[at] for at in offered.tolist())
    one = counts_of(firsts, group.one)[:, offered]
    other = None if group.other is None else counts_of(firsts, group.other)[:, offered]
    columns = within(one) if other is None else between(one, other)
    sums = Sums.unpacked(columns, len(labels))
    used = sums.pairs > 0
    held = firsts.chosen(meant[firsts.rater] & used[firsts.unit])
    if not used.any():
        resampling.report.add(2 * resampling.rounds)
        return Comparison(group.kind, group.judge, labels, 0, 0, 0, 0, dict.fromkeys(NAMES, NOTHING), NO_PAIRS)
    judged = sums.judged > 0
    table = by_question(firsts.question[judged], columns[judged])
    figures = _figures(table, offered, resampling)
    pairs = cohen(held, group.one, group.other, resampling)
    return Comparison(
        group.kind,
        group.judge,
        labels,
        len(np.unique(held.rater)),
        len(np.unique(firsts.question[used])),
        int(used.sum()),
        len(held.unit),
        {name: pairs.mean if name == "cohen" else figures[name] for name in NAMES},
        pairs,
    )


def _figures(table: FloatArray, offered: IntArray, resampling: Resampling) -> dict[str, Estimate]:
    """Everything but Cohen's kappa, from what each question adds to the sums over the labels `offered`, (K,)."""
    k, places = len(offered), np.array(SCALE)[offered]
    scale = np.unique(places, return_inverse=True)[1].tolist()  # without the points that nobody was offered
    names: list[str] = []

    def statistic(packed: FloatArray) -> FloatArray:
        sums = Sums.unpacked(packed, k)
        ties = sums.labels[..., places == TIE].sum(axis=-1)
        found = {"tie_rate": ratio(ties, sums.labels.sum(axis=-1)), **coefficients(sums, scale)}
        names[:] = found
        return np.stack(list(found.values()), axis=-1)

    values = statistic(table.sum(axis=0)[None])[0].tolist()
    draws = resampling.draws(table, statistic)
    weights = Sums.unpacked(table, k)
    units, votes = effective(np.column_stack([weights.pairs, weights.labels.sum(axis=-1)])).tolist()
    return {
        name: resampling.share(value, drawn, votes if name == "tie_rate" else units)
        if name in SHARES
        else resampling.estimate(value, drawn, units, (LEAST.get(name, -1.0), 1.0))
        for name, value, drawn in zip(names, values, draws.T, strict=True)
    }
