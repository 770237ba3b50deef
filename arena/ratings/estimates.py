"""What is asked of an estimator, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.bootstrap import Report
from arena.ratings.clusters import Clustering

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """How intervals are to be made: by `interval` ("bootstrap" or "sandwich"), for these clusters, rounds and level."""

    interval: str
    clustering: Clustering
    rounds: int
    level: float
    seed: int
    report: Report

    def generators(self) -> list[np.random.Generator]:
        """Independent generators for up to four bootstraps and for what else is drawn: same seed, same numbers."""
        return [np.random.Generator(np.random.PCG64(seq)) for seq in np.random.SeedSequence(self.seed).spawn(5)]


@dataclass(frozen=True)
class Found:
    """Log-strengths of mean 0 on each island, how far their intervals reach, and draws of their errors; in logits.

    `theta`, `below`, `above` of shape (contenders,), `draws` (rounds, contenders); `stretch` as in `spreads.Spread`;
    `settings` are those of the method.
    """

    theta: FloatArray
    below: FloatArray
    above: FloatArray
    draws: FloatArray
    stretch: float
    warnings: tuple[str, ...]
    settings: dict[str, float | str]


def centring(games: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Takes the mean weighted by `games` off the last axis; a contender that is not known (NaN) has no part in it."""
    share = games / games.sum()

    def centred(values: FloatArray) -> FloatArray:
        known = ~np.isnan(values)
        total, held = np.where(known, values, 0.0) @ share, known @ share
        result: FloatArray = values - (total / np.where(held > 0, held, 1.0))[..., None]
        return result

    return centred
