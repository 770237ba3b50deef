"""Votes as integers: the one form in which all estimators see them, from columns of votes or of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.coding import Codes, looked_up, spans
from arena.ratings.comparisons.columns import columns_of
from arena.ratings.comparisons.meanings import MOST, Columns, counts, ids, labels, sides, weights

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BothBad = Literal["half", "drop"]

OUTCOMES = ("model_a", "model_b", "tie", "both_bad")
A_WINS, B_WINS, TIE, BOTH_BAD = range(4)

_VOTES = ("model_a", "model_b", "winner")
_COUNTS = ("model_a", "model_b", "wins_a", "wins_b", "ties")
_RATERS = ("rater", "judge", "worker")  # names of one column; the first that a table has is taken
_OPTIONAL = ("question_id", *_RATERS, "weight")
_COUNTED = ("wins_a", "wins_b", "ties", "both_bad")  # in the order of OUTCOMES


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes in the order given; every array of shape (rows,).

    `contenders`, `questions` and `raters` are the names that occur, sorted, and `a`, `b`, `question` and `rater` index
    them: -1 where a row has no question or rater, and None in place of the array where no row has one. `outcome`
    indexes OUTCOMES. `weight` is finite and above 0; None stands for 1 each. With `is_counts`, a row stands for
    `weight` equal votes, a whole number, and the rows have no order.
    """

    contenders: tuple[str, ...]
    questions: tuple[str, ...]
    raters: tuple[str, ...]
    a: IntArray
    b: IntArray
    outcome: npt.NDArray[np.int8]
    question: IntArray | None
    rater: IntArray | None
    weight: FloatArray | None
    is_counts: bool = False

    def counted(self, both_bad: BothBad) -> Votes:
        """The votes that enter the fit, with the contenders, questions and raters of these alone.

        With "drop", votes that found both answers bad are left out; there may be none left.
        """
        if both_bad == "half":
            return self
        return _chosen(self, np.flatnonzero(self.outcome != BOTH_BAD))

    def chosen(self, rows: npt.NDArray[np.intp]) -> Votes:
        """The votes of these rows, in their order, with the contenders, questions and raters of these alone."""
        return _chosen(self, rows)

    def single(self) -> Votes:
        """Counts as so many votes, in the order of their rows; votes as they are."""
        if not self.is_counts or self.weight is None:
            return self
        times = self.weight.astype(np.int64)
        return replace(
            self,
            a=np.repeat(self.a, times),
            b=np.repeat(self.b, times),
            outcome=np.repeat(self.outcome, times),
            question=None if self.question is None else np.repeat(self.question, times),
            rater=None if self.rater is None else np.repeat(self.rater, times),
            weight=None,
            is_counts=False,
        )

    def tally(self) -> npt.NDArray[np.int64]:
        """Wins, losses, ties and both-bad votes of each contender, shape (contenders, 4); weights do not matter."""
        cells = self._cells
        as_a, as_b = cells.sum(axis=1), cells.sum(axis=0)[:, [B_WINS, A_WINS, TIE, BOTH_BAD]]
        result: npt.NDArray[np.int64] = (as_a + as_b).astype(np.int64)
        return result

    @cached_property
    def _cells(self) -> npt.NDArray[Any]:
        """How many votes of each outcome each had as side a against each, (contenders, contenders, OUTCOMES)."""
        return _summed(self, self.weight if self.is_counts else None)


