"""Online Elo: the rating moves after each vote, so that the result depends on the votes' order."""

from __future__ import annotations

import math

import numpy as np

from arena.ratings.comparisons import FloatArray, IntArray, Votes

K = 4.0
"""Points that a vote can move at most. A small K suits a settled field: a new contender needs hundreds of votes."""
START = 1000.0
BASE = 400.0
"""A lead of 400 points means odds of 10 to 1."""

_SCORE = (1.0, 0.0, 0.5, 0.5)
"""What side a scores for each outcome."""


def expected_score(rating: float, opponent: float) -> float:
    """The chance that `rating` wins against `opponent`, in Elo points: above ½ for the higher-rated (Elo 1978)."""
    return 1.0 / (1.0 + math.pow(10.0, (opponent - rating) / BASE))


def elo(votes: Votes) -> FloatArray:
    """Ratings in Elo points after all the votes, in the order given, shape (contenders,). Their mean stays START."""
    ratings = [START] * len(votes.contenders)
    for a, b, outcome in zip(votes.a.tolist(), votes.b.tolist(), votes.outcome.tolist(), strict=True):
        move = K * (_SCORE[outcome] - expected_score(ratings[a], ratings[b]))
        ratings[a] += move
        ratings[b] -= move
    return np.array(ratings)


def elo_resampled(votes: Votes, times: IntArray, row: IntArray) -> FloatArray:
    """The same for a batch of resamples, shape (batch, contenders): a vote drawn k times counts k times running.

    `times` of shape (batch, units) says how often each unit was drawn; `row` of shape (votes,) names a vote's unit.
    """
    batch = len(times)
    ratings = np.full((len(votes.contenders), batch), START)
    drawn = np.ascontiguousarray(times.T)
    repeats = drawn.max(axis=1)
    slope = math.log(10.0) / BASE
    for a, b, outcome, unit in zip(
        votes.a.tolist(), votes.b.tolist(), votes.outcome.tolist(), row.tolist(), strict=True
    ):
        for done in range(int(repeats[unit])):
            surprise = _SCORE[outcome] - 1.0 / (1.0 + np.exp(slope * (ratings[b] - ratings[a])))
            move = np.where(drawn[unit] > done, K * surprise, 0.0)
            ratings[a] += move
            ratings[b] -= move
    return ratings.T
