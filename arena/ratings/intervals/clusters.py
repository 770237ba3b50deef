"""Which votes may be alike: by question, by rater, by both, or none; and what an interval then speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.comparisons.votes import Votes
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.sums import numbered

IntArray = npt.NDArray[np.int64]
Cluster = Literal["auto", "vote", "question", "rater", "question+rater"]
Estimand = Literal["questions-like-these", "these-questions"]

ENOUGH_RATERS = 8
"""Raters from which on `auto` takes them as a sample of raters; below, their spread cannot be estimated."""
MOST_CELLS = 10_000_000
"""Pairs of a question and a rater up to which each is a group of its own, whether it holds a vote or not."""


@dataclass(frozen=True)
class Factor:
    """A grouping of the votes: `of`, (rows,), is the group of each row, below `size`; `number` of them have a vote."""

    name: str
    of: IntArray
    size: int
    number: int


@dataclass(frozen=True)
class Clustering:
    """The factors by which votes are taken as alike: none (single votes), one or two; and what to say about it."""

    factors: tuple[Factor, ...]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """As the option `cluster` names it."""
        return "+".join(factor.name for factor in self.factors) or "vote"

    @property
    def groups(self) -> int | None:
        """The number of groups of the factor that has fewest; None for single votes."""
        return min((factor.number for factor in self.factors), default=None)

    @cached_property
    def terms(self) -> tuple[tuple[int, Factor], ...]:
        """The factors whose variances are added (1) and subtracted (-1).

        With two factors, V = V_one + V_other - V_crossing (Cameron, Gelbach & Miller 2011, eq. 2.9). Where each group
        of one lies within a group of the other, it is the crossing itself, and the two cancel.
        """
        if len(self.factors) < 2:
            return tuple((1, factor) for factor in self.factors)
        crossing = _crossing(*self.factors)
        terms = [(1, factor) for factor in self.factors if factor.number != crossing.number]
        return tuple(terms) if len(terms) == 1 else ((1, self.factors[0]), (1, self.factors[1]), (-1, crossing))


def _crossing(one: Factor, other: Factor) -> Factor:
    crossed = one.of * other.size + other.of
    if one.size * other.size <= MOST_CELLS:  # numbering them anew would take a sort
        held = np.bincount(crossed, minlength=one.size * other.size)
        return Factor(f"{one.name} and {other.name}", crossed, len(held), int(np.count_nonzero(held)))
    of, groups = numbered(crossed)
    return Factor(f"{one.name} and {other.name}", of, groups, groups)


def choose(votes: Votes, cluster: Cluster, estimand: Estimand) -> Clustering:
    """The factors that `cluster` names, or that `auto` takes.

    `auto` takes raters from ENOUGH_RATERS on, and questions where the interval is to hold for questions like these.
    Raises BadInput where a factor is asked for by name that some vote does not state, or that has one group only.
    """
    if cluster == "vote":
        return Clustering((), ())
    if cluster != "auto":
        return Clustering(tuple(_stated(votes, name) for name in cluster.split("+")), ())
    names, warnings = [], []
    questions, raters = len(votes.questions), len(votes.raters)
    if estimand == "questions-like-these" and questions == 1 and not _without(votes, "question"):
        warnings.append(caveats.one_question())
    elif estimand == "questions-like-these" and questions:
        names.append("question")
    if raters >= ENOUGH_RATERS:
        names.append("rater")
    elif raters:
        warnings.append(caveats.these_raters(raters))
    factors = tuple(_factor(votes, name) for name in names)
    for factor, given in zip(factors, map(len, (_names(votes, name) for name in names)), strict=True):
        if factor.number > given:
            warnings.append(caveats.unnamed(factor.name, factor.number - given))
    return Clustering(factors, tuple(warnings))


def _names(votes: Votes, name: str) -> tuple[str, ...]:
    return votes.questions if name == "question" else votes.raters


def _without(votes: Votes, name: str) -> int:
    """How many rows name no question (or rater)."""
    given = votes.question if name == "question" else votes.rater
    return len(votes.a) if given is None else int((given < 0).sum())


def _factor(votes: Votes, name: str) -> Factor:
    """A vote that names no question (or rater) is a group of its own."""
    given = votes.question if name == "question" else votes.rater
    assert given is not None  # a factor is taken only where some vote names it
    of, known = given.astype(np.int64), len(_names(votes, name))
    missing = _in_order(votes, np.flatnonzero(of < 0), votes.rater if name == "question" else votes.question)
    of[missing] = known + np.arange(len(missing))
    size = known + len(missing)
    return Factor(name, of, size, size)


def _in_order(votes: Votes, rows: IntArray, other: npt.NDArray[np.int32] | None) -> IntArray:
    """Rows in an order that is the same however they were given: by pair and outcome, weight, and the other factor."""
    if not len(rows):
        return rows
    keys = [part[rows] for part in (other, votes.weight, Ballots.of(votes).kind) if part is not None]
    return rows[np.lexsort(keys)]


def _stated(votes: Votes, name: str) -> Factor:
    without, known = _without(votes, name), len(_names(votes, name))
    column = "question_id" if name == "question" else "rater"
    if without:
        some = "1 vote names" if without == 1 else f"{without} votes name"
        some = "some counts name" if votes.is_counts else some  # a row of counts may stand for up to four of Votes
        raise BadInput(f"{some} no {name}; give each a {column}, or choose another cluster")
    if known < 2:
        raise BadInput(f"all votes are of one {name}, so that nothing can be said of others; choose another cluster")
    return _factor(votes, name)
