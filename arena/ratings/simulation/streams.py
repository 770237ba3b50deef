"""Random numbers by purpose: each effect has a stream of its own, so that stating one more leaves the others as drawn.

All come from PCG64 as uniform numbers in (0, 1); other distributions are made from those by their inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from arena.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Seed = tuple[int, ...]

_SMALLEST = 2.0**-54


class Purpose(IntEnum):
    """What random numbers are for."""

    CATEGORY = auto()
    DIFFICULTY = auto()
    QUALITY = auto()
    LENGTH = auto()
    PAIRS = auto()
    ASSIGNED = auto()
    SIDE = auto()
    REPLY = auto()
    TIE = auto()
    BOTH_BAD = auto()
    ABSTENTION = auto()
    RIGGED = auto()
    TIME = auto()
    RATER_EFFECT = auto()
    RATER_SLOPE = auto()
    RATER_SIDE = auto()
    RATER_THRESHOLD = auto()
    JUDGE_BIAS = auto()
    JUDGE_VIEW = auto()


class Stream:
    """The random numbers of one purpose, for one part of the study (a chunk of questions, a judge)."""

    def __init__(self, seed: Seed, purpose: Purpose, *part: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64((*seed, len(seed), int(purpose), *part)))

    def uniform(self, *shape: int) -> Floats:
        """Uniform numbers in (0, 1)."""
        return np.maximum(self._rng.random(shape), _SMALLEST)

    def normal(self, sd: float, *shape: int) -> Floats:
        """Normal numbers of mean 0; where `sd` is 0, zeros that take no memory and cannot be written to."""
        if not sd:
            return np.broadcast_to(np.float64(0.0), shape)
        drawn: Floats = ndtri(self.uniform(*shape))
        drawn *= sd
        return drawn

    def below(self, bound: int, *shape: int) -> Ints:
        """Whole numbers from 0 to below `bound`, each as likely."""
        return (self.uniform(*shape) * bound).astype(np.int32)

    def distinct(self, rows: int, bound: int, take: int) -> Ints:
        """In each row `take` different numbers below `bound`, every set as likely (Floyd's method): (rows, take)."""
        chosen = np.empty((rows, take), dtype=np.int32)
        if take == bound:
            chosen[:] = np.arange(bound, dtype=np.int32)
            return chosen
        for at, last in enumerate(range(bound - take, bound)):
            drawn = self.below(last + 1, rows)
            is_taken = (chosen[:, :at] == drawn[:, None]).any(axis=1)
            chosen[:, at] = np.where(is_taken, last, drawn)
        return chosen


def seed_of(seed: int | Sequence[int]) -> Seed:
    """A seed, or several numbers that make one, as a tuple. Raises BadInput for what is no whole number from 0."""
    numbers = (seed,) if isinstance(seed, int) else tuple(seed)
    if not numbers or any(not isinstance(number, int) or number < 0 for number in numbers):
        raise BadInput(f"the seed must be one or several whole numbers from 0, not {seed!r}")
    return numbers