def encode(votes: object) -> Votes:
    """Check the columns `model_a, model_b, winner[, question_id, rater, weight]` and turn them to integers.

    Or, where there is no `winner`, the counts `model_a, model_b, wins_a, wins_b, ties[, both_bad][, question_id,
    rater]`: up to four rows of Votes for each, none for a count of 0. `votes` is a mapping of columns, a NumPy record
    array, or a frame of pandas, polars or pyarrow. Questions and raters are text or whole numbers, which are known by
    their digits; None, NaN, NA and empty text stand for none. A column `judge`, or else `worker`, is taken as `rater`
    where there is none of that name.

    Raises BadInput for a missing column, columns of unequal length and no rows; and, naming the first bad row (from 1)
    of the first bad column, for a name that is no text or blank, a contender compared with itself, a winner that is
    none of OUTCOMES, a question or rater of another kind, a weight that is not a finite number above 0 or too small
    beside the largest, and a count that is no whole number from 0.
    """
    columns = columns_of(votes, _VOTES + _OPTIONAL)
    if "winner" not in columns and (counted := columns_of(votes, _COUNTED)):
        return _from_counts(columns | counted)
    _check_shape(columns, _VOTES, "votes")
    contenders, a, b = sides(columns)
    outcome = labels(columns, "winner", OUTCOMES)
    questions, question = ids(columns, "question_id")
    raters, rater = ids(columns, _rater(columns))
    return Votes(contenders, questions, raters, a, b, outcome, question, rater, weights(columns))


def from_codes(
    contenders: Sequence[str],
    a: Codes,
    b: Codes,
    outcome: npt.NDArray[np.int8],
    *,
    questions: Sequence[str] = (),
    question: Codes | None = None,
    raters: Sequence[str] = (),
    rater: Codes | None = None,
) -> Votes:
    """Votes whose columns are integers already: the same as `encode` makes of the names that they stand for.

    `contenders`, `questions` and `raters` are different names in any order, and `a`, `b`, `question` and `rater`, of
    shape (rows,), index them, -1 where a vote has none; names without a vote are left out. `outcome`, (rows,), indexes
    OUTCOMES. There may be no rows. Raises BadInput for a blank contender and one compared with itself.
    """
    names, (left, right) = _by_name(contenders, a, b)
    if blank := [name for name in names if not name.strip()]:
        raise BadInput(f"{blank[0]!r} is not the name of a contender; it must be non-empty text")
    if (same := left == right).any():
        row = int(np.argmax(same))
        raise BadInput(f"row {row + 1}: {names[left[row]]!r} is compared with itself; remove the row or correct a name")
    known_questions, of_question = _by_name(questions, *(() if question is None else (question,)))
    known_raters, of_rater = _by_name(raters, *(() if rater is None else (rater,)))
    return Votes(
        names,
        known_questions,
        known_raters,
        left,
        right,
        outcome,
        of_question[0] if known_questions else None,
        of_rater[0] if known_raters else None,
        None,
    )


def _by_name(names: Sequence[str], *columns: Codes) -> tuple[tuple[str, ...], list[IntArray]]:
    """The names that occur, sorted, and the columns as indices of these. Empty text stands for none, as in `encode`."""
    occurs = np.zeros(len(names) + 1, dtype=np.bool_)
    for column in columns:
        for rows in spans(len(column)):
            occurs[column[rows]] = True
    occurs[-1] = False  # where -1 points to
    used = sorted((names[at], at) for at in np.flatnonzero(occurs).tolist() if names[at])
    table = np.full(len(names) + 1, -1, dtype=np.int32)
    table[[at for _, at in used]] = np.arange(len(used))
    return tuple(name for name, _ in used), [looked_up(table, column) for column in columns]


def _rater(columns: Columns) -> str:
    return next((name for name in _RATERS if name in columns), _RATERS[0])


def pair_counts(votes: Votes) -> tuple[FloatArray, FloatArray]:
    """Who beat whom, and who tied with whom: `wins` and `ties`, each of shape (contenders, contenders).

    `wins[i, j]` is the weight of the votes in which i beat j; `ties[i, j] = ties[j, i]` that of the ties and both-bad
    votes of the two. Without weights, and for counts, the sums are exact, and so the same for every order of the rows.
    """
    weighted = votes.weight is not None and not votes.is_counts
    cells = _summed(votes, votes.weight) if weighted else votes._cells
    wins = cells[:, :, A_WINS] + cells[:, :, B_WINS].T
    even = cells[:, :, TIE] + cells[:, :, BOTH_BAD]
    return wins.astype(np.float64, copy=False), (even + even.T).astype(np.float64, copy=False)


