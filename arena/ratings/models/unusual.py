"""How unlike the others' a rater's votes are, measured against votes that an honest rater would have cast.

Each rater's votes are predicted from a fit of all the others' votes. Two things are measured: how likely the votes are
(which is low for somebody who votes at random, or the other way round), and how far they lean towards or away from one
contender, or one side (which is large for somebody who always votes for it). What is usual comes from simulation: the
same questions and pairings, voted on by raters with tastes, likings for a side and question effects as large as those
that the votes show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit

from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.models.bradley_terry import MAX_STEPS, damped, derivatives
from arena.ratings.models.placing import PRECISION

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LEAST_VOTES = 10
"""Votes from which a rater is measured."""
FIRST_ROUNDS, OUT_OF_THE_WAY = 200, 0.1
"""Simulated raters for everybody, and the probability up to which there are more."""
CELLS = 2_000_000
"""Numbers held at a time."""
WIDEST = 4.0
"""The largest variance, in squared logits, that is looked for."""
SLOPE = 16 * np.sqrt(3) / (15 * np.pi)
"""A normal effect of variance v on the logit flattens the average to a logit divided by √(1 + (SLOPE)² v)."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Single votes sorted by rater, (rows,) each; `score` is A's points. `start`, (raters + 1,), tells whose are where.

    `question` is below `questions`; votes that name none have one each.
    """

    a: IntArray
    b: IntArray
    score: FloatArray
    question: IntArray
    start: IntArray
    contenders: int
    questions: int

    def rows(self, rater: int) -> slice:
        """The votes of one rater."""
        return slice(int(self.start[rater]), int(self.start[rater + 1]))

    def points(self, rows: slice) -> FloatArray:
        """Who scored how much against whom in some votes, (contenders, contenders)."""
        n, a, b, score = self.contenders, self.a[rows], self.b[rows], self.score[rows]
        points = np.bincount(a * n + b, score, n * n) + np.bincount(b * n + a, 1.0 - score, n * n)
        return points.astype(np.float64).reshape(n, n)


@dataclass(frozen=True, eq=False)
class Usual:
    """What the others' votes lead one to expect: `chance`, (rows,), of A's points; `decided`, of a win where none ties.

    Standard deviations in logits: of the contenders' effects by question, of raters' tastes, of their likings for a
    side; and of the logarithms of their slopes.
    """

    chance: FloatArray
    decided: FloatArray
    question_sd: float
    taste_sd: float
    slope_sd: float
    side_sd: float


@dataclass(frozen=True, eq=False)
class Unusual:
    """Of each rater, (raters,): standard scores and probabilities among simulated honest raters; NaN: too few votes.

    `likelihood` is low where the votes are unlikely. `lean` is the largest standard score among the contenders and
    side A, `towards` says which (contenders: side A), and `sign` whether votes lean towards or away from it.
    `probability` is that of being so far out in either respect.
    """

    likelihood: FloatArray
    lean: FloatArray
    towards: IntArray
    sign: IntArray
    probability: FloatArray


def usual(panel: Panel, slope_sd: float, side_sd: float) -> Usual:
    """The prediction of each vote by the others' votes, and how much honest raters differ.

    `slope_sd` and `side_sd` are the usual ones of `reliability.fit`; tastes are what raters differ in besides.
    """
    chance = np.concatenate([_by_others(panel, raters) for raters in _batches(panel)])
    tied = float((panel.score == 0.5).mean())
    decided = np.clip((chance - tied / 2) / max(1.0 - tied, 1e-9), 1e-6, 1.0 - 1e-6)
    weight = (1.0 - tied) * decided * (1.0 - decided)
    own = np.maximum(chance * (1.0 - chance) - tied / 4, 0.0)
    residual = panel.score - chance
    question = _question_variance(panel, residual, weight)
    rater = np.repeat(np.arange(len(panel.start) - 1), np.diff(panel.start))
    known: FloatArray = 2.0 * np.bincount(rater, own, len(panel.start) - 1).astype(np.float64)
    known += slope_sd**2 * _sums(rater, panel, weight * logit(decided)) + side_sd**2 * _sums(rater, panel, weight)
    taste = _taste_variance(panel, rater, residual, weight, known, question)
    return Usual(chance, decided, float(np.sqrt(question)), float(np.sqrt(taste)), slope_sd, side_sd)


def unusual(panel: Panel, expected: Usual, rounds: int, seed: int, progress: Progress | None = None) -> Unusual:
    """Each rater's votes beside `rounds` simulated ones on the same pairings. Same seed, same numbers."""
    raters = len(panel.start) - 1
    likelihood, lean, probability = (np.full(raters, np.nan) for _ in range(3))
    towards, sign = (np.zeros(raters, dtype=np.int64) for _ in range(2))
    found = Unusual(likelihood, lean, towards, sign, probability)
    streams = np.random.SeedSequence(seed).spawn(raters)
    for rater in range(raters):
        rows = panel.rows(rater)
        if rows.stop - rows.start >= LEAST_VOTES:
            rng = np.random.Generator(np.random.PCG64(streams[rater]))
            _measure(panel, expected, rater, rounds, rng, found)
        if progress is not None:
            progress(rows.stop, len(panel.a))
    return found


