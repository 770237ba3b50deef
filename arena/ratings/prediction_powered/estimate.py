"""The prediction-powered estimate and its variance: human votes as on any board, the judge's correction by question."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import Clustering
from arena.ratings.intervals.estimates import centring, groups_of
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.intervals.spreads import Spread, from_covariance
from arena.ratings.models.model import MODELS
from arena.ratings.prediction_powered.influence import Fit, fitted, one_step
from arena.ratings.prediction_powered.sources import Sources, points_of
from arena.ratings.prediction_powered.tuning import Contributions, Tuned, tune

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """`theta`, (contenders,), in logits of mean 0, with λ (`weight`) and how human and judge votes go together."""

    theta: FloatArray
    tuned: Tuned
    correlation: float | None


def estimate(sources: Sources, on_all: Fit) -> Estimate:
    """θ_human + λ (θ_judge on all - θ_judge on the labelled), where `on_all` is the judge's fit to all its votes.

    The judge's fit to the labelled questions is one Newton step from that to all (decision record 15).
    """
    human, on_labelled = fitted(sources.human), one_step(sources.judge_on_labelled, on_all.theta)
    games = points_of(sources.human)
    centre = centring(games.sum(axis=0) + games.sum(axis=1))
    by_human = sources.spread_out(centre(human.by_question), sources.human_at)
    labelled, everywhere = (
        sources.spread_out(centre(fit.by_question), sources.judge_at) for fit in (on_labelled, on_all)
    )
    tuned = tune(Contributions(by_human, labelled - everywhere, sources.labelled))
    theta = human.theta + tuned.weight * (on_all.theta - on_labelled.theta)
    return Estimate(theta, tuned, _correlation(by_human, labelled))


def spread(sources: Sources, found: Estimate, clustering: Clustering, level: float, rounds: int, seed: int) -> Spread:
    """How far the combined ratings may be off, taken from their mean weighted by human votes.

    The covariance is that of the human votes by `clustering`, the question's part of it replaced by what the judge's
    correction leaves. The floor of single votes shrinks with it, and the groups that tell the spread are the human
    votes' own: at λ = 0 the intervals are those of the human board with sandwich variances.

    Raises BadInput where a contender's human votes are in too few of the groups.
    """
    ballots, members = Ballots.of(sources.human), np.arange(len(found.theta))
    games = points_of(sources.human)
    centre = centring(games.sum(axis=0) + games.sum(axis=1))
    sandwich = Sandwich.of(ballots, members, MODELS["bradley-terry"])
    terms = [sign * sandwich.by_group(factor.of, factor.size) for sign, factor in clustering.terms]
    tuned = found.tuned
    covariance = centre(centre(np.sum(terms, axis=0)).T) + tuned.combined - tuned.by_human
    left = np.sqrt(np.diag(tuned.combined) / np.maximum(np.diag(tuned.by_human), np.finfo(np.float64).tiny))
    floor = centre(centre(sandwich.by_vote()).T) * np.outer(left, left)
    rng = np.random.Generator(np.random.PCG64(seed))
    two = len(clustering.factors) > 1
    result = from_covariance(
        covariance, floor, level, groups_of(ballots, members, clustering), rounds, rng, moderated=two
    )
    untold = np.isnan(result.below)
    if untold.any():
        names = [sources.human.contenders[at] for at in np.flatnonzero(untold).tolist()]
        raise BadInput(
            f"the human votes on {caveats.listed(names)} are of too few questions or raters to tell how far they may be"
            " off; collect more, or rate each source by itself"
        )
    return result


def _correlation(human: FloatArray, judge: FloatArray) -> float | None:
    """Of what each labelled question adds to the two fits, over all contenders; None where one never varies."""
    both = math.sqrt(float((human**2).sum()) * float((judge**2).sum()))
    return float((human * judge).sum()) / both if both > 0 else None
