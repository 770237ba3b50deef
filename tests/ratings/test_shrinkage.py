"""Small categories: against a general optimiser and a sampled posterior, on studies with a known spread."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.models import categories
from arena.ratings.shrinkage import Shrunk, shrink

POINTS = 400 / math.log(10)
STRENGTHS = np.array([0.8, 0.2, -0.1, -0.9])


def study(
    seed: int, sizes: tuple[int, ...] = (30, 60, 120, 300, 600), spread: float = 0.4
) -> tuple[dict[str, Any], list[str | None], NDArray[np.float64]]:
    """Votes in categories of these sizes, their categories, and the true strengths of each."""
    rng = np.random.default_rng(seed)
    true = STRENGTHS + rng.normal(0, spread, (len(sizes), 4))
    of = np.repeat(np.arange(len(sizes)), sizes)
    a = rng.integers(4, size=len(of))
    b = (a + rng.integers(1, 4, size=len(of))) % 4
    won = rng.random(len(of)) < expit(true[of, a] - true[of, b])
    columns: dict[str, Any] = {
        "model_a": [f"c{index}" for index in a],
        "model_b": [f"c{index}" for index in b],
        "winner": np.where(won, "model_a", "model_b"),
    }
    return columns, [f"k{index}" for index in of], true - true.mean(axis=1, keepdims=True)


def cells(found: Shrunk) -> NDArray[np.float64]:
    """Rating, low and high, (categories, contenders, 3), in logits of mean 0."""
    rows = [sorted(one.rows, key=lambda row: row.model) for one in found.categories]
    return (np.array([[(row.rating, row.low, row.high) for row in each] for each in rows]) - 1000) / POINTS


def points(seed: int = 0) -> NDArray[np.float64]:
    """What row scored against column in three categories of four contenders."""
    made = np.random.default_rng(seed).integers(0, 6, (3, 4, 4)).astype(float)
    made[:, np.arange(4), np.arange(4)] = 0
    return made


def log_posterior(at: NDArray[np.float64], made: NDArray[np.float64], tau: float, sharp: float) -> float:
    theta, mean = at[:12].reshape(3, 4), at[12:]
    likelihood = (made * log_expit(theta[:, :, None] - theta[:, None, :])).sum() / sharp
    return float(likelihood - ((theta - mean) ** 2).sum() / (2 * tau**2) - mean @ mean / 18)


@pytest.mark.parametrize(("tau", "sharp"), [(0.05, 1.0), (0.4, 1.7), (2.0, 0.8)])
def test_the_mode_is_what_a_general_optimiser_finds(tau: float, sharp: float) -> None:
    made = points()
    found = categories.fit(made, tau, sharp)

    def loss(at: NDArray[np.float64]) -> float:
        return -log_posterior(at, made, tau, sharp)

    best = minimize(loss, np.zeros(16), method="BFGS", tol=1e-7)
    np.testing.assert_allclose(np.concatenate([found.theta.ravel(), found.mean]), best.x, atol=1e-4)


def curvature(found: categories.Mode, made: NDArray[np.float64], sharp: float) -> tuple[NDArray[np.float64], float]:
    """Minus the second derivatives of the log-posterior at a mode, by differences, and its value there."""
    at, step = np.concatenate([found.theta.ravel(), found.mean]), 1e-3
    unit, ends = step * np.eye(16), ((1, 1), (1, -1), (-1, 1), (-1, -1))

    def second(k: int, m: int) -> float:
        moved = (i * j * log_posterior(at + i * unit[k] + j * unit[m], made, found.tau, sharp) for i, j in ends)
        return -sum(moved) / (4 * step**2)

    return np.array([[second(k, m) for m in range(16)] for k in range(16)]), log_posterior(at, made, found.tau, sharp)


def test_covariance_and_evidence_are_those_of_the_joint_curvature() -> None:
    made, sharp = points(1), 1.3
    by_hand, evidence = [], []
    for tau in (0.5, 0.9):
        found = categories.fit(made, tau, sharp)
        curved, value = curvature(found, made, sharp)
        inverse = np.linalg.inv(curved)
        for place, covariance in enumerate(found.covariance()):
            rows = slice(4 * place, 4 * place + 4)
            np.testing.assert_allclose(covariance, inverse[rows, rows], rtol=1e-3, atol=1e-4)
        # Laplace: the log-posterior at the mode, with the prior's own constant, less half of the log-determinant
        by_hand.append(value - 12 * math.log(tau) - np.linalg.slogdet(curved)[1] / 2)
        evidence.append(found.evidence)
    assert evidence[0] - evidence[1] == pytest.approx(by_hand[0] - by_hand[1], abs=1e-3)


def strengths(made: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Bradley-Terry fit of one category by a general optimiser."""

    def loss(at: NDArray[np.float64]) -> float:
        return float(-(made * log_expit(at[:, None] - at[None, :])).sum() + at.sum() ** 2)

    return np.asarray(minimize(loss, np.zeros(4), method="BFGS", tol=1e-7).x, dtype=np.float64)


