"""Elo ratings with intervals: the votes replayed in resamples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.comparisons.votes import Votes
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.bootstrap import BATCH_NUMBERS, BATCH_ROUNDS
from arena.ratings.intervals.clusters import Factor
from arena.ratings.intervals.estimates import Found, Request, centring, groups_of
from arena.ratings.intervals.spreads import Spread, covariance_of, from_covariance, from_rounds, total_covariance
from arena.ratings.intervals.units import draw_equal
from arena.ratings.models import elo

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LOGIT = elo.BASE / math.log(10.0)
"""Elo points in a logit."""
LEAST_ROUNDS = 100
"""Rounds that a batch has at least, however many votes there are: each batch is a pass over all votes."""
MOST_DRAWS = 40_000_000
"""Draws, of one byte each, up to which a batch has so many rounds."""
SETTINGS: dict[str, float | str] = {"k": elo.K, "start": elo.START, "base": elo.BASE}


def by_elo(votes: Votes, request: Request, *, averaged: bool) -> Found:
    """Online Elo in the order given, or the mean over random orders; intervals by the bootstrap.

    Averaged Elo takes votes one by one (`Votes.single`). Raises BadInput where a sandwich is asked for, since Elo
    maximises no likelihood, and, in the order given, for counts, which have none.
    """
    if request.interval == "sandwich":
        raise BadInput("Elo has no sandwich interval, because it maximises no likelihood; take interval 'bootstrap'")
    ratings = _averaged(votes, request) if averaged else elo.elo(votes)
    theta = (ratings - elo.START) / LOGIT
    size = len(theta)
    weight = np.ones(len(votes.a)) if votes.weight is None else votes.weight
    games, squares = (
        (np.bincount(votes.a, each, size) + np.bincount(votes.b, each, size)).astype(np.float64)
        for each in (weight, weight**2)
    )
    spread = _spread(votes, theta, games, request, averaged=averaged)
    # Where no resample differs: what the rating would spread if each of its votes were the toss of a coin.
    toss = float(ndtri((1.0 + request.level) / 2.0)) * elo.K / 2.0 * np.sqrt(squares) / LOGIT
    below, above = (np.where(np.isnan(side), toss, side) for side in (spread.below, spread.above))
    order = f"mean of {elo.ORDERS} random orders" if averaged else "as given"
    warnings = (caveats.one_order(),) if averaged else ()
    return Found(theta, below, above, spread.draws, spread.freedom, warnings, {**SETTINGS, "order": order})


def _averaged(votes: Votes, request: Request) -> FloatArray:
    """The ratings of averaged Elo, whose orders are part of the work reported."""
    report = request.report
    report.total += elo.ORDERS
    return elo.elo_averaged(votes, seed=request.seed, progress=lambda done, _: report.add(done - report.done))


def _spread(votes: Votes, theta: FloatArray, games: FloatArray, request: Request, *, averaged: bool) -> Spread:
    centre = centring(games)
    terms: tuple[tuple[int, Factor | None], ...] = request.clustering.terms or ((1, None),)
    *generators, last = request.generators()
    rounds = [
        centre(_resampled(votes, factor, request, rng, averaged=averaged))
        for (_, factor), rng in zip(terms, generators, strict=False)
    ]
    groups = groups_of(Ballots.of(votes), np.arange(len(theta)), request.clustering)
    if len(request.clustering.factors) < 2:
        return from_rounds(centre(theta), rounds[0], np.zeros((len(theta), len(theta))), request.level, groups)
    floor = covariance_of(centre(_resampled(votes, None, request, generators[-1], averaged=averaged)))
    covariance = total_covariance(request.clustering.terms, rounds)
    return from_covariance(covariance, floor, request.level, groups, request.rounds, last, moderated=True)


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
    for begin, end in _batches(request.rounds, number):
        times = _drawn(number, end - begin, rng)
        if averaged:
            result[begin:end] = elo.elo_averaged_resampled(votes, times, row.reshape(-1), rng)
        else:
            result[begin:end] = elo.elo_resampled(votes, times, row.reshape(-1))
        request.report.add(end - begin)
    return (result - elo.START) / LOGIT


def _batches(rounds: int, number: int) -> Iterator[tuple[int, int]]:
    """Rounds [begin, end) to do at once, where a round draws so many groups (or votes)."""
    few = min(BATCH_ROUNDS, BATCH_NUMBERS // number)
    size = max(1, few, min(LEAST_ROUNDS, MOST_DRAWS // number))
    for begin in range(0, rounds, size):
        yield begin, min(begin + size, rounds)


def _drawn(number: int, rounds: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """How often each of so many units is drawn, (rounds, number).

    A byte holds it: of many units, one is drawn more than 255 times with a probability of 1 / 256! or so.
    """
    times = np.empty((rounds, number), dtype=np.uint8)
    size = max(1, BATCH_NUMBERS // number)
    for begin in range(0, rounds, size):
        some = times[begin : begin + size]
        some[:] = draw_equal(number, len(some), rng).T
    return times