def _summed(votes: Votes, weight: FloatArray | None) -> npt.NDArray[Any]:
    """What the votes of each ordered pair and outcome weigh, or their number: (contenders, contenders, OUTCOMES)."""
    n = len(votes.contenders)
    number = np.int32 if len(votes.a) < 2**31 else np.int64  # the smaller, the more cells in the processor's cache
    cells = np.zeros(n * n * len(OUTCOMES), dtype=number if weight is None else np.float64)
    for rows in spans(len(votes.a)):
        key = votes.a[rows].astype(np.intp)
        key *= n
        key += votes.b[rows]
        key *= len(OUTCOMES)
        key += votes.outcome[rows]
        np.add.at(cells, key, number(1) if weight is None else weight[rows])
    return cells.reshape(n, n, len(OUTCOMES))


def _from_counts(columns: Columns) -> Votes:
    _check_shape(columns, _COUNTS, "counts")
    if "weight" in columns:
        raise BadInput("column weight: counts are whole votes and have no weight; remove the column")
    contenders, a, b = sides(columns)
    count = counts(columns, _COUNTED)
    questions, question = ids(columns, "question_id")
    raters, rater = ids(columns, _rater(columns))
    if not count.any():
        raise BadInput("there are no votes to rate: every count is 0")
    if count.sum() >= MOST:
        raise BadInput("the counts add up to more votes than can be counted exactly (2 to the power of 53)")
    row, outcome = np.nonzero(count)
    none = np.zeros(len(a), dtype=np.int8)
    rows = _chosen(Votes(contenders, questions, raters, a, b, none, question, rater, None, is_counts=True), row)
    return replace(rows, outcome=outcome.astype(np.int8), weight=count[row, outcome])


def _check_shape(columns: Columns, needed: Sequence[str], what: str) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        listed = f"{', '.join(needed[:-1])} and {needed[-1]}"
        raise BadInput(f"the {what} have no column {missing[0]}; needed are {listed}")
    measure = needed[2]
    rows = len(columns[measure])
    for name in columns:
        if len(columns[name]) != rows:
            raise BadInput(
                f"column {name} has {len(columns[name])} rows and column {measure} has {rows}; they must be equal"
            )
    if not rows:
        raise BadInput("there are no votes to rate: the table has no rows")


def _chosen(votes: Votes, rows: npt.NDArray[np.intp]) -> Votes:
    """The votes of these rows, with the contenders, questions and raters of these alone."""
    contenders, sides = _still_used(votes.contenders, np.concatenate([votes.a[rows], votes.b[rows]]))
    questions, question = _still_used(votes.questions, None if votes.question is None else votes.question[rows])
    raters, rater = _still_used(votes.raters, None if votes.rater is None else votes.rater[rows])
    return replace(
        votes,
        contenders=contenders,
        questions=questions,
        raters=raters,
        a=sides[: len(rows)],
        b=sides[len(rows) :],
        outcome=votes.outcome[rows],
        question=question if questions else None,
        rater=rater if raters else None,
        weight=None if votes.weight is None else votes.weight[rows],
    )


def _still_used(names: Sequence[str], codes: IntArray | None) -> tuple[tuple[str, ...], IntArray]:
    if codes is None:
        return (), np.zeros(0, dtype=np.int32)
    occurs = np.zeros(len(names) + 1, dtype=np.bool_)
    occurs[codes] = True
    occurs[-1] = False  # where -1 points to
    table = np.where(occurs, np.cumsum(occurs) - 1, -1).astype(np.int32)
    return tuple(names[at] for at in np.flatnonzero(occurs).tolist()), table[codes]
