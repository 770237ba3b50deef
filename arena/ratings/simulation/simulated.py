"""What a simulation gives: every reply as integers, the raters as drawn, and the columns that `rate` takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.errors import BadInput
from arena.ratings.comparisons.votes import OUTCOMES
from arena.ratings.simulation.streams import Floats, Ints, Seed
from arena.ratings.simulation.truth import Truth

HUMAN = "human"
CANNOT_JUDGE = len(OUTCOMES)
"""The outcome of a rater who could not judge; the others index `arena.ratings.comparisons.votes.OUTCOMES`."""


@dataclass(frozen=True, eq=False)
class People:
    """The raters as they were drawn, each array of shape (raters,), but `effect` of (raters, contenders).

    Slopes are factors; effects, sides and thresholds are in logits.
    """

    effect: Floats
    slope: Floats
    side: Floats
    threshold: Floats
    is_rigger: NDArray[np.bool_]

    @cached_property
    def names(self) -> list[str]:
        """Their pseudonyms."""
        return numbered("sim-rater-", len(self.slope))


@dataclass(frozen=True, eq=False)
class Simulated:
    """Replies in the order of their time; every array of shape (replies,) but `category` (questions,).

    `truth` is the one stated, with the judges' biases as they were drawn. `a` and `b` index its contenders, `source`
    is 0 for raters and k for its judge k (from 1), `rater` indexes `people` (-1 for judges), `outcome` is one of
    OUTCOMES or CANNOT_JUDGE, `category` indexes `truth.categories` (-1 without any). Lengths are in characters, `time`
    in seconds from the first day on.
    """

    truth: Truth
    seed: Seed
    people: People
    category: Ints
    question: Ints
    a: Ints
    b: Ints
    source: Ints
    rater: Ints
    outcome: NDArray[np.int8]
    length_a: Ints
    length_b: Ints
    time: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.question)

    @cached_property
    def questions(self) -> list[str]:
        """The questions' ids."""
        return numbered("sim-q-", self.truth.questions.number)

    @property
    def sources(self) -> list[str]:
        """Whose replies there may be: `human`, and `judge:NAME` for each judge."""
        return [HUMAN, *(f"judge:{judge.name}" for judge in self.truth.judges)]

    def rows(self, source: str = HUMAN) -> NDArray[np.intp]:
        """The rows of one source that state a preference or a tie. Raises BadInput where there is no such source."""
        return np.flatnonzero((self.source == source_index(self.truth, source)) & (self.outcome != CANNOT_JUDGE))

    def columns(self, source: str = HUMAN) -> dict[str, NDArray[Any]]:
        """The votes of one source as `arena.ratings.rate` takes them, with `category`, `length_a` and `length_b`."""
        rows = self.rows(source)
        names = _objects(self.truth.names)
        categories = _objects([*(category.name for category in self.truth.categories), None])
        question = self.question[rows]
        voters = _objects(self.people.names) if source == HUMAN else _objects([source.removeprefix("judge:")])
        return {
            "model_a": names[self.a[rows]],
            "model_b": names[self.b[rows]],
            "winner": _objects(list(OUTCOMES))[self.outcome[rows]],
            "question_id": _objects(self.questions)[question],
            "rater": voters[self.rater[rows] if source == HUMAN else np.zeros(len(rows), dtype=np.int32)],
            "category": categories[self.category[question]],
            "length_a": self.length_a[rows],
            "length_b": self.length_b[rows],
        }


def source_index(truth: Truth, source: str) -> int:
    """0 for `human`, k for the judge k of `judge:NAME`. Raises BadInput."""
    sources = [HUMAN, *(f"judge:{judge.name}" for judge in truth.judges)]
    if source not in sources:
        raise BadInput(f"there are no votes from {source!r} in this truth; there are {', '.join(sources)}")
    return sources.index(source)


def numbered(prefix: str, count: int) -> list[str]:
    """Names whose alphabetical order is that of their numbers, from 1."""
    width = len(str(count))
    return [f"{prefix}{number:0{width}}" for number in range(1, count + 1)]


def _objects(values: list[Any]) -> NDArray[Any]:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
