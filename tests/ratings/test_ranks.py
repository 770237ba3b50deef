"""Rank sets hold for all contenders at once, and say no less than they can."""

from __future__ import annotations

import math
import statistics
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from arena.errors import BadInput
from arena.ratings import ranks
from arena.ratings.ranks import RankSets, order, rank_ranges, rank_sets

Numbers = npt.NDArray[np.float64]
Pair = tuple[int, int]
NAN = math.nan

seeds = st.integers(0, 2**32 - 1)


def study(seed: int, n: int | None = None, rounds: int = 120, missing: float = 0.0) -> tuple[Numbers, Numbers]:
    """Estimates with gaps of all sizes, and correlated draws around them."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(2, 7))
    theta = rng.normal(0, rng.choice([0.5, 2, 5]), n)
    draws = theta + rng.normal(size=(rounds, n)) @ rng.normal(0, 0.5, (n, n))
    draws[rng.random(draws.shape) < missing] = NAN
    return theta, draws


def brute_force(theta: Numbers, draws: Numbers, level: float, freedom: float = math.inf, steps: int = 99) -> set[Pair]:
    """The pairs decided, the first one better, straight from the definition: no matrix, no symmetry, no chunk."""
    n = len(theta)
    gaps: dict[Pair, list[float]] = {
        (j, k): [row[j] - row[k] - (theta[j] - theta[k]) for row in draws.tolist()]
        for j, k in permutations(range(n), 2)
    }
    error = {pair: statistics.stdev(gap for gap in found if not math.isnan(gap)) for pair, found in gaps.items()}
    undecided, decided = set(gaps), set[Pair]()
    for _ in range(steps):
        largest = []
        for number in range(len(draws)):
            known = [gaps[pair][number] / error[pair] for pair in undecided if not math.isnan(gaps[pair][number])]
            largest += [max(known)] if known else []
        place = math.ceil(round(level * (len(largest) + 1), 9))
        limit = sorted(largest)[place - 1] if place <= len(largest) else math.inf
        if math.isfinite(limit) and math.isfinite(freedom):
            limit = float(stats.t.ppf(stats.norm.cdf(limit), freedom))
        new = {(j, k) for j, k in undecided if (theta[j] - theta[k]) / error[j, k] > max(limit, 0)}
        if not new:
            break
        decided, undecided = decided | new, undecided - new
    return decided


def decided(sets: RankSets) -> set[Pair]:
    return {(int(j), int(k)) for j, k in np.argwhere(sets.better)}


def longest_chain(below: int, better: set[Pair]) -> int:
    return max((1 + longest_chain(j, better) for j, k in better if k == below), default=0)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("freedom", [math.inf, 9.0])
@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_every_field_equals_brute_force(level: float, freedom: float, missing: float) -> None:
    found = 0
    for seed in range(12):
        theta, draws = study(seed, missing=missing)
        sets, expected = rank_sets(theta, draws, level, freedom), brute_force(theta, draws, level, freedom)
        contenders = range(len(theta))
        assert decided(sets) == expected
        assert sets.low.tolist() == [1 + sum(pair[1] == j for pair in expected) for j in contenders]
        assert sets.high.tolist() == [len(theta) - sum(pair[0] == j for pair in expected) for j in contenders]
        assert sets.tier.tolist() == [1 + longest_chain(j, expected) for j in contenders]
        found += len(expected)
    assert found > 20


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_the_step_down_decides_all_that_a_single_step_does(seed: int) -> None:
    theta, draws = study(seed)
    assert brute_force(theta, draws, 0.9, steps=1) <= decided(rank_sets(theta, draws, 0.9))


def test_the_step_down_decides_a_pair_that_a_single_step_cannot() -> None:
    """Nine are far apart; once that is settled, less is asked of the two that are close."""
    draws = np.random.default_rng(3).normal(size=(1000, 10))
    theta = np.array([100.0, 90, 80, 70, 60, 50, 40, 30, 20, 20 - 3.04 * math.sqrt(2)])
    everything = {(j, k) for j in range(10) for k in range(j + 1, 10)}
    assert brute_force(theta, theta + draws, 0.95, steps=1) == everything - {(8, 9)}
    assert decided(rank_sets(theta, theta + draws, 0.95)) == everything


def test_two_contenders_are_told_apart_where_the_normal_test_does() -> None:
    """Two contenders make one two-sided test: its critical value is the normal one."""
    draws = np.random.default_rng(1).normal(size=(20_000, 2))
    sd = float((draws[:, 0] - draws[:, 1]).std())
    for factor, told in ((0.97, False), (1.03, True)):
        theta = np.array([factor * stats.norm.ppf(0.975) * sd, 0.0])
        assert rank_sets(theta, draws + theta, 0.95).better[0, 1] == told
        wider = theta * (stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975))
        assert rank_sets(wider, draws + wider, 0.95, freedom=9.0).better[0, 1] == told


def test_equal_and_independent_contenders_are_told_apart_at_tukeys_distance() -> None:
    """With equal independent spreads, the largest studentised difference is the studentised range over √2."""
    n = 6
    noise = np.random.default_rng(2).normal(size=(20_000, n))
    limit = float(stats.studentized_range.ppf(0.95, n, np.inf))
    for factor, told in ((0.97, False), (1.03, True)):
        theta = np.array([factor * limit, *[factor * limit / 2] * (n - 2), 0.0])
        assert rank_sets(theta, theta + noise, 0.95).better[0, -1] == told


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_shift_of_a_round_changes_nothing(seed: int) -> None:
    theta, draws = study(seed)
    shifted = draws + np.random.default_rng(seed).normal(0, 20, (len(draws), 1))
    assert same(rank_sets(theta, draws, 0.9), rank_sets(theta + 7, shifted, 0.9))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_unit_changes_nothing(seed: int) -> None:
    theta, draws = study(seed, missing=0.05)
    assert same(rank_sets(theta, draws, 0.9), rank_sets(173.7 * theta, 173.7 * draws, 0.9))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_relabelled_contenders_keep_their_sets(seed: int) -> None:
    theta, draws = study(seed, missing=0.05)
    new = np.random.default_rng(seed).permutation(len(theta))
    one, other = rank_sets(theta, draws, 0.9), rank_sets(theta[new], draws[:, new], 0.9)
    moved = RankSets(one.low[new], one.high[new], one.tier[new], one.better[np.ix_(new, new)], one.first[new])
    assert same(moved, other)


@settings(max_examples=60, deadline=None)
@given(seeds, st.floats(0.05, 0.97), st.floats(0.05, 0.97), st.floats(2, 200))
def test_a_higher_level_or_few_groups_decide_no_more(seed: int, one: float, other: float, freedom: float) -> None:
    theta, draws = study(seed)
    low, high = sorted((one, other))
    assert decided(rank_sets(theta, draws, high)) <= decided(rank_sets(theta, draws, low))
    assert decided(rank_sets(theta, draws, low, freedom)) <= decided(rank_sets(theta, draws, low))


@settings(max_examples=60, deadline=None)
@given(seeds, st.floats(0.02, 0.97))
def test_better_is_an_order_that_the_estimates_agree_with(seed: int, level: float) -> None:
    """Nobody is better than oneself, nor better and worse; who is better than the better is better."""
    theta, draws = study(seed)
    sets = rank_sets(theta, draws, level)
    better = decided(sets)
    assert all(theta[j] > theta[k] for j, k in better)
    assert {(j, m) for j, k in better for other, m in better if k == other} <= better
    position = stats.rankdata(-theta)
    assert np.all((sets.low <= position) & (position <= sets.high))


def test_the_size_of_the_parts_worked_on_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    theta, draws = study(4, n=20, missing=0.05)
    whole = rank_sets(theta, draws, 0.9)
    assert whole.better.any()
    for cells in (1, 500, 10**9):
        monkeypatch.setattr(ranks, "CELLS", cells)
        assert same(rank_sets(theta, draws, 0.9), whole)


def test_first_is_the_share_of_rounds_and_those_at_the_top_share_it() -> None:
    draws = np.array(
        [[3, 1, 2], [1, 1, 0], [5, 5 + 1e-13, 5], [NAN, 1, 2], [NAN, NAN, 9], [NAN, NAN, NAN]], dtype=float
    )
    sets = rank_sets(np.array([1.0, 0.9, 0.8]), draws, 0.9)
    # Four rounds hold two contenders: one for the first, one shared by two, one shared by three, one for the third.
    assert sets.first == pytest.approx(np.array([1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3 + 1]) / 4)


def test_one_contender_is_first() -> None:
    sets = rank_sets(np.array([0.3]), np.array([[0.1], [0.2]]), 0.95)
    assert (sets.low.tolist(), sets.high.tolist(), sets.tier.tolist(), sets.first.tolist()) == ([1], [1], [1], [1.0])
    assert not sets.better.any()


@pytest.mark.parametrize("noise", [0.0, 1e-12])
def test_draws_that_do_not_vary_decide_nothing(noise: float) -> None:
    """One vote, or 20 wins of 20: every round says the same, up to what the fit leaves, for lack of information."""
    theta = np.array([2.0, 0.0, -2.0])
    draws = theta + noise * np.random.default_rng(1).normal(size=(200, 3))
    sets = rank_sets(theta, draws, 0.95)
    assert (sets.low.tolist(), sets.high.tolist()) == ([1, 1, 1], [3, 3, 3])


def test_a_pair_without_spread_is_undecided_among_others_that_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    theta = np.array([5.0, 4.0, 0.0])
    common = rng.normal(0, 0.1, (200, 1))
    draws = theta + np.hstack([common, common, rng.normal(0, 0.1, (200, 1))])
    assert decided(rank_sets(theta, draws, 0.95)) == {(0, 2), (1, 2)}


def test_equal_estimates_are_never_told_apart() -> None:
    draws = np.random.default_rng(4).normal(size=(100, 4))
    assert not rank_sets(np.zeros(4), draws, 0.01).better.any()
    theta = np.array([0.1, 0.0, 0.1])
    found = decided(rank_sets(theta, theta + draws[:, :3] / 1000, 0.95))
    assert found == {(0, 1), (2, 1)}


def test_a_contender_that_many_rounds_miss_is_left_undecided_and_widens_nobody() -> None:
    """One unit holds all of its votes: rounds that draw it show hardly any spread, and a third does not draw it."""
    rng = np.random.default_rng(5)
    theta = np.array([2.0, 0.0, 9.0])
    draws = theta + rng.normal(0, [0.3, 0.3, 0.01], (500, 3))
    draws[rng.random(500) < 0.36, 2] = NAN
    sets = rank_sets(theta, draws, 0.95)
    assert decided(sets) == {(0, 1)} == decided(rank_sets(theta[:2], draws[:, :2], 0.95))
    assert (sets.low.tolist(), sets.high.tolist()) == ([1, 2, 1], [2, 3, 3])


def test_rounds_without_a_pair_are_as_if_not_drawn() -> None:
    theta, draws = study(6, n=4)
    empty = np.full((300, 4), NAN)
    empty[:100, 2] = 1.0
    mixed = np.vstack([empty[:150], draws, empty[150:]])
    assert same(rank_sets(theta, mixed, 0.9), rank_sets(theta, draws, 0.9))


def test_nineteen_rounds_are_the_fewest_that_decide_anything_at_95_percent() -> None:
    theta = np.array([50.0, 0.0])
    draws = theta + np.random.default_rng(7).normal(size=(19, 2))
    assert decided(rank_sets(theta, draws, 0.95)) == {(0, 1)}
    assert decided(rank_sets(theta, draws[:18], 0.95)) == set()


@pytest.mark.parametrize(
    ("theta", "draws", "level", "freedom", "said"),
    [
        ([], np.zeros((5, 0)), 0.95, 1.0, "one column for each contender"),
        ([1, 2], np.zeros((5, 3)), 0.95, 1.0, r"shape \(5, 3\) do not fit 2 estimates"),
        ([1, 2], np.zeros(2), 0.95, 1.0, r"shape \(2,\)"),
        ([1, NAN], np.zeros((5, 2)), 0.95, 1.0, "theta, contender 2: not a finite number"),
        ([1, 2], [[0, 0], [-math.inf, 0]], 0.95, 1.0, "draws, contender 1: not a finite number"),
        ([1, 2], np.zeros((0, 2)), 0.95, 1.0, "draw more rounds"),
        ([1, 2], [[NAN, 0], [0, NAN]], 0.95, 1.0, "no round of the draws holds two contenders"),
        ([1, 2], np.zeros((5, 2)), 1.0, 1.0, "level: 1.0 is not between 0 and 1"),
        ([1, 2], np.zeros((5, 2)), NAN, 1.0, "level: nan"),
        ([1, 2], np.zeros((5, 2)), 0.95, 0.0, "freedom: 0.0"),
        ([1, 2], np.zeros((5, 2)), 0.95, math.nan, "freedom: nan"),
    ],
)
def test_what_cannot_be_used_is_refused(
    theta: list[float], draws: Numbers, level: float, freedom: float, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        rank_sets(np.array(theta, dtype=float), np.asarray(draws, dtype=float), level, freedom)


STUDIES = 400
TRUTHS = {
    "all equal": [0.0] * 12,
    "three groups of equals": [1.5] * 4 + [0.75] * 4 + [0.0] * 4,
    "near-equal": np.linspace(0, 0.5, 12).tolist(),
    "steep, with equals": [20, 16, 12, 12, 8, 5, 4, 3.6, 3.2, 0, 0, -6],
}


def simulated(truth: Numbers, sd: Numbers, seed: int) -> tuple[Numbers, Numbers]:
    """An estimator that is normal with a known covariance (part of the error is shared), and draws around it."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(401, len(truth))) * sd + 0.5 * rng.normal(size=(401, 1)) * np.linspace(-1, 1, len(truth))
    theta = truth + noise[0]
    return theta, theta + noise[1:]


