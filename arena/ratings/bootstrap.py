"""Seeded resampling of whole questions or of single votes, drawn as counts, and the percentile levels to read off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, stdtrit

from arena.ratings.bradley_terry import fit
from arena.ratings.comparisons import A_WINS, B_WINS, BOTH_BAD, TIE, Comparisons, FloatArray, IntArray, Votes
from arena.ratings.elo import elo_resampled

Progress = Callable[[int, int], None]

BATCH_NUMBERS = 4_000_000
"""Numbers in the largest array of a batch of rounds: what bounds the memory (about 32 MB an array)."""
BATCH_ROUNDS = 250


@dataclass(frozen=True)
class Draw:
    """How many rounds, from which seed, and whom to tell: `progress(done, rounds)`."""

    rounds: int
    seed: int
    progress: Progress | None = None

    def batches(self, width: int) -> Iterator[tuple[int, int]]:
        """Rounds [begin, end) to do at once, where a round needs an array of `width` numbers."""
        size = max(1, min(BATCH_ROUNDS, BATCH_NUMBERS // width))
        for begin in range(0, self.rounds, size):
            end = min(begin + size, self.rounds)
            yield begin, end
            if self.progress is not None:
                self.progress(end, self.rounds)

    def generator(self) -> np.random.Generator:
        """A new generator: the same seed, the same rounds, in any batches."""
        return np.random.Generator(np.random.PCG64(self.seed))


@dataclass(frozen=True)
class Units:
    """What a round draws: `draws` units with replacement, unit u with probability `share[u]`.

    `points` of shape (units, contenders²) is what one copy of a unit adds to who scored how much against whom.
    """

    draws: int
    share: FloatArray
    points: csr_array[np.float64]
    contenders: int


def question_units(comparisons: Comparisons) -> Units:
    """Every question is a unit, with all its votes (the cluster bootstrap)."""
    counts = comparisons.counts
    half = 0.5 * (counts[:, TIE] + counts[:, BOTH_BAD])
    size = len(comparisons.clusters)
    points = _points(comparisons, comparisons.cluster, size, counts[:, A_WINS] + half, counts[:, B_WINS] + half)
    return Units(size, np.full(size, 1.0 / size), points, len(comparisons.contenders))


def vote_units(comparisons: Comparisons) -> Units:
    """Every vote is a unit; equal votes (same pair, same outcome) share one row, drawn in proportion."""
    counts = comparisons.counts
    alike = np.stack([counts[:, A_WINS], counts[:, B_WINS], counts[:, TIE] + counts[:, BOTH_BAD]], axis=1)
    cell, kind = np.nonzero(alike)
    number, total = alike[cell, kind], int(alike.sum())
    chosen = Comparisons(
        comparisons.contenders,
        comparisons.clusters,
        comparisons.cluster[cell],
        comparisons.first[cell],
        comparisons.second[cell],
        counts[cell],
    )
    to_first, to_second = np.array([1.0, 0.0, 0.5])[kind], np.array([0.0, 1.0, 0.5])[kind]
    points = _points(chosen, np.arange(len(cell)), len(cell), to_first, to_second)
    return Units(total, number / total, points, len(comparisons.contenders))


def bootstrap_bradley_terry(units: Units, theta: FloatArray, draw: Draw) -> tuple[FloatArray, int]:
    """Log-strengths of each round, shape (rounds, contenders), and how many rounds needed the penalty.

    Efron (1979); by question, the cluster bootstrap. `theta` are the log-strengths of the votes as they are.
    """
    n, penalised = units.contenders, 0
    result = np.empty((draw.rounds, n))
    rng = draw.generator()
    for begin, end in draw.batches(max(n * n, len(units.share))):
        times = rng.multinomial(units.draws, units.share, size=end - begin)
        points = np.ascontiguousarray(times.astype(np.float64) @ units.points).reshape(end - begin, n, n)
        fitted = fit(points, theta)
        result[begin:end] = fitted.theta
        penalised += int(fitted.penalised.sum())
    return result, penalised


def bootstrap_elo(votes: Votes, draw: Draw, *, by_question: bool) -> FloatArray:
    """Elo ratings of each round, shape (rounds, contenders): the drawn votes keep their order."""
    row = votes.question if by_question else np.arange(len(votes.a))
    size = len(votes.questions) if by_question else len(votes.a)
    result = np.empty((draw.rounds, len(votes.contenders)))
    rng = draw.generator()
    for begin, end in draw.batches(size):
        times = rng.multinomial(size, np.full(size, 1.0 / size), size=end - begin)
        result[begin:end] = elo_resampled(votes, times, row)
    return result


def percentile_levels(level: float, draws: int) -> tuple[float, float]:
    """The two percentile levels for an interval of `level` from `draws` independent units.

    Φ(t(draws-1) · √(draws/(draws-1))) instead of the plain (1 ± level)/2: bootstrap percentiles are too narrow
    by √((G-1)/G) and take the spread as known (Hesterberg 2015). With one unit there is nothing to widen.
    """
    tail = (1.0 - level) / 2.0
    if draws < 2:
        return tail, 1.0 - tail
    low = float(ndtr(stdtrit(draws - 1, tail) * np.sqrt(draws / (draws - 1))))
    return low, 1.0 - low


def _points(
    comparisons: Comparisons, unit: IntArray, units: int, to_first: FloatArray, to_second: FloatArray
) -> csr_array[np.float64]:
    n = len(comparisons.contenders)
    forth = comparisons.first * n + comparisons.second
    back = comparisons.second * n + comparisons.first
    values = np.concatenate([to_first, to_second])
    where = (np.concatenate([unit, unit]), np.concatenate([forth, back]))
    return csr_array((values, where), shape=(units, n * n))
