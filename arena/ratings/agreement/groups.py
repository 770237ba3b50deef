"""Groups of raters, and how far they agree: every coefficient with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.coefficients import Sums, between, coefficients, within
from arena.ratings.agreement.labels import SCALE, TIE, Labelled
from arena.ratings.agreement.pairs import cohen
from arena.ratings.agreement.resampling import NOTHING, Estimate, Resampling, by_question, effective, ratio
from arena.ratings.agreement.result import NAMES, Comparison

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SHARES = ("tie_rate", "raw")
"""Figures that are shares, and so cannot be negative."""
LEAST = {"gwet_ac2": -1.7}
"""Below -1: where three points of a scale are given alike and nobody agrees, chance expects 17/27."""


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
    one = counts_of(firsts, group.one)
    other = None if group.other is None else counts_of(firsts, group.other)
    columns = within(one) if other is None else between(one, other)
    k = len(firsts.labels)
    sums = Sums.unpacked(columns, k)
    meant = group.one if group.other is None else group.one | group.other
    used = sums.pairs > 0
    held = firsts.chosen(meant[firsts.rater] & used[firsts.unit])
    if not used.any():
        resampling.report.add(2 * resampling.rounds)
        return Comparison(
            group.kind, group.judge, 0, 0, 0, 0, dict.fromkeys(NAMES, NOTHING), cohen(held, *_two(group), resampling)
        )
    judged = sums.judged > 0
    table = by_question(firsts.question[judged], columns[judged])
    figures = _figures(table, k, resampling)
    pairs = cohen(held, *_two(group), resampling)
    return Comparison(
        group.kind,
        group.judge,
        len(np.unique(held.rater)),
        len(np.unique(firsts.question[used])),
        int(used.sum()),
        len(held.unit),
        {name: pairs.mean if name == "cohen" else figures[name] for name in NAMES},
        pairs,
    )


def _two(group: Groups) -> tuple[BoolArray, BoolArray]:
    return group.one, group.one if group.other is None else group.other


def _figures(table: FloatArray, k: int, resampling: Resampling) -> dict[str, Estimate]:
    """Everything but Cohen's kappa, from what each question adds to the sums."""
    names: list[str] = []

    def statistic(packed: FloatArray) -> FloatArray:
        sums = Sums.unpacked(packed, k)
        ties = sums.labels[..., [at for at in range(k) if SCALE[at] == TIE]].sum(axis=-1)
        found = {"tie_rate": ratio(ties, sums.labels.sum(axis=-1)), **coefficients(sums, SCALE[:k])}
        names[:] = found
        return np.stack(list(found.values()), axis=-1)

    values = statistic(table.sum(axis=0)[None])[0].tolist()
    draws = resampling.draws(table, statistic)
    groups = float(effective(Sums.unpacked(table, k).pairs[:, None])[0])
    return {
        name: resampling.share(value, drawn, groups)
        if name in SHARES
        else resampling.estimate(value, drawn, groups, (LEAST.get(name, -1.0), 1.0))
        for name, value, drawn in zip(names, values, draws.T, strict=True)
    }
