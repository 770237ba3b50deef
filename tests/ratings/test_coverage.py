"""The benchmark of coverage counts as it says: a hand-made claim is judged, and a bar that is missed is named."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import OURS, POINTS, Claim, Line, Seen, judge, summarise
from benchmarks.designs import design

TRUE = np.array([0.5, 0.0, -0.25])


def claim(low: list[float], high: list[float], weights: list[float], ranks: list[tuple[int, int]]) -> Claim:
    """A claim whose ratings are 1100, 1000 and 900."""
    best, worst = np.array(ranks).T
    return Claim(
        np.array([1100.0, 1000.0, 900.0]), np.array(low), np.array(high), np.array(weights), best, worst, "vote"
    )


def test_a_deviation_is_taken_from_the_weighted_mean() -> None:
    # All weight on the second, at 1000: the true deviations are 86.9, 0 and -43.4 points.
    given = claim([1080, 999, 900], [1087, 1001, 956], [0.0, 1.0, 0.0], [(1, 1), (2, 2), (3, 3)])
    covered, width, _ = judge(given, TRUE)
    assert covered.tolist() == [True, True, False]  # at 1086.9, 1000 and, just outside, 956.6
    assert width.tolist() == [7, 2, 56]


def test_a_shift_of_the_truth_changes_nothing() -> None:
    given = claim([1080, 999, 900], [1087, 1001, 960], [0.2, 0.3, 0.5], [(1, 1), (2, 2), (3, 3)])
    assert judge(given, TRUE)[0].tolist() == judge(given, TRUE + 3.0)[0].tolist()


def test_with_equal_weights_the_mean_of_all_is_the_reference() -> None:
    mean = TRUE.mean()
    at = [1000 + POINTS * (value - mean) for value in TRUE]
    inside = claim([x - 1 for x in at], [x + 1 for x in at], [1 / 3] * 3, [(1, 3)] * 3)
    beside = claim([x + 1 for x in at], [x + 2 for x in at], [1 / 3] * 3, [(1, 3)] * 3)
    assert judge(inside, TRUE)[0].all()
    assert not judge(beside, TRUE)[0].any()


@pytest.mark.parametrize(
    ("ranks", "held"),
    [
        ([(1, 1), (2, 2), (3, 3)], True),
        ([(1, 3), (1, 3), (1, 3)], True),
        ([(1, 2), (1, 1), (3, 3)], False),  # the second is second
        ([(2, 3), (2, 3), (2, 3)], False),
    ],
)
def test_ranks_hold_only_where_all_of_them_do(ranks: list[tuple[int, int]], held: bool) -> None:
    assert judge(claim([0] * 3, [1] * 3, [1 / 3] * 3, ranks), TRUE)[2] is held


def line(procedure: str, coverage: float, held: float | None) -> Line:
    return Line("question 1", procedure, "question", 400, coverage, 0.005, 60.0, held)


def test_a_bar_that_is_missed_is_named() -> None:
    assert line(OURS[0], 0.95, 0.95).missed() == []
    assert line(OURS[0], 0.95, 0.94).missed() == []  # within the error of 400 studies, 1.1%
    assert len(line(OURS[0], 0.95, 0.93).missed()) == 1
    assert len(line(OURS[1], 0.92, 0.93).missed()) == 2
    assert len(line(OURS[1], 0.98, None).missed()) == 1
    assert line("another package", 0.5, 0.1).missed() == []


def test_the_newcomer_has_a_line_of_its_own() -> None:
    n = len(design("newcomer").strengths)
    seen = [
        Seen(OURS[0], "newcomer", np.arange(n) < n - late, np.arange(n, dtype=float), held=True, unit="question")
        for late in (0, 1)
    ]
    everyone, itself = summarise(seen)
    assert (everyone.coverage, itself.coverage) == ((1 + (n - 1) / n) / 2, 0.5)
    assert (everyone.width, itself.width) == ((n - 1) / 2, n - 1)
    assert (everyone.held, itself.held) == (1.0, None)
    # Shares of 1 and 0 in two studies: a standard deviation of ½, by the root of 2.
    assert itself.error == pytest.approx(0.5 / np.sqrt(2))
