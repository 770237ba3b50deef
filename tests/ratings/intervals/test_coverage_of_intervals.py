"""The short form of the benchmark of coverage: intervals hold the truth about as often as they say.

A hundred studies of a design tell a coverage to about a hundredth, as the contenders of a study are alike. The
benchmark (`make coverage`) has narrower limits and more studies.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.coverage import board, judge
from benchmarks.designs import Study, design, simulate, truth

STUDIES, ROUNDS, STREAM = 100, 200, 91
LIMITS = (0.91, 0.985)
ALL_RANKS = 0.90
"""At least: 95% are asked for, of a hundred."""


@cache
def studies(name: str, number: int) -> list[Study]:
    return [simulate(design(name), (STREAM, seed)) for seed in range(number)]


def held(name: str, number: int = STUDIES, **asked: str) -> tuple[float, float, float]:
    """Shares that hold the truth: of all intervals, of the last contender's, and of studies with all their ranks."""
    made, ask, true = design(name), board(**asked), truth(design(name))
    found = [judge(ask(made, study, ROUNDS, seed), true) for seed, study in enumerate(studies(name, number))]
    covered = np.array([one for one, _, _ in found])
    return float(covered.mean()), float(covered[:, -1].mean()), float(np.mean([ranks for *_, ranks in found]))


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("independent", "sandwich"),
        ("question 1", "sandwich"),
        ("question 1, rater 0.5", "sandwich"),
        ("question 1, rater 0.5", "bootstrap"),
        ("sparse, rater 0.5", "bootstrap"),
        ("three judges", "sandwich"),
        ("three judges", "bootstrap"),
    ],
)
def test_intervals_and_rank_sets_hold_what_they_say(name: str, interval: str) -> None:
    share, _, ranks = held(name, interval=interval)
    assert LIMITS[0] <= share <= LIMITS[1]
    assert ranks >= ALL_RANKS


def test_a_rare_newcomer_is_covered_and_so_are_the_others() -> None:
    """30 studies of five million votes, a hundred of them the newcomer's."""
    share, newcomer, ranks = held("newcomer", 30, interval="sandwich")
    assert 0.90 <= share <= 0.99
    assert newcomer >= 0.83
    assert ranks >= 0.87


@pytest.mark.parametrize("name", ["question 1, rater 0.5", "sparse, rater 0.5"])
def test_intervals_by_vote_do_not_where_questions_or_raters_differ(name: str) -> None:
    """The control: these studies can tell a good interval from one that takes votes as independent."""
    assert held(name, cluster="vote")[0] < 0.86
