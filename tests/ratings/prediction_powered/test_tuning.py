"""λ: where the variances are smallest, within [0, 1], and never by the question that it is used on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.ratings.prediction_powered.tuning import Contributions, tune

FloatArray = npt.NDArray[np.float64]


def contributions(seed: int, *, shared: float, labelled: int = 12, others: int = 30) -> Contributions:
    """Human and judge contributions with something in common; the judge's of all questions weigh less."""
    rng = np.random.default_rng(seed)
    known = np.arange(labelled + others) < labelled
    both = rng.normal(size=(len(known), 3))
    human = np.where(known[:, None], shared * both + rng.normal(size=both.shape), 0.0) / labelled
    judge = shared * both + rng.normal(size=both.shape)
    correction = np.where(known[:, None], judge / labelled, 0.0) - judge / len(known)
    return Contributions(human, correction, known)


def mean_variance(given: Contributions, weight: float) -> float:
    """The sum over contenders of the variance at λ, in units of the human one, written out."""
    total = 0.0
    for at in range(given.human.shape[1]):
        variance = alone = 0.0
        for question, known in enumerate(given.labelled):
            size = given.labelled.sum() if known else (~given.labelled).sum()
            few = size / (size - 1)
            variance += few * (given.human[question, at] - weight * given.correction[question, at]) ** 2
            alone += few * given.human[question, at] ** 2
        total += variance / alone
    return total


@pytest.mark.parametrize("seed", range(4))
def test_no_other_weight_leaves_smaller_variances(seed: int) -> None:
    given = contributions(seed, shared=1.0)
    weight = tune(given).weight
    assert 0 < weight < 1
    grid = np.linspace(0, 1, 501)
    assert grid[np.argmin([mean_variance(given, at) for at in grid])] == pytest.approx(weight, abs=0.0011)


@given(seed=st.integers(0, 10_000), shared=st.floats(-3, 3))
def test_the_weight_lies_within_bounds(seed: int, shared: float) -> None:
    found = tune(contributions(seed, shared=shared))
    assert 0 <= found.weight <= 1
    assert ((found.alone >= 0) & (found.alone <= 1)).all()
    assert (np.diag(found.combined) > 0).all()


def test_a_judge_that_says_the_opposite_gets_no_weight() -> None:
    given = contributions(1, shared=3.0)
    opposite = tune(Contributions(given.human, -given.correction, given.labelled))
    assert opposite.weight == 0
    assert opposite.combined == pytest.approx(opposite.by_human)


def test_without_a_correction_nothing_changes() -> None:
    given = contributions(2, shared=1.0)
    found = tune(Contributions(given.human, np.zeros_like(given.human), given.labelled))
    assert found.weight == 0
    assert (found.combined == found.by_human).all()


def test_a_question_has_no_part_in_the_weight_that_it_is_counted_at() -> None:
    """Otherwise one question could lower its own variance: here one that would like λ to be 1."""
    given = contributions(3, shared=0.0)
    human, correction = given.human.copy(), given.correction.copy()
    human[0] = correction[0] = 2.0
    found = tune(Contributions(human, correction, given.labelled))
    assert found.weight > 0.9
    assert found.alone[0] < 0.3
    assert found.alone[1:].min() > 0.9
    assert np.diag(found.combined).min() > 0.3 * np.diag(found.by_human).min()


def test_tuning_does_not_make_the_variance_too_small() -> None:
    """Where the judge says nothing, the variance at the tuned weight is on average the human one or a little more."""
    ratios = []
    for seed in range(300):
        found = tune(contributions(seed, shared=0.0))
        ratios.append(np.trace(found.combined) / np.trace(found.by_human))
    assert 0.995 < np.mean(ratios) < 1.05
