"""Human and judge votes as one list, as if all came from people: never done unless it is asked for by name."""

from __future__ import annotations

import numpy as np

from arena.ratings.comparisons.votes import Votes
from arena.ratings.prediction_powered.sources import Sources

POOLED = (
    "POOLED AS EQUALS: the judge's votes are counted as if people had cast them. Whatever bias the judge has goes into"
    " the ratings, and the intervals do not show it."
)


def pooled(sources: Sources, judge: str) -> Votes:
    """All votes in one table; those of the judge are of a rater of its own where the human votes name raters."""
    human, other = sources.human.single(), sources.judge.single()
    assert human.question is not None  # each vote names its question
    assert other.question is not None
    weighted = human.weight is not None or other.weight is not None
    raters, rater = human.raters, None
    if human.rater is not None:
        raters = (*human.raters, judge)
        rater = np.append(human.rater, np.full(len(other.a), len(human.raters), dtype=np.int32))
    return Votes(
        contenders=human.contenders,
        questions=sources.questions,
        raters=raters,
        a=np.append(human.a, other.a),
        b=np.append(human.b, other.b),
        outcome=np.append(human.outcome, other.outcome),
        question=np.append(sources.human_at[human.question], sources.judge_at[other.question]).astype(np.int32),
        rater=rater,
        weight=np.append(_weights(human), _weights(other)) if weighted else None,
    )


def _weights(votes: Votes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.ones(len(votes.a)) if votes.weight is None else votes.weight