def _batches(panel: Panel) -> Iterator[range]:
    """The raters, some at a time: each needs contenders² numbers."""
    raters, size = len(panel.start) - 1, max(1, CELLS // panel.contenders**2)
    return (range(begin, min(begin + size, raters)) for begin in range(0, raters, size))


def _by_others(panel: Panel, raters: range) -> FloatArray:
    """The chance of A's points in the votes of these raters, from the Bradley-Terry fit of everybody else's votes.

    Strengths have the weak prior N(0, 3²), so that none is infinite.
    """
    whole = panel.points(slice(None))
    points = np.stack([whole - panel.points(panel.rows(rater)) for rater in raters])
    games, scored = points + points.transpose(0, 2, 1), points.sum(axis=2)
    theta, own = np.zeros(scored.shape), np.arange(panel.contenders)
    for _ in range(MAX_STEPS):
        gradient, weight = derivatives(theta, games, scored)
        information = -weight
        information[:, own, own] += weight.sum(axis=2) + PRECISION
        step = np.asarray(np.linalg.solve(information, (gradient - PRECISION * theta)[:, :, None])[:, :, 0])
        theta += damped(step)
        if np.abs(step).max() <= 1e-8:
            break
    sizes = np.diff(panel.start)[raters.start : raters.stop]
    of = np.repeat(np.arange(len(raters)), sizes)
    rows = slice(int(panel.start[raters.start]), int(panel.start[raters.stop]))
    chance: FloatArray = expit(theta[of, panel.a[rows]] - theta[of, panel.b[rows]])
    return chance


def _sums(group: IntArray, panel: Panel, values: FloatArray) -> FloatArray:
    """For each group, Σ over contenders of (Σ of its votes' values, with the sign of its side)²."""
    keys = np.concatenate([group * panel.contenders + side for side in (panel.a, panel.b)])
    cells, of = np.unique(keys, return_inverse=True)
    squares = np.bincount(of, np.concatenate([values, -values]), len(cells)) ** 2
    return np.bincount(cells // panel.contenders, squares, int(group.max()) + 1).astype(np.float64)


def _shared(group: IntArray, panel: Panel, weight: FloatArray) -> FloatArray:
    """What an effect of contender × group of variance 1 adds to `_sums` of residuals, between different votes.

    A contender's sum moves by Σ over opponents of W (its effect - the opponent's), W the weight of the votes on the
    pair: variance (ΣW)² + ΣW². What each vote shares with itself is taken off.
    """
    n, size = panel.contenders, int(group.max()) + 1
    keys = np.concatenate([group * n + side for side in (panel.a, panel.b)])
    cells, of = np.unique(keys, return_inverse=True)
    whole = np.bincount(cells // n, np.bincount(of, np.tile(weight, 2), len(cells)) ** 2, size)
    low, high = np.minimum(panel.a, panel.b), np.maximum(panel.a, panel.b)
    cells, of = np.unique((group * n + low) * n + high, return_inverse=True)
    pairs = np.bincount(cells // n**2, np.bincount(of, weight, len(cells)) ** 2, size)
    return whole + 2.0 * pairs - np.bincount(group, 4.0 * weight**2, size)


def _question_variance(panel: Panel, residual: FloatArray, weight: FloatArray) -> float:
    """The variance of contender × question effects by moments: what votes on one question have in common."""
    shared = float(_shared(panel.question, panel, weight).sum())
    common = float(_sums(panel.question, panel, residual).sum()) - 2.0 * float(residual @ residual)
    return min(max(common / shared, 0.0), WIDEST) if shared > 1e-9 else 0.0


def _taste_variance(
    panel: Panel, rater: IntArray, residual: FloatArray, weight: FloatArray, known: FloatArray, question: float
) -> float:
    """The variance of contender × rater effects, at which the median rater is as far out as a median should be.

    `known`, (raters,), is what else moves them. A median, so that a few who vote like nobody else do not make
    everybody's tastes look wide.
    """
    kept = np.diff(panel.start) >= LEAST_VOTES
    if not kept.any():
        return 0.0
    seen, shared = _sums(rater, panel, residual)[kept], _shared(rater, panel, weight)[kept]
    cells, of = np.unique(rater * panel.questions + panel.question, return_inverse=True)
    inside = np.bincount(cells // panel.questions, _shared(of, panel, weight), len(kept))[kept]
    chance = known[kept] + question * np.maximum(inside, 0.0) + 1e-9
    directions = max(panel.contenders - 1, 1)
    median = (1.0 - 2.0 / (9.0 * directions)) ** 3  # of χ², relative to its mean (Wilson & Hilferty 1931)

    def surplus(variance: float) -> float:
        return float(np.median(seen / (chance + variance * np.maximum(shared, 0.0)))) - median

    if surplus(0.0) <= 0.0:
        return 0.0
    return WIDEST if surplus(WIDEST) >= 0.0 else float(brentq(surplus, 0.0, WIDEST))


def _measure(panel: Panel, expected: Usual, rater: int, rounds: int, rng: np.random.Generator, found: Unusual) -> None:
    """A rater who is nothing out of the way in FIRST_ROUNDS gets no more (Besag & Clifford 1991)."""
    rows, first = panel.rows(rater), min(rounds, FIRST_ROUNDS)
    chance, n = expected.chance[rows], panel.contenders
    design = np.zeros((len(chance), n + 1))
    each = np.arange(len(chance))
    design[each, panel.a[rows]], design[each, panel.b[rows]], design[:, n] = 1.0, -1.0, 1.0

    def measured(votes: FloatArray) -> FloatArray:
        """The log-likelihood of some rounds of votes, and how far they lean, (rounds, 1 + contenders + 1)."""
        likelihood = votes @ logit(chance) + np.log1p(-chance).sum()
        return np.column_stack([likelihood, (votes - chance) @ design])

    own = measured(panel.score[rows][None])[0]
    drawn = [measured(votes) for votes in _drawn(panel, expected, rows, first, rng)]
    _note(own, np.concatenate(drawn), rater, found)
    if rounds > first and found.probability[rater] <= OUT_OF_THE_WAY:
        drawn += [measured(votes) for votes in _drawn(panel, expected, rows, rounds - first, rng)]
        _note(own, np.concatenate(drawn), rater, found)


def _note(own: FloatArray, drawn: FloatArray, rater: int, found: Unusual) -> None:
    """What a rater's measures say beside the drawn ones, (rounds, measures)."""
    mean, spread = drawn.mean(axis=0), drawn.std(axis=0)
    known = spread > 1e-9
    own, drawn = (np.where(known, (each - mean) / np.where(known, spread, 1.0), 0.0) for each in (own, drawn))
    lean, farthest = np.abs(own[1:]), np.abs(drawn[:, 1:]).max(axis=1)
    at = int(np.argmax(lean))
    found.likelihood[rater], found.lean[rater] = own[0], lean[at]
    found.towards[rater], found.sign[rater] = at, int(np.sign(own[1 + at]))
    tails = (np.count_nonzero(drawn[:, 0] <= own[0]), np.count_nonzero(farthest >= lean[at]))
    found.probability[rater] = min(1.0, 2.0 * (1.0 + min(tails)) / (len(drawn) + 1.0))  # the less likely of two


def _drawn(panel: Panel, expected: Usual, rows: slice, rounds: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """What honest raters would have voted on these pairings, (some rounds, votes)."""
    a, b, n, votes = panel.a[rows], panel.b[rows], panel.contenders, rows.stop - rows.start
    met, of = np.unique(np.concatenate([panel.question[rows] * n + side for side in (a, b)]), return_inverse=True)
    variance = 2 * expected.question_sd**2 + 2 * expected.taste_sd**2 + expected.side_sd**2
    lead = logit(expected.decided[rows]) * np.sqrt(1.0 + SLOPE**2 * variance)
    tied = float((panel.score[rows] == 0.5).mean())
    size = max(1, CELLS // (votes + len(met)))
    for begin in range(0, rounds, size):
        some = min(size, rounds - begin)
        effect = rng.normal(0.0, expected.question_sd, (some, len(met)))
        taste = rng.normal(0.0, expected.taste_sd, (some, n))
        side = rng.normal(0.0, expected.side_sd, (some, 1))
        slope = np.exp(rng.normal(0.0, expected.slope_sd, (some, 1)))
        moved = effect[:, of[:votes]] - effect[:, of[votes:]] + taste[:, a] - taste[:, b] + side
        point = rng.random((some, votes))
        won = point < tied + (1.0 - tied) * expit(slope * lead + moved)
        yield np.where(point < tied, 0.5, won)
