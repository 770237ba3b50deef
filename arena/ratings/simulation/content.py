"""The questions of a study, a chunk at a time: how good and how long each answer is, and which pairs are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np

from arena.ratings.simulation.streams import Floats, Ints, Purpose, Seed, Stream
from arena.ratings.simulation.truth import LONGEST, SHORTEST, Truth

CHUNK = 4096
"""Questions at a time; a part of what a seed means."""


@dataclass(frozen=True, eq=False)
class Content:
    """A chunk of questions. `quality` in logits and `length` in characters are of shape (questions, contenders).

    `category` indexes the truth's categories (-1 without any), `difficulty` is standard normal. Pair k is of the
    contenders `first[k]` < `second[k]` on the question `question[k]` of this chunk; the chunk begins with the study's
    question `start`.
    """

    chunk: int
    start: int
    category: Ints
    difficulty: Floats
    quality: Floats
    length: Ints
    question: Ints
    first: Ints
    second: Ints


def chunks(truth: Truth) -> range:
    """The numbers of the chunks."""
    return range(ceil(truth.questions.number / CHUNK))


def content(truth: Truth, seed: Seed, chunk: int) -> Content:
    """One chunk of the questions, as this seed draws them."""
    start = chunk * CHUNK
    count, n = min(CHUNK, truth.questions.number - start), len(truth.contenders)
    category = _categories(truth, Stream(seed, Purpose.CATEGORY, chunk), count)
    quality = np.array([contender.strength for contender in truth.contenders]) + category_effects(truth)[category]
    quality += Stream(seed, Purpose.QUALITY, chunk).normal(truth.questions.sd, count, n)
    pairs = truth.assignment.pairs
    shown = Stream(seed, Purpose.PAIRS, chunk).distinct(count, n * (n - 1) // 2, pairs).ravel()
    first, second = _pair(shown)
    return Content(
        chunk,
        start,
        category,
        Stream(seed, Purpose.DIFFICULTY, chunk).normal(1.0 if truth.raters.abstention_slope else 0.0, count),
        quality,
        _lengths(truth, Stream(seed, Purpose.LENGTH, chunk), count),
        np.repeat(np.arange(count, dtype=np.int32), pairs),
        first,
        second,
    )


def answer_lengths(truth: Truth, seed: Seed) -> Iterator[Ints]:
    """The lengths of all answers in characters, in chunks of shape (questions, contenders)."""
    for chunk in chunks(truth):
        count = min(CHUNK, truth.questions.number - chunk * CHUNK)
        yield _lengths(truth, Stream(seed, Purpose.LENGTH, chunk), count)


def category_effects(truth: Truth) -> Floats:
    """What each category adds to each contender's strength, (categories + 1, contenders); the last row is of none."""
    effects = [[category.effects.get(name, 0.0) for name in truth.names] for category in truth.categories]
    return np.array([*effects, [0.0] * len(truth.contenders)])


def category_weights(truth: Truth) -> Floats:
    """The share of the questions that each category is expected to have."""
    weights = np.array([category.weight for category in truth.categories])
    shares: Floats = weights / weights.sum()
    return shares


def _categories(truth: Truth, stream: Stream, count: int) -> Ints:
    if not truth.categories:
        return np.full(count, -1, dtype=np.int32)
    bounds = np.cumsum(category_weights(truth))[:-1]
    return np.searchsorted(bounds, stream.uniform(count), side="right").astype(np.int32)


def _lengths(truth: Truth, stream: Stream, count: int) -> Ints:
    medians = np.array([contender.length for contender in truth.contenders])
    sds = np.array([contender.length_sd for contender in truth.contenders])
    spread = stream.normal(1.0 if sds.any() else 0.0, count, len(sds))
    lengths: Floats = np.clip(np.rint(medians * np.exp(sds * spread)), SHORTEST, LONGEST)
    return lengths.astype(np.int32)


def _pair(number: Ints) -> tuple[Ints, Ints]:
    """The two contenders of a pair, numbered (0, 1), (0, 2), (1, 2), (0, 3), …"""
    if not number.size:
        return number, number
    most = (isqrt(8 * int(number.max()) + 1) + 1) // 2
    starts = np.arange(most + 1, dtype=np.int64)
    starts = starts * (starts - 1) // 2
    second = np.searchsorted(starts, number, side="right") - 1
    return (number - starts[second]).astype(np.int32), second.astype(np.int32)
