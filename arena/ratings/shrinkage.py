"""Ratings of small categories, drawn towards the whole as far as the votes ask for it (empirical Bayes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.board import MEAN, SCALE
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.votes import A_WINS, B_WINS, BOTH_BAD, BothBad, Votes, encode
from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.intervals.clusters import Cluster, Clustering, Estimand, Factor, choose
from arena.ratings.intervals.estimates import centring
from arena.ratings.intervals.spreads import critical
from arena.ratings.models import categories as models
from arena.ratings.models.categories import Mode
from arena.ratings.settings import check_numbers, check_words

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

WIDEST = 2.0
"""The largest standard deviation between categories that is looked for, in logits."""
COARSE, FINE = 21, 21
"""Values of it that are tried: over the whole range, and where it is likely."""
UNLIKELY = 1e-4
LEAST_SHARPNESS = 0.1
"""So that no interval is without width where all is tied."""


@dataclass(frozen=True)
class ShrunkRow:
    """One contender in one category: `votes` there, and the shrunk rating with its interval, in Elo points.

    `few`: there are fewer votes than stated, so that the rating is the whole's as much as the category's.
    """

    model: str
    votes: int
    rating: float
    low: float
    high: float
    few: bool


@dataclass(frozen=True)
class ShrunkCategory:
    """One category, its contenders by rating; `few` as for a row, of all its votes."""

    category: str
    votes: int
    few: bool
    rows: tuple[ShrunkRow, ...]


@dataclass(frozen=True)
class Shrunk:
    """All categories. `spread` is how far a contender's ratings differ between categories, a standard deviation in Elo
    points, with `spread_low` and `spread_high`; `sharpness` is φ: how much less votes tell than so many independent.
    """

    categories: tuple[ShrunkCategory, ...]
    spread: float
    spread_low: float
    spread_high: float
    sharpness: float
    few: int
    level: float
    cluster: str
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str]

    def to_dict(self) -> dict[str, object]:
        """Ready for JSON: these keys in this order."""
        return asdict(self) | {
            "categories": [asdict(one) | {"rows": [asdict(row) for row in one.rows]} for one in self.categories],
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
        }


def shrink(
    votes: object,
    category: Sequence[str | None],
    *,
    few: int = 50,
    cluster: Cluster = "auto",
    estimand: Estimand = "questions-like-these",
    level: float = 0.95,
    both_bad: BothBad = "half",
    progress: Progress | None = None,
) -> Shrunk:
    """Rate the contenders of `votes` (as `rate` takes them; no counts) in every category, drawn towards the whole.

    `category`, (votes,), is each vote's; None: it is left out. Ratings θ_ic ~ N(μ_i, τ²) with a Bradley-Terry
    likelihood in each category, whose logarithm is divided by what clustered votes tell less (`_sharpness`). τ is flat
    on 0 to 2 logits, and posterior means and variances are averaged over its marginal likelihood: it is estimated, and
    that widens intervals (Morris 1983). What raters vary in is common to all categories, and is added to variances.
    `few`: cells with fewer votes are marked. `progress(done, total)` is called now and then.

    Raises BadInput for votes or settings that cannot be used, and for fewer than two categories.
    """
    check_words("bradley-terry", "sandwich", cluster, estimand, both_bad)
    check_numbers(max(few, 1), level, 0)
    given = votes if isinstance(votes, Votes) else encode(votes)
    if given.is_counts:
        raise BadInput("categories belong to single votes; give the votes themselves instead of counts")
    if len(category) != len(given.a):
        raise BadInput(f"there are {len(category)} categories and {len(given.a)} votes; give one for each")
    names = sorted({name for name in category if name is not None})
    if len(names) < 2:
        raise BadInput("there are fewer than two categories, so that nothing can be said of how they differ")
    place = {name: at for at, name in enumerate(names)}
    of = np.array([-1 if name is None else place[name] for name in category])
    kept = np.flatnonzero((of >= 0) & ((given.outcome != BOTH_BAD) | (both_bad == "half")))
    if not len(kept):
        raise BadInput('no vote counts: none has a category, or all found both answers bad and both_bad is "drop"')
    counted, of = given.chosen(kept), of[kept]
    clustering = choose(counted, cluster, estimand)
    table = _Table.of_votes(counted, of, len(names))
    sharp = _sharpness(table, clustering, models.fit(table.points, 0.5, 1.0))
    modes, weights = _averaged(table.points, sharp, progress)
    common = _raters_part(table, clustering, modes[int(np.argmax(weights))].mean)
    found = _posterior(modes, weights, common, table, clustering, float(level))
    return Shrunk(
        categories=_categories(counted, table, names, found, few),
        **_spread(modes, weights, float(level)),
        sharpness=round(sharp, 6),
        few=few,
        level=float(level),
        cluster=clustering.name,
        warnings=(*clustering.warnings, *_islands(counted, table)),
        settings={"both_bad": both_bad, "widest_logits": WIDEST},
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """The votes by category: `points`, (categories, contenders, contenders), row scored against column.

    `a`, `b`, `score` (A's points) and `of`, the category, are of shape (votes,); weights are in `weight`.
    """

    points: FloatArray
    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    of: IntArray
    score: FloatArray
    weight: FloatArray

    @classmethod
    def of_votes(cls, votes: Votes, of: IntArray, categories: int) -> _Table:
        n = len(votes.contenders)
        score = np.where(votes.outcome == A_WINS, 1.0, np.where(votes.outcome == B_WINS, 0.0, 0.5))
        weight = np.ones(len(of)) if votes.weight is None else votes.weight / votes.weight.mean()
        size = categories * n * n
        points: FloatArray = np.bincount((of * n + votes.a) * n + votes.b, weight * score, size).astype(np.float64)
        points = points + np.bincount((of * n + votes.b) * n + votes.a, weight * (1.0 - score), size)
        return cls(points.reshape(categories, n, n), votes.a, votes.b, of, score, weight)

    def residual(self, theta: FloatArray) -> FloatArray:
        """What A scored beyond expectation in each vote, at log-strengths (categories, contenders)."""
        lead = theta[self.of, self.a] - theta[self.of, self.b]
        residual: FloatArray = self.weight * (self.score - expit(lead))
        return residual

    def meat(self, residual: FloatArray, group: IntArray, size: int) -> FloatArray:
        """Σ over groups of score · scoreᵀ, (contenders, contenders)."""
        shape = (size, self.points.shape[1])
        data = np.concatenate([residual, -residual])
        scores = csr_array((data, (np.tile(group, 2), np.concatenate([self.a, self.b]))), shape=shape)
        scores.sum_duplicates()
        meat: FloatArray = (scores.T @ scores).toarray()
        return meat


def _sharpness(table: _Table, clustering: Clustering, mode: Mode) -> float:
    """φ: how much larger the variance of scores is than independent votes would have it, at least by single votes.

    By question where the votes are clustered by question: a question lies in one category. tr(H⁻¹M) / rank, summed over
    categories with their votes as weights (a pooled design effect: Rao & Scott 1981).
    """
    residual, by_vote = table.residual(mode.theta), np.arange(len(table.of))
    groups = [(by_vote, len(by_vote))]
    groups += [(factor.of, factor.size) for factor in clustering.factors if factor.name == "question"]
    informed = _information(table.points, mode.theta)
    votes = table.points.sum(axis=(1, 2))
    found = []
    for group, size in groups:
        traces, ranks = np.zeros(len(votes)), np.zeros(len(votes))
        for at in np.flatnonzero(votes):
            rows = np.where(table.of == at, residual, 0.0)
            held = len(np.unique(group[table.of == at]))
            ranks[at] = max(np.linalg.matrix_rank(informed[at], hermitian=True), 1)
            inverse = np.linalg.pinv(informed[at], hermitian=True)
            traces[at] = float((inverse * table.meat(rows, group, size)).sum()) * held / max(held - 1, 1)
        found.append(float(votes @ (traces / np.maximum(ranks, 1.0)) / votes.sum()))
    # Untied independent votes have φ = 1; what is found below that is chance, but for ties, which vary less.
    tied = float((table.weight * (table.score == 0.5)).sum() / table.weight.sum())
    return max(*found, 1.0 - tied, LEAST_SHARPNESS)


def _information(points: FloatArray, theta: FloatArray) -> FloatArray:
    chance = expit(theta[:, :, None] - theta[:, None, :])
    weight = (points + points.transpose(0, 2, 1)) * chance * (1.0 - chance)
    own = np.arange(points.shape[1])
    information: FloatArray = -weight
    information[:, own, own] += weight.sum(axis=2)
    return information


def _averaged(points: FloatArray, sharp: float, progress: Progress | None) -> tuple[list[Mode], FloatArray]:
    """Modes over τ and their posterior weights: over the whole range first, then where it is likely."""
    grid, modes, done = np.linspace(WIDEST / (COARSE - 1) / 20, WIDEST, COARSE), list[Mode](), 0
    for total in (COARSE + FINE, COARSE + FINE):
        modes = []
        for tau in grid.tolist():
            modes.append(models.fit(points, tau, sharp, modes[-1] if modes else None))
            done += 1
            if progress is not None:
                progress(done, total)
        evidence = np.array([mode.evidence for mode in modes])
        weights = np.exp(evidence - evidence.max())
        likely = np.flatnonzero(weights > UNLIKELY)
        ends = max(int(likely[0]) - 1, 0), min(int(likely[-1]) + 1, len(grid) - 1)
        grid = np.linspace(grid[ends[0]], grid[ends[1]], FINE)
    weights[[0, -1]] /= 2.0  # the trapezoidal rule
    return modes, weights / weights.sum()


def _raters_part(table: _Table, clustering: Clustering, mean: FloatArray) -> tuple[FloatArray, float]:
    """The covariance of what raters vary in, beyond their single votes, and the number of raters.

    The part of the whole's sandwich by rater that votes of one question and rater do not explain; it is common to all
    categories, since the same raters vote in each.
    """
    n = len(mean)
    terms = [(sign, factor) for sign, factor in clustering.terms if factor.name != "question"]
    rater = next((factor for factor in clustering.factors if factor.name == "rater"), None)
    if rater is None:
        return np.zeros((n, n)), np.inf
    residual = table.residual(np.tile(mean, (len(table.points), 1)))
    by_vote = Factor("vote", np.arange(len(residual)), len(residual), len(residual))
    terms = terms if any(sign < 0 for sign, _ in terms) else [(1, rater), (-1, by_vote)]
    meat = sum(
        sign * factor.number / max(factor.number - 1, 1) * table.meat(residual, factor.of, factor.size)
        for sign, factor in terms
    )
    bread = np.linalg.pinv(_information(table.points.sum(axis=0)[None], mean[None])[0], hermitian=True)
    roots, vectors = np.linalg.eigh(bread @ meat @ bread)
    return (vectors * np.maximum(roots, 0.0)) @ vectors.T, float(rater.number)


def _islands(votes: Votes, table: _Table) -> tuple[str, ...]:
    island = connectivity.islands(table.points.sum(axis=0))
    return (caveats.islands(connectivity.named(votes.contenders, island)),) if island.max() > 1 else ()


@dataclass(frozen=True, eq=False)
class _Found:
    """Log-strengths and how far their intervals reach, (categories, contenders) each."""

    theta: FloatArray
    reach: FloatArray


def _posterior(
    modes: list[Mode],
    weights: FloatArray,
    common: tuple[FloatArray, float],
    table: _Table,
    clustering: Clustering,
    level: float,
) -> _Found:
    """Mean and variance over τ; what raters add is known from so many raters (t quantiles: `spreads.critical`)."""
    centre = centring(np.asarray(table.points.sum(axis=(0, 1)) + table.points.sum(axis=(0, 2)), dtype=np.float64))
    theta = np.einsum("t,tci->ci", weights, np.array([mode.theta for mode in modes]))
    own = np.zeros_like(theta)
    for mode, weight in zip(modes, weights, strict=True):
        covariance = centre(centre(mode.covariance()).transpose(0, 2, 1))
        own += weight * (np.diagonal(covariance, axis1=1, axis2=2) + centre(mode.theta - theta) ** 2)
    variance = own + np.diag(centre(centre(common[0]).T))
    reach = np.empty_like(variance)
    for at, (each, whole) in enumerate(zip(own, variance, strict=True)):
        freedom = np.full(len(each), min(common[1], 1e9) - 1.0)
        reach[at] = critical(level, freedom, each / whole) * np.sqrt(whole)
    return _Found(theta - theta.mean(axis=1, keepdims=True), reach)


def _categories(
    votes: Votes, table: _Table, names: Sequence[str], found: _Found, few: int
) -> tuple[ShrunkCategory, ...]:
    n, shown = len(votes.contenders), []
    for at, name in enumerate(names):
        rows = np.flatnonzero(table.of == at)
        cast = np.bincount(np.concatenate([votes.a[rows], votes.b[rows]]), minlength=n)
        rating, reach = MEAN + SCALE * found.theta[at], SCALE * found.reach[at]
        order = sorted(range(n), key=lambda one: (-round(float(rating[one]), 4), votes.contenders[one]))
        shown.append(
            ShrunkCategory(
                name,
                len(rows),
                len(rows) < few,
                tuple(
                    ShrunkRow(
                        votes.contenders[one],
                        int(cast[one]),
                        round(float(rating[one]), 4),
                        round(float(rating[one] - reach[one]), 4),
                        round(float(rating[one] + reach[one]), 4),
                        bool(cast[one] < few),
                    )
                    for one in order
                ),
            )
        )
    return tuple(shown)


def _spread(modes: list[Mode], weights: FloatArray, level: float) -> dict[str, float]:
    """τ's posterior mean and interval, in Elo points."""
    tau, below = np.array([mode.tau for mode in modes]), np.cumsum(weights)
    ends = np.interp([(1.0 - level) / 2.0, (1.0 + level) / 2.0], below, tau)
    spread, low, high = (round(SCALE * float(value), 4) for value in (weights @ tau, *ends))
    return {"spread": spread, "spread_low": low, "spread_high": high}
