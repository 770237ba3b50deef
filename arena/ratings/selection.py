"""Which pair to show next: by how much a vote on it is expected to shrink what matters, with a floor of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

from arena.errors import BadInput
from arena.ratings.board import SCALE
from arena.ratings.comparisons.connectivity import blocks
from arena.ratings.comparisons.votes import BothBad, Votes, encode, pair_counts
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import Clustering, choose
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.models.fitting import fit
from arena.ratings.models.model import MODELS
from arena.ratings.models.placing import PENALTY_SD

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Target = Literal["widths", "order", "top"]

WIDEST_FIRST = 4
"""Power of its variance with which a contender counts for the target `widths`: most votes go to the widest."""
LEAST_EFFECT = 0.05
"""The smallest design effect that is believed: votes that are all ties have no variance at all."""


@dataclass(frozen=True)
class PairChance:
    """Two contenders, the votes that they have, and the probability with which their pair is to be shown next."""

    a: str
    b: str
    votes: float
    probability: float


@dataclass(frozen=True)
class Selection:
    """The pairs by falling probability; together they make 1.

    `half_widths` are what the ratings' intervals would be now at 95%, about, in Elo points. Keep the probability of
    each pair that is shown: `uniform_weights` needs it.
    """

    target: str
    floor: float
    ahead: int
    half_widths: dict[str, float]
    pairs: tuple[PairChance, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self) | {"pairs": [asdict(pair) for pair in self.pairs], "warnings": list(self.warnings)}


def select(
    votes: object,
    *,
    target: Target = "widths",
    floor: float = 0.2,
    ahead: int = 100,
    contenders: Sequence[str] = (),
    both_bad: BothBad = "half",
) -> Selection:
    """With which probability to show which pair, for the next `ahead` votes.

    `votes` as `rate` takes them; `contenders` are further names, without a vote yet. The target is to narrow the widest
    intervals (`widths`), to tell neighbours in the order apart (`order`), or the first from the others (`top`).
    Raises BadInput for settings that cannot be.
    """
    given = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad)
    if not len(given.a):
        raise BadInput('every vote found both answers bad and such votes are left out; choose with both_bad "half"')
    names = tuple(sorted({*given.contenders, *contenders}))
    wins, ties = pair_counts(given)
    place = np.array([names.index(name) for name in given.contenders], dtype=np.int64)
    points = np.zeros((len(names), len(names)))
    points[np.ix_(place, place)] = wins + ties / 2.0
    clustering = choose(given, "auto", "questions-like-these")
    effect = _effect(given, points[np.ix_(place, place)], clustering)
    theta, covariance = current(points, effect)
    chance = pair_chances(theta, covariance, target=target, floor=floor, ahead=ahead)
    games = points + points.T
    rows, columns = np.triu_indices(len(names), k=1)
    order = sorted(zip(rows.tolist(), columns.tolist(), strict=True), key=lambda pair: -chance[pair])
    widths = 1.96 * SCALE * np.sqrt(np.diag(covariance))
    return Selection(
        target,
        float(floor),
        int(ahead),
        dict(zip(names, widths.tolist(), strict=True)),
        tuple(PairChance(names[i], names[j], float(games[i, j]), float(chance[i, j])) for i, j in order),
        clustering.warnings,
    )


def _effect(votes: Votes, points: FloatArray, clustering: Clustering) -> float:
    """The design effect: how much larger the variances are than the information of so many untied votes says.

    Clustered votes enlarge it, ties make it smaller, weights cancel. Nothing tells it where the votes do not suffice.
    """
    if not len(points) or blocks(points).max() > 0:
        return 1.0
    sandwich = Sandwich.of(Ballots.of(votes), np.arange(len(points)), MODELS["bradley-terry"])
    terms = [sign * sandwich.by_group(factor.of, factor.size) for sign, factor in clustering.terms]
    found = np.sum(terms, axis=0) if terms else sandwich.by_vote()
    centred = found - found.mean(axis=0)
    effect = float(np.trace(centred) / np.trace(current(points)[1]))
    return max(effect, LEAST_EFFECT)


def current(points: FloatArray, effect: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Log-strengths and the covariance of their deviations from the mean, (contenders, contenders), in logits².

    `points` are as in `connectivity.blocks`. `effect` is the design effect, by which votes that are alike enlarge the
    variances: one for all contenders, since from few raters it cannot be told for each. A normal prior of the engine's
    penalty (3 logits) keeps all finite.
    """
    n = len(points)
    games = points + points.T
    theta = np.nan_to_num(fit(points[None, None], MODELS["bradley-terry"], games.sum(axis=1))[0])
    information = games * _weight(theta)
    laplacian = np.diag(information.sum(axis=1)) - information
    own = effect * np.linalg.inv(laplacian + np.eye(n) / PENALTY_SD**2)
    centred = own - own.mean(axis=0)
    covariance: FloatArray = centred - centred.mean(axis=1, keepdims=True)
    return theta, covariance


