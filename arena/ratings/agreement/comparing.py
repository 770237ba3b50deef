"""The one call: votes in, agreement out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, get_args

import numpy as np

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.agreement.consistency import consistency
from arena.ratings.agreement.groups import Groups, compare, counts_of, groups_of
from arena.ratings.agreement.labels import BothBadLabel, Even, Labelled, label
from arena.ratings.agreement.plurality import plurality
from arena.ratings.agreement.position import position
from arena.ratings.agreement.resampling import Resampling
from arena.ratings.agreement.result import Agreement, Comparison, Part
from arena.ratings.intervals.bootstrap import Progress, Report
from arena.ratings.settings import check_numbers

Field = Literal["category", "axis"]

SPARSE = 10
"""Pairings that two raters should share before their kappa tells much."""


def agreement(
    votes: object,
    *,
    by: Sequence[Field] = (),
    both_bad: BothBadLabel = "tie",
    offered: Collection[Even] | None = None,
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Agreement:
    """How far raters agree, on `votes` with the columns `model_a, model_b, winner, question_id, rater[, source]`.

    `source` is `human` or `judge:NAME`; with the columns `category` or `axis`, and where `by` names them, each of their
    values is told of by itself, too. A column `axis` always keeps votes on different axes apart. With `both_bad`
    "tie", such votes are ties; with "label" a label of their own (but a tie to the ordinal coefficients). `offered`
    says which of `tie` and `both_bad` raters could choose; None: what some vote of their source is. What is not offered
    is no label, and no chance of agreeing.
    `progress(done, total)` is called now and then. docs/methods.md explains the figures.

    >>> given = {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["model_a", "model_a"]}
    >>> found = agreement(given | {"question_id": ["q", "q"], "rater": ["ann", "bob"]})
    >>> found.overall.comparisons[0].figures["raw"].value
    1.0

    Raises BadInput for votes or settings that cannot be used.
    """
    check_numbers(rounds, level, seed)
    _check_words(by, both_bad, offered or ())
    labelled = label(votes, both_bad, offered)
    firsts = labelled.firsts()
    scopes = [(None, None, firsts), *(scope for field in by for scope in _split(firsts, field))]
    groups = groups_of(labelled)
    sources = range(len(labelled.sources))
    report = Report(progress, 2 * int(rounds) * (len(scopes) * len(groups) + len(sources)))
    loud = Resampling(int(rounds), float(level), int(seed), report)
    quiet = Resampling(int(rounds), float(level), int(seed), Report(None, 0))
    overall, *parts = (_part(field, value, scope, groups, loud, quiet) for field, value, scope in scopes)
    repeats, sides = [], []
    for source in sources:
        repeats.append(consistency(labelled, source, quiet))
        sides.append(position(labelled, source, quiet))
        report.add(2 * int(rounds))
    return Agreement(
        votes=len(labelled.unit),
        labels=tuple(labelled.labels[at] for at in np.flatnonzero(labelled.offered.any(axis=0)).tolist()),
        overall=overall,
        parts=tuple(parts),
        position=tuple(side for side in sides if side is not None),
        consistency=tuple(found for found in repeats if found is not None),
        warnings=(*labelled.warnings, *_warnings(labelled, overall, parts, any(repeats), offered is None)),
        settings={
            "both_bad": both_bad,
            "labels": "given" if offered is None else "offered",
            "interval": "bootstrap",
            "cluster": "question",
            "rounds": int(rounds),
            "level": float(level),
            "seed": int(seed),
        },
    )


def _check_words(by: Sequence[str], both_bad: str, offered: Collection[str]) -> None:
    for field in by:
        if field not in get_args(Field):
            raise BadInput(f"by must name any of {', '.join(get_args(Field))}, not {field!r}")
    if both_bad not in get_args(BothBadLabel):
        raise BadInput(f"both_bad must be one of {', '.join(get_args(BothBadLabel))}, not {both_bad!r}")
    for word in offered:
        if word not in get_args(Even):
            raise BadInput(f"offered must name any of {', '.join(get_args(Even))}, not {word!r}")


def _split(firsts: Labelled, field: Field) -> list[tuple[str, str, Labelled]]:
    """The votes of each value of the field, in the values' order."""
    values, of = (firsts.axes, firsts.axis) if field == "axis" else (firsts.categories, firsts.category)
    if not values:
        raise BadInput(f"no vote states a {field}; leave it out of `by`, or add the column {field}")
    scopes = [(field, value, firsts.chosen(of[firsts.unit] == at)) for at, value in enumerate(values)]
    return [scope for scope in scopes if len(scope[2].unit)]


def _part(
    field: str | None,
    value: str | None,
    firsts: Labelled,
    groups: Sequence[Groups],
    resampling: Resampling,
    quiet: Resampling,
) -> Part:
    comparisons = tuple(compare(firsts, group, resampling) for group in groups)
    pluralities = []
    for group in groups:
        if group.judge is not None and group.other is not None:
            humans, judged = counts_of(firsts, group.one), counts_of(firsts, group.other)
            pluralities.append(plurality(group.judge, humans, judged, firsts.question, quiet))
    return Part(field, value, comparisons, tuple(found for found in pluralities if found is not None))


def _warnings(labelled: Labelled, overall: Part, parts: Sequence[Part], repeats: bool, guessed: bool) -> list[str]:
    told = []
    questions = len(np.unique(labelled.question))
    if questions == 1:
        told.append("All votes are on one question: there are no intervals.")
    elif questions < caveats.FEW_UNITS:
        told.append(caveats.few_units("question", questions))
    rough = [str(part.value) for part in parts if any(0 < c.questions < caveats.FEW_UNITS for c in part.comparisons)]
    if rough:
        told.append(f"Fewer than {caveats.FEW_UNITS} questions, so that intervals are rough: {caveats.listed(rough)}.")
    if guessed:
        told += _never_given(labelled, overall)
    for comparison in overall.comparisons:
        who = _who(comparison)
        if not comparison.units:
            told.append(f"{who}: no pairing was judged by two of them.")
        elif comparison.pairs.left_out:
            told.append(
                f"{who}: two raters met on a pairing {comparison.pairs.left_out:,} times, in too many pairs of raters"
                " to go through each: there is no Cohen's kappa."
            )
        elif comparison.pairs.median is not None and comparison.pairs.median < SPARSE:
            told.append(
                f"{who}: two raters share {comparison.pairs.median:g} pairings (median), too few for a kappa of their"
                " own; Cohen's mean is drawn towards 0, and the other coefficients are to be read instead."
            )
    if not repeats:
        told.append("No rater judged a pairing twice: nothing can be said of self-consistency.")
    return told


def _never_given(labelled: Labelled, overall: Part) -> list[str]:
    """What is taken not to have been offered, since no vote gives it."""
    told = []
    for name in labelled.labels:
        of = [_who(comparison) for comparison in overall.comparisons if name not in comparison.labels]
        if of:
            told.append(
                f"No vote is a {name} ({caveats.listed(of)}): Randolph's kappa, AC1 and AC2 take it that none was"
                " offered. Had it been, they would be higher."
            )
    return told


def _who(comparison: Comparison) -> str:
    return comparison.kind if comparison.judge is None else f"{comparison.kind} ({comparison.judge})"
