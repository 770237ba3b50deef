"""Log-strengths and intervals by likelihood: Bradley-Terry, Davidson, Rao & Kupper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from arena.ratings import caveats
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.votes import Votes
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.bootstrap import bootstrap
from arena.ratings.intervals.clusters import Clustering, Factor
from arena.ratings.intervals.estimates import Found, Request, centring, groups_of
from arena.ratings.intervals.reach import Island, reach
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.intervals.spreads import SAME, Spread, from_covariance, from_rounds, total_covariance
from arena.ratings.intervals.units import by_factor, by_vote
from arena.ratings.models.fitting import fit
from arena.ratings.models.model import Model
from arena.ratings.models.placing import PENALTY_SD

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def by_likelihood(
    votes: Votes, wins: FloatArray, ties: FloatArray, island: IntArray, model: Model, request: Request
) -> Found:
    """By maximum likelihood in each block, blocks placed by the penalised likelihood.

    `wins` and `ties` are as in `votes.pair_counts`, `island` as in `connectivity.islands`.
    """
    ballots = Ballots.of(votes)
    counts, points = model.counts(wins, ties), wins + ties / 2.0
    games = points.sum(axis=0) + points.sum(axis=1)
    members = [np.flatnonzero(island == number) for number in range(1, int(island.max()) + 1)]
    theta = np.zeros(len(games))
    for group in members:
        theta[group] = fit(counts[None, :, group[:, None], group[None, :]], model, games[group])[0]
    *generators, rng = request.generators()
    if request.interval == "sandwich":
        spread = _analytic(ballots, model, points, request, generators[0])
    else:
        spread = _resampled(ballots, model, members, theta, points, request, generators)
    below, above, draws = np.zeros_like(theta), np.zeros_like(theta), np.zeros((request.rounds, len(theta)))
    placed, freedom = np.zeros(len(theta), dtype=bool), np.inf
    for group in members:
        isle = Island(group, theta[group], points[np.ix_(group, group)], games[group])
        found = reach(
            isle, spread, _independent(ballots, group, request.clustering), request.level, request.rounds, rng
        )
        below[group], above[group], draws[:, group], placed[group] = found.below, found.above, found.draws, found.placed
        freedom = min(freedom, found.freedom)
    return Found(
        theta=theta,
        below=below,
        above=above,
        draws=draws,
        freedom=freedom,
        warnings=(*_placed(votes.contenders, members, points, placed), *_held(model, counts, points)),
        settings={"penalty_sd_logits": PENALTY_SD},
    )


def _placed(
    names: Sequence[str], members: Sequence[IntArray], points: FloatArray, placed: npt.NDArray[np.bool_]
) -> tuple[str, ...]:
    """What to say of contenders that the votes alone do not place."""
    if not placed.any():
        return ()
    one_way = any(connectivity.blocks(points[np.ix_(group, group)]).max() > 0 for group in members)
    return (caveats.placed([names[index] for index in np.flatnonzero(placed).tolist()], one_way=one_way),)


def _held(model: Model, counts: FloatArray, points: FloatArray) -> tuple[str, ...]:
    """What to say where the tie parameter of some block rests on its prior."""
    block = connectivity.blocks(points)
    groups = [np.flatnonzero(block == number) for number in np.flatnonzero(np.bincount(block) > 1)]
    held = any(model.is_held(counts[:, group[:, None], group[None, :]]) for group in groups)
    return (caveats.held(),) if held else ()


def _independent(ballots: Ballots, members: IntArray, clustering: Clustering) -> Callable[[IntArray], float]:
    """What share of an independent vote a vote between groups of an island's members is worth, if all of a cluster's
    votes are one opinion: clusters to votes, by the factor with fewest."""

    def share(group: IntArray) -> float:
        of = np.full(ballots.contenders, -1)
        of[members] = group
        first, second = (of[side] for side in ballots.sides)
        between = (first >= 0) & (second >= 0) & (first != second)
        votes = ballots.chosen(between).votes
        return min([1.0, *(len(np.unique(f.of[between])) / votes for f in clustering.factors if votes)])

    return share


def _resampled(
    ballots: Ballots,
    model: Model,
    islands: list[IntArray],
    theta: FloatArray,
    points: FloatArray,
    request: Request,
    generators: Sequence[np.random.Generator],
) -> Callable[[IntArray], Spread]:
    """The spread within a block by the bootstrap of each term."""
    terms: Sequence[tuple[int, Factor | None]] = request.clustering.terms or ((1, None),)
    games = points.sum(axis=0) + points.sum(axis=1)
    rounds = []
    for (_, factor), rng in zip(terms, generators, strict=False):
        units = by_vote(ballots, model) if factor is None else by_factor(ballots, factor, model)
        rounds.append(bootstrap(units, model, islands, theta, games, request.rounds, rng, request.report))

    def spread(members: IntArray) -> Spread:
        centre, groups = _centring_of(points, members), groups_of(ballots, members, request.clustering)
        floor = centre(centre(Sandwich.of(ballots, members, model).by_vote()).T)
        drawn = [centre(found[:, members]) for found in rounds]
        if not any(len(island) == len(members) for island in islands if members[0] in island):
            # Rounds in which a block falls apart differ by where the penalty puts its parts. That tells nothing of
            # members whose own votes within the block bear no information on how far they may be off.
            drawn = [np.where(np.diag(floor) > SAME**2, found, np.nan) for found in drawn]
        if len(request.clustering.factors) < 2:
            least = floor if request.clustering.factors else np.zeros_like(floor)
            return from_rounds(centre(theta[members]), drawn[0], least, request.level, groups)
        covariance = total_covariance(request.clustering.terms, drawn)
        return from_covariance(covariance, floor, request.level, groups, request.rounds, generators[-1], moderated=True)

    return spread


def _analytic(
    ballots: Ballots, model: Model, points: FloatArray, request: Request, rng: np.random.Generator
) -> Callable[[IntArray], Spread]:
    """The spread within a block by the sandwich of each term, of which each is a step of the work reported."""
    several = int(np.count_nonzero(np.bincount(connectivity.blocks(points)) > 1))
    request.report.total = several * max(1, len(request.clustering.terms))

    def spread(members: IntArray) -> Spread:
        centre, groups = _centring_of(points, members), groups_of(ballots, members, request.clustering)
        sandwich = Sandwich.of(ballots, members, model)
        by_vote, terms = sandwich.by_vote(), request.clustering.terms
        covariance = np.zeros_like(by_vote)
        for sign, factor in terms:
            covariance += sign * sandwich.by_group(factor.of, factor.size)
            request.report.add(1)
        if not terms:
            request.report.add(1)
        found = centre(centre(covariance if terms else by_vote).T)
        floor = centre(centre(by_vote).T) if terms else np.zeros_like(by_vote)
        two = len(request.clustering.factors) > 1
        return from_covariance(found, floor, request.level, groups, request.rounds, rng, moderated=two)

    return spread


def _centring_of(points: FloatArray, members: IntArray) -> Callable[[FloatArray], FloatArray]:
    """Takes the mean of a block's members off, weighted by their votes with each other."""
    among = points[np.ix_(members, members)]
    return centring(among.sum(axis=0) + among.sum(axis=1))