def pair_chances(
    theta: FloatArray, covariance: FloatArray, *, target: Target = "widths", floor: float = 0.2, ahead: int = 100
) -> FloatArray:
    """The probability of each pair, (contenders, contenders), above the diagonal; 0 elsewhere.

    `floor` of it is spread over all pairs alike. The rest is what each pair gets of `ahead` votes, where every vote
    goes to the pair by which the criterion trace(A V) is expected to shrink most. A vote on i and j observes their
    difference with variance 1 / (p (1 - p)), and takes V x xᵀ V / (1 / (p (1 - p)) + xᵀ V x) off the covariance V, with
    x = e_i - e_j. (Chiang et al. 2024 choose in proportion to the shrink of each pair's own interval.)
    Raises BadInput for settings that cannot be.
    """
    if target not in get_args(Target):
        raise BadInput(f"target must be one of {', '.join(get_args(Target))}, not {target!r}")
    if not 0.0 < floor <= 1.0:
        raise BadInput(f"floor must lie above 0 and be at most 1, such as 0.2, not {floor!r}")
    if ahead < 1:
        raise BadInput(f"ahead must be 1 or more votes, not {ahead!r}")
    n = len(theta)
    if n < 2:
        raise BadInput("there must be two contenders or more to choose a pair")
    upper = np.triu(np.ones((n, n), dtype=bool), k=1)
    weight, taken, now = _weight(theta), np.zeros((n, n)), covariance.copy()
    for _ in range(ahead):
        shrink = np.where(upper, _shrink(now, _criterion(theta, now, target), weight), -1.0)
        best = (shrink >= shrink.max() * (1.0 - 1e-9)) & upper
        given = best / best.sum()  # pairs that promise the same share the vote, so that no name decides
        taken += given
        seen = (given + given.T) * weight
        # V (1 + L V)⁻¹ is the covariance after observations of information L; V itself has no inverse.
        now = now @ np.linalg.inv(np.eye(n) + (np.diag(seen.sum(axis=1)) - seen) @ now)
    chance: FloatArray = (floor / upper.sum()) * upper + (1.0 - floor) * taken / taken.sum()
    return chance


def uniform_weights(chance: FloatArray, pairs: int) -> FloatArray:
    """What each vote has to weigh, (votes,), so that all pairs count as if they had been shown alike often.

    `chance`, (votes,), is the probability that was kept when the vote's pair was shown, among so many `pairs`. The mean
    weight is 1, about, and none is above 1 / floor (Horvitz & Thompson 1952). Raises BadInput for what is no chance.
    """
    if not ((chance > 0.0) & (chance <= 1.0)).all():
        raise BadInput("the probability with which a pair was shown must lie above 0 and be at most 1")
    weights: FloatArray = 1.0 / (pairs * chance)
    return weights


def _weight(theta: FloatArray) -> FloatArray:
    """p (1 - p) of each pair, (contenders, contenders); 0 on the diagonal."""
    chance = expit(theta[:, None] - theta[None, :])
    weight: FloatArray = chance * (1.0 - chance)
    np.fill_diagonal(weight, 0.0)
    return weight


def _shrink(covariance: FloatArray, criterion: FloatArray, weight: FloatArray) -> FloatArray:
    """By how much one vote on each pair is expected to shrink trace(criterion · covariance)."""
    seen = covariance @ criterion @ covariance
    top, bottom = (np.diag(m)[:, None] + np.diag(m)[None, :] - 2.0 * m for m in (seen, covariance))
    shrink: FloatArray = weight * top / (1.0 + weight * bottom)
    return shrink


def _criterion(theta: FloatArray, covariance: FloatArray, target: Target) -> FloatArray:
    """A of trace(A V): the sum of weighted contrasts x xᵀ whose variances matter.

    Of order: how far in doubt each contrast is (twice the chance that a normal draw turns it) over its variance.
    """
    n = len(theta)
    if target == "widths":
        own = np.diag(covariance)
        return np.diag((own / own.max()) ** WIDEST_FIRST)
    order = np.argsort(-theta, kind="stable")
    one = order[:-1] if target == "order" else np.repeat(order[:1], n - 1)
    other = order[1:]
    variance = covariance[one, one] + covariance[other, other] - 2.0 * covariance[one, other]
    doubt = 2.0 * ndtr(-np.abs(theta[one] - theta[other]) / np.sqrt(variance)) / variance
    contrast = np.eye(n)[one] - np.eye(n)[other]
    criterion: FloatArray = (contrast * doubt[:, None]).T @ contrast
    return criterion
