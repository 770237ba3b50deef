"""The one call that puts the parts together: votes in, leaderboard out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.votes import BothBad, Votes, encode, pair_counts
from arena.ratings.intervals.bootstrap import Progress, Report
from arena.ratings.intervals.by_elo import by_elo
from arena.ratings.intervals.clusters import Cluster, Clustering, Estimand, choose
from arena.ratings.intervals.estimates import Request
from arena.ratings.intervals.likelihood import by_likelihood
from arena.ratings.models.elo import BASE, START
from arena.ratings.models.model import MODELS
from arena.ratings.ranks import rank_sets
from arena.ratings.result import Board, Interval
from arena.ratings.rows import Estimates, make_rows
from arena.ratings.settings import IntervalMethod, Method, check_anchor, check_contenders, check_numbers, check_words

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SCALE = BASE / math.log(10.0)
"""Elo points in a logit."""
MEAN = START
"""The mean rating of an island's contenders where no anchor is given."""


def rate(
    votes: object,
    *,
    method: Method = "bradley-terry",
    interval: IntervalMethod = "bootstrap",
    cluster: Cluster = "auto",
    estimand: Estimand = "questions-like-these",
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    anchor: tuple[str, float] | None = None,
    both_bad: BothBad = "half",
    study: str | None = None,
    ledger: Mapping[str, object] | None = None,
    contenders: Sequence[str] = (),
    progress: Progress | None = None,
) -> Board:
    """Rate the contenders of `votes`: a frame or mapping of columns, of votes or of counts (`votes.encode`).

    The settings are explained in docs/methods.md. `anchor` (name, value) shifts all ratings so that this contender has
    that value; `contenders` are further names, listed as unrated; `progress(done, rounds)` is called now and then.

    >>> rate({"model_a": ["x", "y", "x"], "model_b": ["y", "x", "y"], "winner": ["model_a", "model_a", "tie"]}).votes
    3

    Raises BadInput for votes or settings that cannot be used.
    """
    check_words(method, interval, cluster, estimand, both_bad)
    check_numbers(rounds, level, seed)
    check_anchor(anchor)
    check_contenders(contenders)
    rounds, level, seed = int(rounds), float(level), int(seed)  # NumPy's own numbers are no JSON
    given = votes if isinstance(votes, Votes) else encode(votes)
    counted = given.counted(both_bad)
    if method == "elo-averaged":
        counted = counted.single()
    if not len(counted.a):
        raise BadInput('every vote found both answers bad and such votes are left out; rate with both_bad "half"')
    wins, ties = pair_counts(counted)
    points = wins + ties / 2.0
    island = connectivity.islands(points)
    clustering = choose(counted, cluster, estimand)
    request = Request(
        interval, clustering, rounds, level, seed, Report(progress, rounds * _bootstraps(method, clustering))
    )
    if method == "elo" or method == "elo-averaged":
        found = by_elo(counted, request, averaged=method == "elo-averaged")
    else:
        found = by_likelihood(counted, wins, ties, island, MODELS[method], request)
    shift, anchored = _shift(anchor, counted.contenders, MEAN + SCALE * found.theta)
    ratings = MEAN + SCALE * found.theta + shift
    sets = rank_sets(found.theta, found.theta + found.draws, level, found.freedom) if island.max() == 1 else None
    estimates = Estimates(ratings, ratings - SCALE * found.below, ratings + SCALE * found.above, island, sets)
    return Board(
        study=study,
        method=method,
        scale=f"elo-{BASE:g}",
        anchor=anchored,
        interval=Interval(interval, clustering.name, rounds, level, seed, _about(clustering)),
        votes=int(given.tally().sum()) // 2,
        ledger=ledger,
        rows=make_rows(given, counted, estimates, points, contenders),
        warnings=(
            *clustering.warnings,
            *_precision(clustering, counted, interval, rounds, level),
            *_islands(counted, island),
            *found.warnings,
        ),
        settings={"both_bad": both_bad, **found.settings},
    )


def read_anchor(text: str) -> tuple[str, float]:
    """The name and value of an anchor written NAME=VALUE. Raises BadInput where it is not or holds no rating."""
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or math.isnan(number):
        raise BadInput(f"--anchor '{text}' is not of the form NAME=VALUE, such as gpt-4=1000")
    check_anchor((name, number))
    return name, number


def _bootstraps(method: Method, clustering: Clustering) -> int:
    """How many bootstraps are needed: one for each term of the variance, and for Elo one by vote beside two factors."""
    return max(1, len(clustering.terms)) + (method in ("elo", "elo-averaged") and len(clustering.factors) > 1)


def _about(clustering: Clustering) -> Estimand:
    """What the intervals are about in truth: other questions only where questions are drawn."""
    by_question = any(factor.name == "question" for factor in clustering.factors)
    return "questions-like-these" if by_question else "these-questions"


def _islands(votes: Votes, island: IntArray) -> list[str]:
    return [caveats.islands(connectivity.named(votes.contenders, island))] if island.max() > 1 else []


def _precision(clustering: Clustering, votes: Votes, interval: str, rounds: int, level: float) -> list[str]:
    """What weakens the intervals."""
    groups = [(factor.name, factor.number) for factor in clustering.factors]
    if not groups:
        groups = [("vote", int(votes.tally().sum()) // 2)]
    warnings = [caveats.few_units(name, number) for name, number in groups if number < caveats.FEW_UNITS]
    # So many that 2.5 rounds lie beyond each end; the rounding keeps 100 for 95% from becoming 101.
    needed = math.ceil(round(5.0 / (1.0 - level), 6))
    if interval == "bootstrap" and rounds < needed:
        warnings.append(caveats.few_rounds(rounds, needed, ends=len(clustering.factors) < 2))
    return warnings


def _shift(
    anchor: tuple[str, float] | None, names: Sequence[str], ratings: FloatArray
) -> tuple[float, dict[str, float | str]]:
    if anchor is None:
        return 0.0, {"mean": MEAN}
    name, value = anchor
    if name not in names:
        raise BadInput(f"the anchor {name!r} has no counted vote; choose one of: {caveats.listed(names)}")
    return float(value) - float(ratings[list(names).index(name)]), {"name": name, "value": float(value)}
