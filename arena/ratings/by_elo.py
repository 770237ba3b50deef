"""Elo ratings with intervals: the votes replayed in resamples."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arena.errors import BadInput
from arena.ratings import elo
from arena.ratings.bootstrap import batches
from arena.ratings.clusters import Factor
from arena.ratings.estimates import Found, Request, centring
from arena.ratings.spreads import Spread, covariance_of, from_covariance, from_rounds, total_covariance
from arena.ratings.units import draw_equal
from arena.ratings.votes import Votes

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LOGIT = elo.BASE / math.log(10.0)
"""Elo points in a logit."""
SETTINGS: dict[str, float | str] = {"k": elo.K, "start": elo.START, "base": elo.BASE}


def by_elo(votes: Votes, request: Request, *, averaged: bool) -> Found:
    """Online Elo in the order given, or the mean over random orders; intervals by the bootstrap.

    Raises BadInput where a sandwich is asked for: Elo maximises no likelihood. And for counts, which have no order.
    """
    if request.interval == "sandwich":
        raise BadInput("Elo has no sandwich interval, because it maximises no likelihood; take interval 'bootstrap'")
    if averaged:
        votes = _single(votes)
        ratings = elo.elo_averaged(votes, seed=request.seed)
    else:
        ratings = elo.elo(votes)
    theta = (ratings - elo.START) / LOGIT
    size = len(theta)
    games = (np.bincount(votes.a, minlength=size) + np.bincount(votes.b, minlength=size)).astype(np.float64)
    spread = _spread(votes, theta, games, request, averaged=averaged)
    # Where no resample differs: what the rating would spread if each of its votes were the toss of a coin.
    toss = float(ndtri((1.0 + request.level) / 2.0)) * elo.K / 2.0 * np.sqrt(games) / LOGIT
    below, above = (np.where(np.isnan(side), toss, side) for side in (spread.below, spread.above))
    order = f"mean of {elo.ORDERS} random orders" if averaged else "as given"
    return Found(theta, below, above, spread.draws, spread.stretch, (), {**SETTINGS, "order": order})


def _single(votes: Votes) -> Votes:
    """Counts as so many votes."""
    if not votes.is_counts or votes.weight is None:
        return votes
    single = np.repeat(np.arange(len(votes.a)), votes.weight.astype(np.int64))
    return replace(
        votes,
        a=votes.a[single],
        b=votes.b[single],
        outcome=votes.outcome[single],
        question=None if votes.question is None else votes.question[single],
        rater=None if votes.rater is None else votes.rater[single],
        weight=None,
        is_counts=False,
    )


def _spread(votes: Votes, theta: FloatArray, games: FloatArray, request: Request, *, averaged: bool) -> Spread:
    centre = centring(games)
    terms: tuple[tuple[int, Factor | None], ...] = request.clustering.terms or ((1, None),)
    *generators, last = request.generators()
    rounds = [
        centre(_resampled(votes, factor, request, rng, averaged=averaged))
        for (_, factor), rng in zip(terms, generators, strict=False)
    ]
    groups = request.clustering.groups or len(votes.a)
    if len(request.clustering.factors) < 2:
        return from_rounds(centre(theta), rounds[0], request.level, groups)
    floor = covariance_of(centre(_resampled(votes, None, request, generators[-1], averaged=averaged)))
    covariance = total_covariance(request.clustering.terms, rounds)
    return from_covariance(covariance, floor, request.level, groups, request.rounds, last)


def _resampled(
    votes: Votes, factor: Factor | None, request: Request, rng: np.random.Generator, *, averaged: bool
) -> FloatArray:
    """Log-strengths of each round, (rounds, contenders), in which whole groups (or votes) are drawn."""
    if factor is None:
        row, number = np.arange(len(votes.a)), len(votes.a)
    else:
        _, row = np.unique(factor.of, return_inverse=True)
        number = factor.number
    result = np.empty((request.rounds, len(votes.contenders)))
    for begin, end in batches(request.rounds, number):
        times = np.ascontiguousarray(draw_equal(number, end - begin, rng).T)
        if averaged:
            result[begin:end] = elo.elo_averaged_resampled(votes, times, row.reshape(-1), rng)
        else:
            result[begin:end] = elo.elo_resampled(votes, times, row.reshape(-1))
        request.report.add(end - begin)
    return (result - elo.START) / LOGIT
