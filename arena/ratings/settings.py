"""The settings of a board: what each may be, and what is said of one that cannot be used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Literal, TypeGuard, get_args

from arena.errors import BadInput
from arena.ratings.comparisons.votes import BothBad
from arena.ratings.intervals.clusters import Cluster, Estimand

Method = Literal["bradley-terry", "davidson", "rao-kupper", "elo", "elo-averaged"]
IntervalMethod = Literal["bootstrap", "sandwich"]

FARTHEST_ANCHOR = 1_000_000
"""Elo points from 0 up to which a contender's rating may be fixed: beyond any scale in use, within exact arithmetic."""
FARTHEST_SEED = 2**63


def check_words(method: str, interval: str, cluster: str, estimand: str, both_bad: str) -> None:
    """Raises BadInput for a word that is none of its setting's, and for a cluster that contradicts the estimand."""
    for name, value, allowed in (
        ("method", method, get_args(Method)),
        ("interval", interval, get_args(IntervalMethod)),
        ("cluster", cluster, get_args(Cluster)),
        ("estimand", estimand, get_args(Estimand)),
        ("both_bad", both_bad, get_args(BothBad)),
    ):
        if not isinstance(value, str) or value not in allowed:
            raise BadInput(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    if estimand == "these-questions" and "question" in cluster.split("+"):
        raise BadInput(
            f"the estimand these-questions and the cluster {cluster} contradict each other: to resample questions is to"
            " ask about others like them; choose another cluster, or the estimand questions-like-these"
        )


def check_numbers(rounds: object, level: object, seed: object) -> None:
    """Raises BadInput for what is no number of the kind that is needed, or out of its range."""
    if not _whole(rounds) or rounds < 1:
        raise BadInput(f"rounds must be 1 or more, a whole number, not {rounds!r}")
    if not _number(level) or not 0.0 < level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {level!r}")
    if not _whole(seed) or not 0 <= seed < FARTHEST_SEED:
        raise BadInput(f"seed must be 0 or more and below 2 to the power of 63, a whole number, not {seed!r}")


def check_anchor(anchor: object) -> None:
    """Raises BadInput where it is no pair of a contender's name and a rating that can be given; None is no anchor."""
    if anchor is None:
        return
    if not isinstance(anchor, tuple | list) or len(anchor) != 2 or not isinstance(anchor[0], str):
        raise BadInput(f"anchor must be a contender's name and its rating, such as ('x', 1000), not {anchor!r}")
    value = anchor[1]
    if not _number(value) or not math.isfinite(value):
        raise BadInput(f"the anchor's value must be a number, not {value!r}")
    if abs(value) > FARTHEST_ANCHOR:
        raise BadInput(
            f"the anchor's value must lie between -{FARTHEST_ANCHOR:,} and {FARTHEST_ANCHOR:,}, not {value:g}"
        )


def check_contenders(contenders: object) -> None:
    """Raises BadInput where it is no list of names, such as one name by itself."""
    if isinstance(contenders, str | bytes) or not isinstance(contenders, Iterable):
        raise BadInput(f"contenders must be a list of names, such as ['x', 'y'], not {contenders!r}")


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
