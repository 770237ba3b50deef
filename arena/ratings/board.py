"""The one call that puts the parts together: votes in, leaderboard out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from arena.errors import BadInput
from arena.ratings import caveats, connectivity
from arena.ratings.bootstrap import (
    Draw,
    Progress,
    bootstrap_bradley_terry,
    bootstrap_elo,
    percentile_levels,
    question_units,
    vote_units,
)
from arena.ratings.bradley_terry import PENALTY_SD, fit
from arena.ratings.comparisons import BothBad, FloatArray, IntArray, Votes, count, encode, points
from arena.ratings.elo import BASE, START, K, elo
from arena.ratings.result import Board, Interval
from arena.ratings.rows import flags, make_rows

Method = Literal["bradley-terry", "elo"]
Cluster = Literal["auto", "question", "vote"]

SCALE = BASE / math.log(10.0)
"""Elo points in a logit."""
MEAN = START
"""The mean rating of the rated contenders where no anchor is given."""
SAME = 1e-6
"""Elo points below which an interval has no width."""
FARTHEST_ANCHOR = 1_000_000
"""Elo points from 0 up to which a contender's rating may be fixed: beyond any scale in use, within exact arithmetic."""


@dataclass(frozen=True)
class _Estimate:
    """Ratings of mean MEAN in Elo points, (contenders,), and those of each round, (rounds, contenders)."""

    ratings: FloatArray
    drawn: FloatArray
    warnings: tuple[str, ...]


def rate(
    votes: Mapping[str, Iterable[object]],
    *,
    method: Method = "bradley-terry",
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    anchor: tuple[str, float] | None = None,
    both_bad: BothBad = "half",
    cluster: Cluster = "auto",
    study: str | None = None,
    ledger: Mapping[str, object] | None = None,
    contenders: Sequence[str] = (),
    progress: Progress | None = None,
) -> Board:
    """Rate the contenders of `votes`: columns `model_a, model_b, winner[, question_id]` of equal length.

    The settings are explained in docs/methods.md. `anchor` (name, value) shifts all ratings so that this contender has
    that value; `contenders` are further names, listed as unrated; `progress(done, rounds)` is called now and then.
    Raises BadInput for votes or settings that cannot be used, Disconnected where Bradley-Terry would rank contenders
    that no chain of votes connects.
    """
    _check_settings(method, rounds, level, seed, both_bad, cluster)
    if anchor is not None:
        _check_anchor(anchor[1])
    given = encode(votes)
    counted = given.counted(both_bad)
    if not len(counted.a):
        raise BadInput('every vote found both answers bad and such votes are left out; rate with both_bad "half"')
    by_question, warnings = _by_question(counted, cluster)
    units = len(counted.questions) if by_question else len(counted.a)
    scored = points(count(counted, by_question=False))
    component = connectivity.components(scored)
    estimate = _bradley_terry if method == "bradley-terry" else _elo
    found = estimate(counted, scored, component, by_question, Draw(rounds, seed, progress))
    low, high = _interval(found, percentile_levels(level, units))
    shift, anchored = _shift(anchor, counted.contenders, found.ratings)
    estimates = (found.ratings + shift, low + shift, high + shift)
    return Board(
        study=study,
        method=method,
        scale=f"elo-{BASE:g}",
        anchor=anchored,
        interval=Interval("bootstrap", "question" if by_question else "vote", rounds, level, seed),
        votes=len(given.a),
        ledger=ledger,
        rows=make_rows(given, counted, estimates, scored, component, contenders),
        warnings=(*warnings, *_precision(by_question, units, rounds, counted, found), *found.warnings),
        settings={"both_bad": both_bad, **_SETTINGS[method]},
    )


_SETTINGS: dict[str, dict[str, float | str]] = {
    "bradley-terry": {"penalty_sd_logits": PENALTY_SD},
    "elo": {"k": K, "start": START, "base": BASE, "order": "as given"},
}


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


def _check_settings(method: str, rounds: int, level: float, seed: int, both_bad: str, cluster: str) -> None:
    for name, value, allowed in (
        ("method", method, ("bradley-terry", "elo")),
        ("both_bad", both_bad, ("half", "drop")),
        ("cluster", cluster, ("auto", "question", "vote")),
    ):
        if value not in allowed:
            raise BadInput(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    if rounds < 1:
        raise BadInput(f"rounds must be 1 or more, not {rounds}")
    if not 0.0 < level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {level}")
    if seed < 0:
        raise BadInput(f"seed must be 0 or more, not {seed}")


def _by_question(votes: Votes, cluster: Cluster) -> tuple[bool, tuple[str, ...]]:
    """Whether to resample by question, and what to say about it."""
    if cluster == "vote":
        return False, ()
    without = int((votes.question < 0).sum())
    if without and cluster == "question":
        raise BadInput(f"{without} of the votes name no question; give every vote a question_id or resample by vote")
    if without:
        return False, (caveats.mixed_questions(),) if votes.questions else ()
    if len(votes.questions) == 1:
        return False, (caveats.one_question(),)
    return True, ()


def _bradley_terry(votes: Votes, scored: FloatArray, component: IntArray, by_question: bool, draw: Draw) -> _Estimate:
    if component.max() > 1:
        raise connectivity.Disconnected(connectivity.islands(votes.contenders, component))
    fitted = fit(scored[None])
    comparisons = count(votes, by_question=by_question)
    units = question_units(comparisons) if by_question else vote_units(comparisons)
    drawn, penalised = bootstrap_bradley_terry(units, fitted.theta[0], draw)
    warnings: list[str] = []
    if fitted.penalised[0]:
        flagged = list(zip(votes.contenders, flags(scored), strict=True))
        undefeated = [name for name, flag in flagged if flag == "undefeated"]
        winless = [name for name, flag in flagged if flag == "winless"]
        warnings.append(caveats.penalised(undefeated, winless))
    elif penalised:
        warnings.append(caveats.penalised_rounds(penalised, draw.rounds))
    return _Estimate(MEAN + SCALE * fitted.theta[0], MEAN + SCALE * drawn, tuple(warnings))


def _elo(votes: Votes, scored: FloatArray, component: IntArray, by_question: bool, draw: Draw) -> _Estimate:
    drawn = bootstrap_elo(votes, draw, by_question=by_question)
    apart = component.max() > 1
    warnings = (caveats.islands(connectivity.islands(votes.contenders, component)),) if apart else ()
    return _Estimate(elo(votes), drawn, warnings)


def _interval(found: _Estimate, levels: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """The percentiles of the rounds, widened where need be to hold the rating itself."""
    low, high = np.quantile(found.drawn, levels, axis=0)
    return np.minimum(low, found.ratings), np.maximum(high, found.ratings)


def _precision(by_question: bool, units: int, rounds: int, votes: Votes, found: _Estimate) -> list[str]:
    """What weakens the intervals."""
    warnings = []
    if units < caveats.FEW_UNITS:
        warnings.append(caveats.few_units("question" if by_question else "vote", units))
    if rounds < caveats.FEW_ROUNDS:
        warnings.append(caveats.few_rounds(rounds))
    width = np.ptp(found.drawn, axis=0)
    if rounds > 1 and (width < SAME).any():
        warnings.append(caveats.zero_width([votes.contenders[index] for index in np.flatnonzero(width < SAME)]))
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