def test_without_a_spread_all_categories_are_the_whole_and_with_a_wide_one_they_are_themselves() -> None:
    made = points(2)
    whole, own = categories.fit(made, 0.005, 1.0), categories.fit(made, 200.0, 1.0)
    pooled = categories.fit(made.sum(axis=0)[None].repeat(2, axis=0) / 2, 0.005, 1.0)
    np.testing.assert_allclose(whole.theta, np.tile(pooled.mean, (3, 1)), atol=2e-3)
    for at in range(3):
        alone = strengths(made[at])
        np.testing.assert_allclose(own.theta[at] - own.theta[at].mean(), alone - alone.mean(), atol=2e-3)


def test_the_fewer_votes_the_further_it_is_drawn_and_the_wider_the_interval() -> None:
    columns, category, _ = study(1)
    found = cells(shrink(columns, category))
    width = (found[:, :, 2] - found[:, :, 1]).mean(axis=1)
    assert list(width) == sorted(width, reverse=True)


def test_shrunk_ratings_are_nearer_the_truth_than_the_categories_own() -> None:
    shrunk, raw = [], []
    for seed in range(10):
        columns, category, true = study(100 + seed)
        at = np.array(category) == "k1"
        board = rate({name: np.array(column)[at] for name, column in columns.items()}, interval="sandwich", rounds=1)
        own = np.array([row.rating for row in sorted(board.rows, key=lambda row: row.model)], dtype=float)
        raw.append((((own - 1000) / POINTS - true[1]) ** 2).mean())
        shrunk.append(((cells(shrink(columns, category))[1, :, 0] - true[1]) ** 2).mean())
    assert np.mean(shrunk) < 0.8 * np.mean(raw)


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_intervals_hold_the_truth_of_small_and_large_categories(spread: float) -> None:
    held, spreads = [], []
    for seed in range(40):
        columns, category, true = study(200 + seed, spread=spread)
        report = shrink(columns, category)
        found = cells(report)
        held.append((found[:, :, 1] <= true) & (true <= found[:, :, 2]))
        spreads.append(report.spread / POINTS)
    by_size = np.mean(held, axis=(0, 2))
    assert (by_size > 0.87).all()
    assert by_size.mean() > 0.91
    if spread:
        assert by_size.mean() < 0.985
        assert 0.3 < np.mean(spreads) < 0.55
    else:
        assert np.mean(spreads) < 0.2


def test_votes_of_one_question_that_say_the_same_tell_less() -> None:
    columns, category, _ = study(3)
    fivefold = {name: np.repeat(np.array(column, dtype=object), 5) for name, column in columns.items()}
    of = np.repeat(np.arange(len(category)), 5)
    repeated = shrink(fivefold | {"question_id": of}, np.repeat(np.array(category, dtype=object), 5).tolist())
    plain = shrink(columns | {"question_id": np.arange(len(category))}, category)
    assert repeated.sharpness == pytest.approx(5 * plain.sharpness, rel=0.02)
    np.testing.assert_allclose(cells(repeated), cells(plain), atol=0.03)


def test_raters_whose_tastes_differ_widen_all_categories() -> None:
    rng = np.random.default_rng(0)
    rater = rng.integers(10, size=3000)
    a = rng.integers(4, size=3000)
    b = (a + rng.integers(1, 4, size=3000)) % 4
    taste = rng.normal(0, 0.8, (10, 4))
    won = rng.random(3000) < expit(
        (STRENGTHS + taste[rater])[np.arange(3000), a] - (STRENGTHS + taste[rater])[np.arange(3000), b]
    )
    columns = {
        "model_a": [f"c{i}" for i in a],
        "model_b": [f"c{i}" for i in b],
        "winner": np.where(won, "model_a", "model_b"),
    }
    category = [f"k{i}" for i in rng.integers(3, size=3000)]
    wide, narrow = (cells(shrink(columns | {"rater": rater}, category, cluster=how)) for how in ("rater", "vote"))
    np.testing.assert_allclose(wide[:, :, 0], narrow[:, :, 0], atol=0.02)
    assert ((wide[:, :, 2] - wide[:, :, 1]) > 1.5 * (narrow[:, :, 2] - narrow[:, :, 1])).all()


