"""Small studies of people and a judge as columns, for the tests of combining."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arena.ratings import Votes
from benchmarks.judged import Cell, simulate

Columns = dict[str, list[str]]

OUTCOMES = ("model_a", "model_b", "tie", "both_bad")
BASE = Cell("test", share=0.25, bias=0.3, slope=1.0, sd=1.5, questions=120, pairs=6)


def columns(votes: Votes, rows: Sequence[int] | None = None) -> Columns:
    """Votes as a table of names."""
    assert votes.question is not None
    at = range(len(votes.a)) if rows is None else rows
    found = {
        "model_a": [votes.contenders[votes.a[row]] for row in at],
        "model_b": [votes.contenders[votes.b[row]] for row in at],
        "winner": [OUTCOMES[votes.outcome[row]] for row in at],
        "question_id": [votes.questions[votes.question[row]] for row in at],
    }
    if votes.rater is not None:
        found["rater"] = [votes.raters[votes.rater[row]] for row in at]
    return found


def world(seed: int = 0, cell: Cell = BASE) -> tuple[Columns, Columns]:
    """The votes of people, and the judge's."""
    human, judge, _ = simulate(cell, (7, seed))
    return columns(human), columns(judge)


def only(votes: Columns, keep: Sequence[bool] | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Columns:
    """The rows that are kept."""
    return {name: [value for value, kept in zip(column, keep, strict=True) if kept] for name, column in votes.items()}
