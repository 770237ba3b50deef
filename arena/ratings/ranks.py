"""Positions, and the range of positions that the intervals leave open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arena.ratings.comparisons import FloatArray, IntArray


def order(names: Sequence[str], ratings: FloatArray) -> list[int]:
    """The indices of the contenders, best first: rating descending, then name."""
    return sorted(range(len(names)), key=lambda index: (-float(ratings[index]), names[index]))


def rank_ranges(low: FloatArray, high: FloatArray) -> tuple[IntArray, IntArray]:
    """The best and the worst rank that each interval allows, both of shape (contenders,), from 1.

    The best is 1 + the number of contenders whose whole interval lies above mine; the worst is n - the number whose
    whole interval lies below. These are separate intervals: the ranges do not hold for all contenders at once.
    An interval without width, from votes that no resampling could vary, excludes no rank.
    """
    unknown = high - low <= 0
    low, high = np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)
    above = (low[None, :] > high[:, None]).sum(axis=1)
    below = (high[None, :] < low[:, None]).sum(axis=1)
    return (1 + above).astype(np.int64), (len(low) - below).astype(np.int64)
