"""Seeded resampling: the log-strengths of rounds in which clusters, or single votes, are drawn with replacement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from arena.ratings.intervals.units import Units
from arena.ratings.models.fitting import fit
from arena.ratings.models.model import Model

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

BATCH_NUMBERS = 4_000_000
"""Numbers in the largest array of a batch of rounds: what bounds the memory (about 32 MB an array)."""
BATCH_ROUNDS = 250


@dataclass
class Report:
    """Tells `progress(done, total)` of the rounds of several bootstraps, or other steps, as of one long work."""

    progress: Progress | None
    total: int
    done: int = field(default=0, init=False)

    def add(self, rounds: int) -> None:
        """So many rounds, or steps, more are done."""
        self.done += rounds
        if self.progress is not None:
            self.progress(self.done, self.total)


def batches(rounds: int, width: int) -> Iterator[tuple[int, int]]:
    """Rounds [begin, end) to do at once, where a round needs an array of `width` numbers."""
    size = max(1, min(BATCH_ROUNDS, BATCH_NUMBERS // width))
    for begin in range(0, rounds, size):
        yield begin, min(begin + size, rounds)


def bootstrap(
    units: Units,
    model: Model,
    islands: list[IntArray],
    theta: FloatArray,
    importance: FloatArray,
    rounds: int,
    rng: np.random.Generator,
    report: Report,
) -> FloatArray:
    """The log-strengths of each round, (rounds, contenders), of mean 0 on each island (Efron 1979).

    `islands` are the contenders that met, `theta` the log-strengths of the votes as they are, `importance` as in
    `fitting.fit`. NaN for a contender that a round says nothing of.
    """
    result = np.full((rounds, units.contenders), np.nan)
    for begin, end in batches(rounds, units.layers * units.contenders**2):
        counts = units.resampled(end - begin, rng)
        for island in islands:
            drawn = counts if len(island) == units.contenders else counts[:, :, island[:, None], island[None, :]]
            result[begin:end, island] = fit(drawn, model, importance[island], theta[island])
        report.add(end - begin)
    return result


def stretched(level: float, groups: int) -> float:
    """The normal quantile to read off for an interval of `level` from `groups` independent groups.

    t(groups-1) · √(groups/(groups-1)) instead of z: bootstrap percentiles are too narrow by √((G-1)/G) and take the
    spread as known (Hesterberg 2015). With one group there is nothing to widen by.
    """
    tail = (1.0 + level) / 2.0
    if groups < 2:
        return float(stdtrit(np.inf, tail))
    return float(stdtrit(groups - 1, tail) * np.sqrt(groups / (groups - 1)))


def percentile_levels(level: float, groups: int) -> tuple[float, float]:
    """The two percentile levels that go with `stretched`."""
    low = float(ndtr(-stretched(level, groups)))
    return low, 1.0 - low