def test_an_undefeated_contender_one_that_is_absent_and_cells_with_few_votes() -> None:
    columns, category, _ = study(4, (40, 40, 200))
    extra = {"model_a": ["new"] * 6, "model_b": ["c0"] * 3 + ["c1"] * 3, "winner": ["model_a"] * 6}
    columns = {name: [*column, *extra[name]] for name, column in columns.items()}
    found = shrink(columns, [*category, *["k0"] * 6], few=30)
    for one in found.categories:
        row = next(row for row in one.rows if row.model == "new")
        assert (row.votes, row.few) == (6 if one.category == "k0" else 0, True)
        assert math.isfinite(row.low)
        assert row.low < row.rating < row.high
        assert row.high - row.low > 2 * max(other.high - other.low for other in one.rows if other is not row)
    assert [(one.votes, one.few) for one in found.categories] == [(46, False), (40, False), (200, False)]
    assert {row.few for row in found.categories[2].rows if row.model != "new"} == {False}


def test_few_or_tied_votes_leave_wide_intervals_and_islands_are_named() -> None:
    few = {"model_a": ["x", "y", "p"], "model_b": ["y", "x", "q"], "winner": ["model_a", "model_a", "tie"]}
    found = shrink(few, ["k0", "k1", "k1"])
    assert all(row.high - row.low > 600 for one in found.categories for row in one.rows)
    assert "never compared with each other" in found.warnings[0]
    tied = shrink({"model_a": ["x"] * 40, "model_b": ["y"] * 40, "winner": ["tie"] * 40}, ["k0", "k1"] * 20)
    assert all(row.high - row.low > 20 for one in tied.categories for row in one.rows)
    assert tied.warnings == ()


def test_order_and_names_do_not_matter_and_votes_without_a_category_do_not_count() -> None:
    columns, category, _ = study(5, (40, 80))
    order = np.random.default_rng(0).permutation(len(category))
    shuffled = {name: np.array(column, dtype=object)[order] for name, column in columns.items()}
    one = shrink(columns, category)
    np.testing.assert_allclose(cells(one), cells(shrink(shuffled, [category[at] for at in order])), atol=1e-5)
    more = {name: [*column, *column[:7]] for name, column in columns.items()}
    np.testing.assert_allclose(cells(one), cells(shrink(more, [*category, *[None] * 7])), atol=1e-9)


def test_it_is_ready_for_json() -> None:
    columns, category, _ = study(6, (40, 80))
    found = shrink(columns, category).to_dict()
    assert list(found) == [
        *("categories", "spread", "spread_low", "spread_high", "sharpness", "few", "level", "cluster"),
        *("warnings", "settings"),
    ]
    assert json.loads(json.dumps(found, allow_nan=False))["categories"][0]["rows"][0].keys() == {
        *("model", "votes", "rating", "low", "high", "few")
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda columns, category: (columns, category[1:]), "119 categories and 120 votes"),
        (lambda columns, category: (columns, ["k0"] * 120), "fewer than two categories"),
        (
            lambda columns, category: (
                {"model_a": ["x"], "model_b": ["y"], "wins_a": [1], "wins_b": [2], "ties": [0]},
                ["k0"],
            ),
            "instead of counts",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(change: Any, says: str) -> None:
    columns, category, _ = study(7, (40, 80))
    with pytest.raises(BadInput, match=says):
        shrink(*change(columns, category))


def test_the_unit_of_weights_changes_no_shrunk_rating() -> None:
    rng = np.random.default_rng(4)
    first = rng.integers(0, 3, 300)
    second = (first + rng.integers(1, 3, 300)) % 3
    columns = {
        "model_a": first.astype(str).tolist(),
        "model_b": second.astype(str).tolist(),
        "winner": rng.choice(["model_a", "model_b", "tie"], 300).tolist(),
    }
    category = rng.choice(["c", "d"], 300).tolist()
    found = [shrink(columns | {"weight": [weight] * 300}, category).to_dict()["categories"] for weight in (1.0, 0.2)]
    assert found[0] == found[1]


def test_no_vote_that_counts_is_refused() -> None:
    votes = {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["both_bad"] * 2}
    with pytest.raises(BadInput, match="no vote counts"):
        shrink(votes, ["c", "d"], both_bad="drop")
