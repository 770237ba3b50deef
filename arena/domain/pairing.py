"""Which pairing a rater gets next, and on which sides its answers stand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum
from random import Random
from typing import Generic, NamedTuple, TypeVar

ContenderPair = tuple[int, int]
T = TypeVar("T")


class Candidate(NamedTuple):
    """A pairing that a rater may still get, and how many of its places are taken."""

    pairing_id: int
    taken: int


def pairs(items: Sequence[T]) -> list[tuple[T, T]]:
    """All unordered pairs of a question's answers, in the order given."""
    return list(combinations(items, 2))


def by_need(served: Mapping[ContenderPair, int], rng: Random) -> list[ContenderPair]:
    """The pairs of contenders, least served first, chance deciding between equals (pair policy `balanced`)."""
    order = sorted(served)
    rng.shuffle(order)
    return sorted(order, key=lambda pair: served[pair])


def drawn(chances: Mapping[ContenderPair, float], rng: Random) -> tuple[ContenderPair, float]:
    """One of these pairs of contenders, and the probability with which it was drawn (pair policy `active`).

    `chances` lead from pairs to what is in proportion to their probabilities, and must not be empty.
    """
    order = sorted(chances)
    [pair] = rng.choices(order, [chances[pair] for pair in order])
    return pair, round(chances[pair] / fsum(chances.values()), 12)


def choose(candidates: Sequence[Candidate], rng: Random) -> Candidate:
    """One of the least taken candidates, by chance. `candidates` must not be empty."""
    fewest = min(candidate.taken for candidate in candidates)
    return rng.choice([candidate for candidate in candidates if candidate.taken == fewest])


@dataclass(frozen=True)
class Sides(Generic[T]):
    """What stands on side A and on side B."""

    a: T
    b: T


def toss(low: T, high: T, rng: Random) -> Sides[T]:
    """Put two things on sides by a fair coin."""
    return Sides(low, high) if rng.random() < 0.5 else Sides(high, low)


def free_place(taken: set[int], places: int) -> int:
    """The lowest of a pairing's `places` that is not taken."""
    return min(set(range(1, places + 1)) - taken)


def new_token() -> str:
    """An unguessable name for a matchup: 192 random bits."""
    return secrets.token_urlsafe(24)
