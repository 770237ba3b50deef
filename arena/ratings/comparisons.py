"""Votes as integers, and what was counted of them: all that the estimators see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BothBad = Literal["half", "drop"]

OUTCOMES = ("model_a", "model_b", "tie", "both_bad")
A_WINS, B_WINS, TIE, BOTH_BAD = range(4)


@dataclass(frozen=True)
class Votes:
    """The votes in the order given. `a`, `b` index `contenders`, `outcome` indexes OUTCOMES; all of shape (votes,).

    `contenders` are the names that occur, sorted. `question` indexes the sorted `questions`; -1 where a vote has none.
    """

    contenders: tuple[str, ...]
    questions: tuple[str, ...]
    a: IntArray
    b: IntArray
    outcome: IntArray
    question: IntArray

    def counted(self, both_bad: BothBad) -> Votes:
        """The votes that enter the fit, with the contenders and questions that these name."""
        return self if both_bad == "half" else _without(self, BOTH_BAD)


@dataclass(frozen=True)
class Comparisons:
    """Counts in distinct cells of cluster × pair, sorted: the same for every order of the votes and of their sides.

    `cluster` indexes `clusters`, and `first` < `second` index `contenders`; each of shape (cells,). `counts` of shape
    (cells, 4) holds the wins of `first`, the wins of `second`, the ties, and the votes that found both bad.
    """

    contenders: tuple[str, ...]
    clusters: tuple[str, ...]
    cluster: IntArray
    first: IntArray
    second: IntArray
    counts: IntArray


def encode(votes: Mapping[str, Iterable[object]]) -> Votes:
    """Check the columns `model_a, model_b, winner[, question_id]` and turn them to integers.

    Raises BadInput, naming the row (from 1) and the column, for a missing column, columns of unequal length, no rows, a
    winner that is none of OUTCOMES, a name that is empty or no text, and a contender compared with itself.
    """
    columns = _columns(votes)
    names_a = [_name(value, row, "model_a") for row, value in enumerate(columns["model_a"], start=1)]
    names_b = [_name(value, row, "model_b") for row, value in enumerate(columns["model_b"], start=1)]
    for row, (name_a, name_b) in enumerate(zip(names_a, names_b, strict=True), start=1):
        if name_a == name_b:
            raise BadInput(f"row {row}, model_b: {name_b!r} is compared with itself; remove the row or correct a name")
    outcome = [_outcome(value, row) for row, value in enumerate(columns["winner"], start=1)]
    keys = [_question(value, row) for row, value in enumerate(columns["question_id"], start=1)]
    contenders = tuple(sorted({*names_a, *names_b}))
    questions = tuple(sorted({key for key in keys if key is not None}))
    at = {name: index for index, name in enumerate(contenders)}
    place: dict[str | None, int] = {key: index for index, key in enumerate(questions)}
    return Votes(
        contenders=contenders,
        questions=questions,
        a=np.array([at[name] for name in names_a], dtype=np.int64),
        b=np.array([at[name] for name in names_b], dtype=np.int64),
        outcome=np.array(outcome, dtype=np.int64),
        question=np.array([place.get(key, -1) for key in keys], dtype=np.int64),
    )


def count(votes: Votes, *, by_question: bool) -> Comparisons:
    """Count the votes in cells of question × pair, or of the pair alone. By question, each vote must have one."""
    cluster = votes.question if by_question else np.zeros_like(votes.a)
    if by_question and (cluster < 0).any():
        raise BadInput(f"row {int(np.argmax(cluster < 0)) + 1}, question_id: is missing, and every vote needs one here")
    turned = votes.a > votes.b
    n = len(votes.contenders)
    first, second = np.where(turned, votes.b, votes.a), np.where(turned, votes.a, votes.b)
    keys, cell = np.unique((cluster * n + first) * n + second, return_inverse=True)
    # A win of side a is a win of `second` where the sides were turned; ties are what they are.
    outcome = np.where(turned & (votes.outcome <= B_WINS), 1 - votes.outcome, votes.outcome)
    counts = np.zeros((len(keys), len(OUTCOMES)), dtype=np.int64)
    np.add.at(counts, (cell, outcome), 1)
    clusters = votes.questions if by_question else ("",)
    return Comparisons(votes.contenders, clusters, keys // (n * n), keys // n % n, keys % n, counts)


def tally(votes: Votes) -> IntArray:
    """Wins, losses, ties and both-bad votes of each contender, shape (contenders, 4)."""
    lost = np.where(votes.outcome <= B_WINS, 1 - votes.outcome, votes.outcome)
    result = np.zeros((len(votes.contenders), len(OUTCOMES)), dtype=np.int64)
    np.add.at(result, (votes.a, votes.outcome), 1)
    np.add.at(result, (votes.b, lost), 1)
    return result


def points(comparisons: Comparisons) -> FloatArray:
    """Who scored how much against whom, shape (contenders, contenders): a win is 1, a tie or both bad ½ for each."""
    n = len(comparisons.contenders)
    result = np.zeros((n, n))
    half = 0.5 * (comparisons.counts[:, TIE] + comparisons.counts[:, BOTH_BAD])
    np.add.at(result, (comparisons.first, comparisons.second), comparisons.counts[:, A_WINS] + half)
    np.add.at(result, (comparisons.second, comparisons.first), comparisons.counts[:, B_WINS] + half)
    return result


def _columns(votes: Mapping[str, Iterable[object]]) -> dict[str, list[object]]:
    missing = [name for name in ("model_a", "model_b", "winner") if name not in votes]
    if missing:
        raise BadInput(f"the votes have no column {missing[0]}; needed are model_a, model_b and winner")
    columns = {name: list(votes[name]) for name in ("model_a", "model_b", "winner")}
    rows = len(columns["winner"])
    columns["question_id"] = list(votes["question_id"]) if "question_id" in votes else [None] * rows
    for name, values in columns.items():
        if len(values) != rows:
            raise BadInput(f"column {name} has {len(values)} rows and column winner has {rows}; they must be equal")
    if not rows:
        raise BadInput("there are no votes to rate: the table has no rows")
    return columns


def _name(value: object, row: int, column: str) -> str:
    if isinstance(value, str) and value.strip():
        return str(value)
    raise BadInput(f"row {row}, {column}: {_shown(value)} is not the name of a contender; it must be non-empty text")


def _outcome(value: object, row: int) -> int:
    if isinstance(value, str) and value in OUTCOMES:
        return OUTCOMES.index(value)
    raise BadInput(f"row {row}, winner: {_shown(value)} is none of {', '.join(OUTCOMES)}")


def _question(value: object, row: int) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str | int | np.integer) and not isinstance(value, bool):
        return str(value)
    raise BadInput(f"row {row}, question_id: {_shown(value)} is neither text nor a whole number")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _without(votes: Votes, outcome: int) -> Votes:
    kept = votes.outcome != outcome
    a, b, question = votes.a[kept], votes.b[kept], votes.question[kept]
    names, sides = np.unique(np.concatenate([a, b]), return_inverse=True)
    used = np.unique(question[question >= 0])
    return Votes(
        contenders=_chosen(votes.contenders, names),
        questions=_chosen(votes.questions, used),
        a=sides[: len(a)].astype(np.int64),
        b=sides[len(a) :].astype(np.int64),
        outcome=votes.outcome[kept],
        question=np.where(question < 0, -1, np.searchsorted(used, question)).astype(np.int64),
    )


def _chosen(names: Sequence[str], indices: IntArray) -> tuple[str, ...]:
    return tuple(names[index] for index in indices)
