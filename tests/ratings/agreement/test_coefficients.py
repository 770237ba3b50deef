"""Coefficients against published tables, the krippendorff package, and their definitions pair by pair."""

from __future__ import annotations

import math
from itertools import permutations

import krippendorff
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arena.ratings.agreement.coefficients import Sums, between, coefficients, of_counts, within

Counts = npt.NDArray[np.int64]

# Four observers, twelve units, five values; a dot is missing (Krippendorff 2011, section D).
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
# Fleiss's form of table: ten subjects, fourteen raters, five categories (Wikipedia, "Fleiss' kappa", worked example).
WORKED = np.array(
    [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
)


def counted(rows: tuple[str, ...], values: str) -> Counts:
    """How often each value was given to each unit."""
    return np.array([[column.count(value) for value in values] for column in zip(*rows, strict=True)])


def by_definition(counts: Counts) -> dict[str, float]:
    """Pair by pair, without a matrix: labels of a unit are listed, and all ordered pairs of them are looked at."""
    units = [[k for k, n in enumerate(row) for _ in range(n)] for row in counts.tolist()]
    k = counts.shape[1]
    pairable = [unit for unit in units if len(unit) > 1]

    def mean(score: list[list[float]]) -> float:
        each = [[score[a][b] for a, b in permutations(unit, 2)] for unit in pairable]
        return sum(sum(of_unit) / len(of_unit) for of_unit in each) / len(each)

    same = [[float(a == b) for b in range(k)] for a in range(k)]
    far = k * (k - 1) / 2
    near = [[1 - abs(a - b) * (abs(a - b) + 1) / 2 / far for b in range(k)] for a in range(k)]
    judged = [unit for unit in units if unit]
    share = [sum(unit.count(label) / len(unit) for unit in judged) / len(judged) for label in range(k)]
    spread = sum(p * (1 - p) for p in share)

    def beyond(observed: float, expected: float) -> float:
        return (observed - expected) / (1 - expected) if expected < 1 else math.nan

    raw = mean(same)
    return {
        "raw": raw,
        "fleiss": beyond(raw, sum(p * p for p in share)),
        "randolph": beyond(raw, 1 / k),
        "gwet_ac1": beyond(raw, spread / (k - 1)),
        "gwet_ac2": beyond(mean(near), sum(map(sum, near)) * spread / (k * (k - 1))),
    }


tables = (
    st.integers(2, 4)
    .flatmap(lambda k: st.lists(st.lists(st.integers(0, 3), min_size=k, max_size=k), min_size=2, max_size=8))
    .map(np.array)
)


def test_krippendorff_s_own_example() -> None:
    found = of_counts(counted(OBSERVERS, "12345"))
    assert found["krippendorff_nominal"] == pytest.approx(0.743, abs=5e-4)
    assert found["krippendorff_ordinal"] == pytest.approx(0.815, abs=5e-4)


def test_the_same_example_as_gwet_publishes_it() -> None:
    """Handbook of Inter-Rater Reliability, 4th ed., and the tables of his package irrCAC (cac.raw4raters)."""
    found = of_counts(counted(OBSERVERS, "12345"))
    assert found["raw"] == pytest.approx(0.81818, abs=5e-6)
    assert found["gwet_ac1"] == pytest.approx(0.77544, abs=5e-6)
    assert found["fleiss"] == pytest.approx(0.76117, abs=5e-6)
    assert found["randolph"] == pytest.approx(0.77273, abs=5e-6)


def test_the_worked_example_of_fleiss_kappa() -> None:
    found = of_counts(WORKED)
    assert found["raw"] == pytest.approx(0.378, abs=5e-4)
    assert found["fleiss"] == pytest.approx(0.210, abs=5e-4)


def test_the_kappa_paradox_of_real_expert_votes() -> None:
    """Demographic bias in the Med-PaLM 2 study: Fleiss -0.01, Randolph 0.95, raw agreement 0.98, from margins rebuilt:
    three raters, 85 answers, and in three of them one rater who says yes."""
    found = of_counts(np.array([[3, 0]] * 82 + [[2, 1]] * 3))
    assert {name: round(found[name], 2) for name in ("raw", "randolph", "fleiss")} == {
        "raw": 0.98,
        "randolph": 0.95,
        "fleiss": -0.01,
    }
    assert found["gwet_ac1"] == pytest.approx(0.976, abs=5e-4), "the remedy for the paradox agrees with the eye"


def test_where_all_say_the_same_only_free_margins_have_an_answer() -> None:
    found = of_counts(np.array([[3, 0, 0]] * 5))
    assert [found[name] for name in ("raw", "randolph", "gwet_ac1", "gwet_ac2")] == [1.0] * 4
    assert all(math.isnan(found[name]) for name in ("fleiss", "krippendorff_nominal", "krippendorff_ordinal"))


def test_without_a_pair_nothing_can_be_said() -> None:
    assert all(map(math.isnan, of_counts(np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]])).values()))


@given(tables)
@settings(max_examples=150, deadline=None)
def test_alpha_is_the_krippendorff_package_s(counts: Counts) -> None:
    pairable = counts[counts.sum(axis=1) > 1]
    assume((pairable.sum(axis=0) > 0).sum() > 1)
    found = of_counts(counts)
    for level in ("nominal", "ordinal"):
        expected = krippendorff.alpha(value_counts=counts, level_of_measurement=level)
        assert found[f"krippendorff_{level}"] == pytest.approx(float(expected), abs=1e-12)


@given(tables)
@settings(max_examples=150, deadline=None)
def test_every_other_coefficient_is_its_definition(counts: Counts) -> None:
    assume((counts.sum(axis=1) > 1).any())
    expected = by_definition(counts)
    assume(all(abs(value) < 1e6 for value in expected.values()))
    found = of_counts(counts)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_between_two_raters_is_within_the_two(labels: list[tuple[int, int]]) -> None:
    one, other = (np.eye(3)[[pair[side] for pair in labels]] for side in (0, 1))
    assert between(one, other) == pytest.approx(within(one + other))


def test_between_groups_counts_pairs_across_and_only_where_both_judged() -> None:
    people = np.array([[2, 0, 1], [0, 3, 0], [1, 0, 0]])
    judge = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]])
    found = coefficients(Sums.unpacked(between(people, judge).sum(axis=0), 3), range(3))
    assert float(found["raw"]) == pytest.approx((2 / 3 + 0) / 2)
    low, tie, high = ((2 / 3 + 1) / 2 + 0) / 2, (0 + 1 / 2) / 2, ((1 / 3 + 0) / 2 + 1 / 2) / 2
    chance = low**2 + tie**2 + high**2
    assert float(found["fleiss"]) == pytest.approx((1 / 3 - chance) / (1 - chance))


def test_two_labels_may_share_a_place_on_the_ordinal_scale() -> None:
    apart = np.array([[1, 0, 0, 1], [0, 2, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0]])
    merged = np.array([[1, 1, 0], [0, 2, 0], [0, 1, 1], [1, 1, 0]])
    found = coefficients(Sums.unpacked(within(apart).sum(axis=0), 4), (0, 1, 2, 1))
    for name in ("krippendorff_ordinal", "gwet_ac2"):
        assert float(found[name]) == pytest.approx(of_counts(merged)[name])
    assert float(found["raw"]) == pytest.approx(1 / 4)
