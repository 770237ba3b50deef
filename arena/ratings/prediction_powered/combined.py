"""Human votes and judge votes as one leaderboard. The front door is `combine`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.board import MEAN, SCALE, rate
from arena.ratings.comparisons.votes import BothBad, Votes, encode
from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.intervals.clusters import Cluster, choose
from arena.ratings.prediction_powered import choice
from arena.ratings.prediction_powered.estimate import estimate, spread
from arena.ratings.prediction_powered.influence import fitted
from arena.ratings.prediction_powered.pooling import POOLED, pooled
from arena.ratings.prediction_powered.result import Combined
from arena.ratings.prediction_powered.rows import Ratings, gain, make_rows
from arena.ratings.prediction_powered.sources import Sources, joined
from arena.ratings.ranks import rank_sets
from arena.ratings.result import Board
from arena.ratings.settings import check_numbers, check_words

FloatArray = npt.NDArray[np.float64]

STEPS = 3
"""Leaderboards that are made: the human one, the judge's, and the combined one."""


@dataclass(frozen=True)
class _Asked:
    rounds: int
    level: float
    seed: int
    tell: Progress

    def board(self, votes: Votes, cluster: Cluster = "auto") -> Board:
        """The leaderboard of one list of votes, with sandwich variances."""
        return rate(votes, interval="sandwich", cluster=cluster, rounds=self.rounds, level=self.level, seed=self.seed)


@dataclass(frozen=True, eq=False)
class _Found:
    """The combined ratings, and what is said of how they were made; `judge_weight` is None where votes were pooled."""

    ratings: Ratings
    judge_weight: float | None
    correlation: float | None
    choice: Mapping[str, float | str | None]
    warnings: tuple[str, ...]


def combine(
    human: object,
    judge: object,
    *,
    probabilities: Mapping[str, float] | None = None,
    categories: Mapping[str, str | None] | None = None,
    both_bad: BothBad = "half",
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    study: str | None = None,
    judge_name: str = "judge",
    pool_as_equals: bool = False,
    progress: Progress | None = None,
) -> Combined:
    """Rate the contenders of the `human` votes by these and by a judge's votes, which are on many more questions.

    Both are what `rate` takes, and every vote names its question. Prediction-powered inference (Angelopoulos et al.
    2023; λ as in PPI++, 2023, within [0, 1]): the judge's bias cancels where the human-labelled questions are a random
    sample of all, or where `probabilities` says with what probability each question was chosen. The `categories` of
    questions serve to test the choice. `rounds` are draws for the ranks; `judge_name` is only shown. With
    `pool_as_equals` all votes are counted as if they came from people, which is right for an unbiased judge alone.
    `progress(done, total)` is called after each leaderboard.

    Raises BadInput for votes or settings that cannot be used; where the labelled questions differ from the others by
    more than chance (p < 0.001) and no probabilities are given; and where the judge lacks contenders or pairs that
    people compared.
    """
    check_words("bradley-terry", "sandwich", "auto", "questions-like-these", both_bad)
    check_numbers(rounds, level, seed)
    if pool_as_equals and probabilities is not None:
        raise BadInput("votes pooled as equals are not weighted: leave out the probabilities, or the pooling")
    sources = joined(_counted(human, both_bad, "human"), _counted(judge, both_bad, "judge's"), probabilities)
    asked = _Asked(int(rounds), float(level), int(seed), progress or (lambda done, total: None))
    found = _pooled(sources, judge_name, asked) if pool_as_equals else _powered(sources, categories or {}, asked)
    asked.tell(1, STEPS)
    people = asked.board(sources.human)
    asked.tell(2, STEPS)
    alone = asked.board(sources.judge, "question")
    asked.tell(3, STEPS)
    rows = make_rows(sources.human.contenders, found.ratings, people, alone, worth=not pool_as_equals)
    gained = None if pool_as_equals else round(gain(rows), 4)
    return Combined(
        study=study,
        method="pooled-as-equals" if pool_as_equals else "prediction-powered",
        judge=judge_name,
        scale=people.scale,
        anchor={"mean": MEAN},
        interval=people.interval,
        judge_weight=_rounded(found.judge_weight),
        correlation=_rounded(found.correlation),
        gain=gained,
        human_votes=people.votes,
        effective_votes=None if gained is None else round(gained * people.votes, 1),
        judge_votes=alone.votes,
        labelled_questions=int(sources.labelled.sum()),
        questions=len(sources.questions),
        choice=found.choice,
        rows=rows,
        warnings=(*found.warnings, *sources.warnings, *people.warnings),
        settings={"both_bad": both_bad, "weighted": sources.inflation is not None},
    )


def _counted(votes: object, both_bad: BothBad, whose: str) -> Votes:
    try:
        found = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad)
    except BadInput as error:
        raise BadInput(f"{whose} votes: {error}") from error
    if not len(found.a):
        raise BadInput(f"every one of the {whose} votes found both answers bad, and such votes are left out")
    return found


def _powered(sources: Sources, categories: Mapping[str, str | None], asked: _Asked) -> _Found:
    on_all = fitted(sources.judge)
    tested = choice.examine(sources, on_all.theta, categories) if sources.inflation is None else None
    if tested is not None:
        tested.require_random()
    found = estimate(sources, on_all)
    clustering = choose(sources.human, "auto", "questions-like-these")
    off = spread(sources, found, clustering, asked.level, asked.rounds, asked.seed)
    sets = rank_sets(found.theta, found.theta + off.draws, asked.level, off.freedom)
    rating, below, above = MEAN + SCALE * found.theta, SCALE * off.below, SCALE * off.above
    rating, low, high = (np.round(values, 4) + 0.0 for values in (rating, rating - below, rating + above))
    ratings = Ratings(rating, low, high, sets.low, sets.high, sets.tier, sets.first)
    weight = found.tuned.weight
    return _Found(ratings, weight, found.correlation, _stated(sources, tested), _caveats(sources, weight, tested))


def _pooled(sources: Sources, judge_name: str, asked: _Asked) -> _Found:
    board = asked.board(pooled(sources, judge_name))
    ratings = Ratings.of_board(board, sources.human.contenders)
    return _Found(
        ratings, None, None, {"taken_as": "pooled as equals", "p_value": None, "refused_below": None}, (POOLED,)
    )


def _stated(sources: Sources, tested: choice.Choice | None) -> dict[str, float | str | None]:
    """How the labelled questions are taken to have been chosen."""
    taken_as = "random sample" if sources.inflation is None else "given probabilities"
    p_value = None if tested is None else float(f"{tested.p_value:.4g}")
    return {"taken_as": taken_as, "p_value": p_value, "refused_below": choice.REFUSED_BELOW}


def _caveats(sources: Sources, weight: float, tested: choice.Choice | None) -> tuple[str, ...]:
    unjudged = int((sources.labelled & ~sources.judged).sum())
    said = []
    if tested is not None and tested.p_value < choice.DOUBTED_BELOW:
        said.append(
            "By the judge's votes the human-labelled questions may be no random sample of all"
            f" (p = {tested.p_value:.2g}): if they are not, these ratings are biased."
        )
    if unjudged:
        which = "1 human-labelled question has" if unjudged == 1 else f"{unjudged:,} human-labelled questions have"
        said.append(f"{which} no vote of the judge; the human votes there count as they are.")
    if not (sources.judged & ~sources.labelled).any():
        said.append("The judge has votes on human-labelled questions only: there is nothing that it could add.")
    elif weight == 0.0:
        said.append("The judge's votes do not go together with the human ones: the ratings are the human ones.")
    return tuple(said)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