def holds(truth: Numbers, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> bool:
    """Whether the sets hold every rank that each contender can be given: equals share several."""
    best = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    worst = len(truth) - (truth[None, :] < truth[:, None]).sum(axis=1)
    return bool(np.all((low <= best) & (worst <= high)))


@pytest.mark.parametrize("name", TRUTHS)
def test_the_sets_hold_all_true_ranks_at_once(name: str) -> None:
    truth = np.array(TRUTHS[name], dtype=float)
    sd = np.random.default_rng(0).uniform(0.1, 0.5, len(truth))
    held = decisions = 0
    for seed in range(STUDIES):
        sets = rank_sets(*simulated(truth, sd, seed), 0.95)
        held += holds(truth, sets.low, sets.high)
        decisions += int(sets.better.sum())
    assert held / STUDIES >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / STUDIES)
    assert name != "steep, with equals" or decisions / STUDIES > 50  # of 64 pairs that differ


def test_separate_intervals_and_separate_tests_do_not_hold_at_once() -> None:
    """The control: what is right for each contender, or each pair, misses somebody far more often than in 5 of 100."""
    truth, sd = np.zeros(15), np.full(15, 0.3)
    held = np.zeros(3)
    for seed in range(STUDIES):
        theta, draws = simulated(truth, sd, seed)
        width = stats.norm.ppf(0.975) * draws.std(axis=0)
        gap = theta[:, None] - theta[None, :]
        single = gap > stats.norm.ppf(0.975) * (draws[:, :, None] - draws[:, None, :]).std(axis=0)
        sets = rank_sets(theta, draws, 0.95)
        held += (
            holds(truth, sets.low, sets.high),
            holds(truth, *rank_ranges(theta - width, theta + width)),
            holds(truth, 1 + single.sum(axis=0), 15 - single.sum(axis=1)),
        )
    together, intervals, tests = held / STUDIES
    assert together >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / STUDIES)
    assert intervals < 0.88
    assert tests < 0.5


def test_the_order_is_by_rating_then_by_name() -> None:
    assert order(["b", "a", "c"], np.array([1.0, 1.0, 2.0])) == [2, 1, 0]


def same(one: RankSets, other: RankSets) -> bool:
    """Equal but for the rounding of the shares."""
    exact = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("low", "high", "tier", "better"))
    return exact and np.allclose(one.first, other.first, rtol=0, atol=1e-12)
