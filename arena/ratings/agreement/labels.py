"""Votes as labels of pairings, turned to one fixed side, so that votes with swapped sides compare."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.columns import columns_of
from arena.ratings.comparisons.meanings import ids
from arena.ratings.comparisons.votes import A_WINS, B_WINS, Votes, encode
from arena.ratings.comparisons.votes import BOTH_BAD as BOTH_BAD_OUTCOME

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
BothBadLabel = Literal["tie", "label"]
Even = Literal["tie", "both_bad"]

LABELS = ("low", "tie", "high", "both_bad")
"""Which of the two is preferred, the one whose name sorts first (`low`) or the other; the first three are in order."""
LOW, TIE, HIGH, BOTH_BAD = range(4)
SCALE = (LOW, TIE, HIGH, TIE)
"""Where each label stands on the ordinal scale: both_bad prefers neither, and so is with the ties."""
HUMAN = "human"
JUDGE = "judge:"
"""What the source of a judge's votes begins with."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Votes as labels. Arrays of votes have the shape (votes,), in the order given; those of units (units,).

    A unit is what raters can agree on: two contenders on one question (and one axis). `unit` indexes the units and
    `rater` the `raters`, -1 where nobody is named; `left` says that the contender on the left side won, `right` the
    other; `swapped` that the one whose name sorts first stood on the right. `source` indexes `sources`, and
    `source_of`, (raters,), gives a rater's. `offered`, (sources, labels), says which labels the raters of each source
    could give. `question`, (units,), indexes the questions, sorted by name; `axis` and `category`, (units,), index
    `axes` and `categories`, -1 for none.
    """

    raters: tuple[str, ...]
    sources: tuple[str, ...]
    axes: tuple[str, ...]
    categories: tuple[str, ...]
    labels: tuple[str, ...]
    unit: IntArray
    rater: IntArray
    source: IntArray
    label: IntArray
    left: BoolArray
    right: BoolArray
    swapped: BoolArray
    source_of: IntArray
    offered: BoolArray
    question: IntArray
    axis: IntArray
    category: IntArray
    warnings: tuple[str, ...]

    @property
    def is_judge(self) -> BoolArray:
        """Which raters are judges, (raters,)."""
        judges = np.array([source.startswith(JUDGE) for source in self.sources], dtype=np.bool_)
        return judges[self.source_of] if len(self.source_of) else np.zeros(0, dtype=np.bool_)

    def chosen(self, rows: npt.NDArray[np.integer] | BoolArray) -> Labelled:
        """Some of the votes; units, questions and raters keep their numbers."""
        parts = {name: getattr(self, name)[rows] for name in ("unit", "rater", "source", "label")}
        sides = {name: getattr(self, name)[rows] for name in ("left", "right", "swapped")}
        return replace(self, **parts, **sides)

    def firsts(self) -> Labelled:
        """The first vote of each rater on each unit, by unit and rater; votes of nobody are left out."""
        rows = np.flatnonzero(self.rater >= 0)
        key = self.unit[rows] * len(self.raters) + self.rater[rows]
        return self.chosen(rows[np.unique(key, return_index=True)[1]])


def label(votes: object, both_bad: BothBadLabel = "tie", offered: Collection[Even] | None = None) -> Labelled:
    """The labels of votes: columns as `encode` takes them, and `source`, `category` and `axis` where they are there.

    Without a column `source`, or where it is empty, the source is `human`. The votes of a source `judge:NAME` are of
    one rater, the judge, whoever a row names. Weights do not count. Votes that name no question are left out, as the
    warnings then say. Raters of a source could give the labels that a vote of it gives, those `offered` to all, and
    always one of the two contenders.
    Raises BadInput for what `encode` refuses, for counts, and where no vote names a question.
    """
    given = votes if isinstance(votes, Votes) else encode(votes)
    if given.is_counts:
        raise BadInput("agreement is between votes: counts do not say which votes are on one pairing")
    if given.question is None:
        raise BadInput("no vote names a question, so that nothing says which votes are on one pairing")
    extra = {} if isinstance(votes, Votes) else columns_of(votes, ("source", "category", "axis"))
    for name, column in extra.items():
        if len(column) != len(given.a):
            raise BadInput(f"column {name} has {len(column)} rows and the votes {len(given.a)}; they must be equal")
    rows = np.flatnonzero(given.question >= 0)
    sources, source = _sources(extra, rows)
    raters, rater, source_of = _raters(given, rows, sources, source)
    a, b, question = (part[rows].astype(np.int64) for part in (given.a, given.b, given.question))
    outcome = given.outcome[rows]
    axes, axis = _optional(extra, "axis", rows)
    size = len(given.contenders)
    key = (((axis + 1) * len(given.questions) + question) * size + np.minimum(a, b)) * size + np.maximum(a, b)
    _, first, unit = np.unique(key, return_index=True, return_inverse=True)
    categories, of_row = _optional(extra, "category", rows)
    swapped = a > b
    won_low = (outcome == A_WINS) & ~swapped | (outcome == B_WINS) & swapped
    won_high = (outcome <= B_WINS) & ~won_low
    labels = LABELS if both_bad == "label" else LABELS[:BOTH_BAD]
    even = np.where((outcome == BOTH_BAD_OUTCOME) & (both_bad == "label"), BOTH_BAD, TIE)
    given_label = np.where(won_low, LOW, np.where(won_high, HIGH, even)).astype(np.int64)
    return Labelled(
        raters=raters,
        sources=sources,
        axes=axes,
        categories=categories,
        labels=labels,
        unit=unit.reshape(-1).astype(np.int64),
        rater=rater,
        source=source,
        label=given_label,
        left=outcome == A_WINS,
        right=outcome == B_WINS,
        swapped=swapped,
        source_of=source_of,
        offered=_offered(source, given_label, (len(sources), len(labels)), offered or ()),
        question=question[first],
        axis=axis[first],
        category=_of_question(of_row, question, len(given.questions))[question[first]],
        warnings=_said(len(given.a) - len(rows), int((rater < 0).sum())),
    )


def _offered(source: IntArray, label: IntArray, shape: tuple[int, int], stated: Collection[Even]) -> BoolArray:
    result = np.zeros(shape, dtype=np.bool_)
    result[source, label] = True
    result[:, [LOW, HIGH]] = True
    for word in stated:  # where both_bad is no label of its own, it is a tie
        result[:, LABELS.index(word) if word in LABELS[: shape[1]] else TIE] = True
    return result


def _optional(extra: dict[str, object], name: str, rows: IntArray) -> tuple[tuple[str, ...], IntArray]:
    names, codes = ids(extra, name)
    return names, np.full(len(rows), -1, dtype=np.int64) if codes is None else codes[rows].astype(np.int64)


def _sources(extra: dict[str, object], rows: IntArray) -> tuple[tuple[str, ...], IntArray]:
    stated, codes = _optional(extra, "source", rows)
    names = tuple(sorted({*stated, HUMAN}))
    table = np.array([*(names.index(name) for name in stated), names.index(HUMAN)], dtype=np.int64)
    return _still(names, table[codes])


def _raters(
    given: Votes, rows: IntArray, sources: tuple[str, ...], source: IntArray
) -> tuple[tuple[str, ...], IntArray, IntArray]:
    """Raters are known by source and name; a judge's votes are all of the judge."""
    judges = np.array([name.startswith(JUDGE) for name in sources], dtype=np.bool_)[source]
    own = np.full(len(rows), -1, dtype=np.int64) if given.rater is None else given.rater[rows].astype(np.int64)
    own = np.where(judges, len(given.raters), own)
    width = len(given.raters) + 1
    known, code = np.unique(np.where(own < 0, -1, source * width + own), return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    if len(known) and known[0] < 0:
        known, code = known[1:], code - 1
    of, name = np.divmod(known, width)
    named = tuple(
        sources[s] if n == len(given.raters) else given.raters[n]
        for s, n in zip(of.tolist(), name.tolist(), strict=True)
    )
    return named, code, of.astype(np.int64)


def _still(names: tuple[str, ...], codes: IntArray) -> tuple[tuple[str, ...], IntArray]:
    used, again = np.unique(codes, return_inverse=True)
    return tuple(names[at] for at in used.tolist()), again.reshape(-1).astype(np.int64)


def _of_question(category: IntArray, question: IntArray, questions: int) -> IntArray:
    """The category of each question: the first that a vote on it states, -1 for none."""
    result = np.full(questions, -1, dtype=np.int64)
    told = np.flatnonzero(category >= 0)[::-1]  # the last to be written is the first that is given
    result[question[told]] = category[told]
    return result


def _said(without_question: int, without_rater: int) -> tuple[str, ...]:
    said = []
    if without_question:
        what = "1 vote was" if without_question == 1 else f"{without_question} votes were"
        said.append(f"{what} left out: no question is named.")
    if without_rater:
        what = "1 vote names" if without_rater == 1 else f"{without_rater} votes name"
        said.append(f"{what} no rater: counted for the sides only, not for agreement.")
    return tuple(said)
