"""The one call that puts the parts together: votes in, leaderboard out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats, connectivity
from arena.ratings.bootstrap import Progress, Report
from arena.ratings.by_elo import by_elo
from arena.ratings.clusters import Cluster, Clustering, Estimand, choose
from arena.ratings.elo import BASE, START
from arena.ratings.estimates import Request
from arena.ratings.likelihood import by_likelihood
from arena.ratings.models import MODELS
from arena.ratings.ranks import rank_sets
from arena.ratings.result import Board, Interval
from arena.ratings.rows import Estimates, make_rows
from arena.ratings.votes import BothBad, Votes, encode, pair_counts

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Method = Literal["bradley-terry", "davidson", "rao-kupper", "elo", "elo-averaged"]
IntervalMethod = Literal["bootstrap", "sandwich"]

SCALE = BASE / math.log(10.0)
"""Elo points in a logit."""
MEAN = START
"""The mean rating of an island's contenders where no anchor is given."""
FARTHEST_ANCHOR = 1_000_000
"""Elo points from 0 up to which a contender's rating may be fixed: beyond any scale in use, within exact arithmetic."""
FARTHEST_SEED = 2**63


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
    _check_settings(method, interval, cluster, estimand, rounds, level, seed, both_bad)
    if anchor is not None:
        _check_anchor(anchor[1])
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
    sets = rank_sets(found.theta, found.theta + found.draws, level, found.stretch) if island.max() == 1 else None
    estimates = Estimates(ratings, ratings - SCALE * found.below, ratings + SCALE * found.above, island, sets)
    return Board(
        study=study,
        method=method,
        scale=f"elo-{BASE:g}",
        anchor=anchored,
        interval=Interval(interval, clustering.name, rounds, level, seed, estimand),
        votes=int(given.tally().sum()) // 2,
        ledger=ledger,
        rows=make_rows(given, counted, estimates, points, contenders),
        warnings=(
            *clustering.warnings,
            *_precision(clustering, counted, interval, rounds),
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
    _check_anchor(number)
    return name, number


def _check_anchor(value: float) -> None:
    if not math.isfinite(value):
        raise BadInput(f"the anchor's value must be a number, not {value}")
    if abs(value) > FARTHEST_ANCHOR:
        raise BadInput(
            f"the anchor's value must lie between -{FARTHEST_ANCHOR:,} and {FARTHEST_ANCHOR:,}, not {value:g}"
        )


def _check_settings(
    method: str, interval: str, cluster: str, estimand: str, rounds: int, level: float, seed: int, both_bad: str
) -> None:
    for name, value, allowed in (
        ("method", method, get_args(Method)),
        ("interval", interval, get_args(IntervalMethod)),
        ("cluster", cluster, get_args(Cluster)),
        ("estimand", estimand, get_args(Estimand)),
        ("both_bad", both_bad, get_args(BothBad)),
    ):
        if value not in allowed:
            raise BadInput(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    if rounds < 1:
        raise BadInput(f"rounds must be 1 or more, not {rounds}")
    if not 0.0 < level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {level}")
    if not 0 <= seed < FARTHEST_SEED:
        raise BadInput(f"seed must be 0 or more and below 2 to the power of 63, not {seed}")


def _bootstraps(method: Method, clustering: Clustering) -> int:
    """How many bootstraps are needed: one for each term of the variance, and for Elo one by vote beside two factors."""
    return max(1, len(clustering.terms)) + (method in ("elo", "elo-averaged") and len(clustering.factors) > 1)


def _islands(votes: Votes, island: IntArray) -> list[str]:
    return [caveats.islands(connectivity.named(votes.contenders, island))] if island.max() > 1 else []


def _precision(clustering: Clustering, votes: Votes, interval: str, rounds: int) -> list[str]:
    """What weakens the intervals."""
    groups = [(factor.name, factor.number) for factor in clustering.factors]
    if not groups:
        groups = [("vote", int(votes.tally().sum()) // 2)]
    warnings = [caveats.few_units(name, number) for name, number in groups if number < caveats.FEW_UNITS]
    if interval == "bootstrap" and rounds < caveats.FEW_ROUNDS:
        warnings.append(caveats.few_rounds(rounds))
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
