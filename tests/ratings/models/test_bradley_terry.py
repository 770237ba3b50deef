"""The fit of one block: the maximum that others find, however far it lies and wherever the search begins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import Incomplete
from arena.ratings import encode, pair_counts, rate
from arena.ratings.comparisons.connectivity import strongly_connected
from arena.ratings.models import bradley_terry
from tests.ratings.samples import POINTS_PER_LOGIT, Columns, columns, optimum, ratings, rows_of, side_votes
from tests.shared_data import shared_data

OUTCOMES = ("model_a", "model_b", "tie", "both_bad")


@st.composite
def connected_votes(draw: st.DrawFn) -> Columns:
    """Votes on 2 to 6 contenders; a tie along a chain connects them all, so that the maximum is finite."""
    size = draw(st.integers(2, 6))
    names = [f"m{index}" for index in range(size)]
    rows: list[tuple[str, ...]] = [(names[i], names[i + 1], "tie") for i in range(size - 1)]
    pair = st.permutations(names).map(lambda order: (order[0], order[1]))
    for left, right in draw(st.lists(pair, max_size=40)):
        rows.append((left, right, draw(st.sampled_from(OUTCOMES))))
    return columns(rows)


def logits(votes: Columns) -> dict[str, float]:
    """The engine's own estimate, before it is rounded for the board."""
    return dict(zip(encode(votes).contenders, bradley_terry.fit(points(votes)[None])[0].tolist(), strict=True))


def points(votes: Columns) -> np.ndarray:
    """Who scored how much against whom, a tie half a win for each."""
    wins, ties = pair_counts(encode(votes))
    return wins + ties / 2


def assert_close(found: dict[str, float], expected: dict[str, float], within: float) -> None:
    assert found.keys() == expected.keys()
    assert max(abs(found[name] - expected[name]) for name in found) <= within


@given(connected_votes())
@settings(max_examples=60, deadline=None)
def test_is_the_optimum_that_scipy_finds(votes: Columns) -> None:
    assert_close(logits(votes), optimum(votes), 1e-6)


@given(connected_votes())
@settings(max_examples=60, deadline=None)
def test_the_gradient_vanishes(votes: Columns) -> None:
    """At the maximum everybody's expected score is the score that they have (Hunter 2004)."""
    scored = points(votes)
    theta = bradley_terry.fit(scored[None])[0]
    expected = (scored + scored.T) / (1 + np.exp(theta[None, :] - theta[:, None]))
    assert np.abs(scored.sum(axis=1) - expected.sum(axis=1)).max() <= 2e-10
    assert abs(theta.mean()) <= 1e-12


def test_crowd_votes_on_59_models_match_scipy() -> None:
    votes = side_votes(shared_data("llmfao") / "crowd-comparisons.csv", "prompt")
    assert len(votes["winner"]) == 8931
    expected = {name: 1000 + POINTS_PER_LOGIT * theta for name, theta in optimum(votes).items()}
    assert_close(logits(votes), optimum(votes), 1e-6)
    # On the board the ratings are written to 4 decimals.
    assert_close(ratings(rate(votes, rounds=2)), expected, 0.5e-4 + 1e-6 * POINTS_PER_LOGIT)


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 50))
@settings(max_examples=50, deadline=None)
def test_two_contenders_differ_by_the_logit_of_the_win_share(wins: int, losses: int, ties: int) -> None:
    votes = columns([("x", "y", "model_a")] * wins + [("x", "y", "model_b")] * losses + [("x", "y", "tie")] * ties)
    theta = logits(votes)
    share = (wins + ties / 2) / (wins + losses + ties)
    assert theta["x"] - theta["y"] == pytest.approx(math.log(share / (1 - share)), abs=1e-9)


def test_400_points_are_odds_of_ten_to_one() -> None:
    board = rate(columns([("x", "y", "model_a")] * 10 + [("x", "y", "model_b")]), rounds=2)
    assert ratings(board) == {"x": 1200.0, "y": 800.0}


def test_a_tie_is_half_a_win_for_each() -> None:
    ties = columns([("x", "y", "tie")] * 2 + [("y", "z", "both_bad")] * 4 + [("x", "z", "model_a")])
    halves = columns(
        [("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "z", "model_a")]
        + [("y", "z", "model_a"), ("y", "z", "model_b")] * 2
    )
    assert_close(logits(ties), logits(halves), 1e-9)


@given(connected_votes(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_sides_and_names_do_not_matter(votes: Columns, random: st.randoms) -> None:  # type: ignore[valid-type]
    plain = logits(votes)
    rows = rows_of(votes)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert logits(columns(rows)) == plain
    other = {"model_a": "model_b", "model_b": "model_a"}
    assert logits(columns([(b, a, other.get(winner, winner)) for a, b, winner in rows])) == plain
    renamed = {name: f"z{9 - int(name[1:])}" for name in plain}
    turned = logits(columns([(renamed[a], renamed[b], winner) for a, b, winner in rows]))
    assert_close({name: turned[renamed[name]] for name in plain}, plain, 1e-9)


def test_a_far_optimum_is_reached() -> None:
    """One loss in a million, twice in a row: 27 logits between the ends."""
    scored = np.zeros((1, 3, 3))
    scored[0, 0, 1] = scored[0, 1, 2] = 1e6
    scored[0, 1, 0] = scored[0, 2, 1] = 1.0
    theta = bradley_terry.fit(scored)[0]
    assert theta[0] - theta[1] == pytest.approx(math.log(1e6), abs=1e-6)
    assert theta[1] - theta[2] == pytest.approx(math.log(1e6), abs=1e-6)


def test_a_far_start_does_not_lead_astray() -> None:
    """There the votes hardly bend the likelihood, and an undamped Newton step goes to some 10^6 logits and stays."""
    scored = np.array([[[0.0, 2.0], [3.0, 0.0]]])
    theta = bradley_terry.fit(scored, np.array([8.0, -8.0]))[0]
    assert theta[0] - theta[1] == pytest.approx(math.log(2 / 3), abs=1e-9)


@pytest.fixture
def batch() -> np.ndarray:
    """Resamples of 400 votes on five contenders, each of them one block."""
    rng = np.random.default_rng(5)
    cells = np.array(
        [[0, 40, 30, 25, 35], [20, 0, 30, 20, 25], [10, 15, 0, 20, 30], [9, 12, 20, 0, 25], [3, 6, 9, 16, 0]]
    )
    drawn: np.ndarray = rng.multinomial(400, cells.ravel() / cells.sum(), size=60).reshape(60, 5, 5).astype(float)
    assert strongly_connected(drawn).all()
    return drawn


def test_a_batch_gives_what_each_member_gives_alone(batch: np.ndarray) -> None:
    for one, theta in zip(batch, bradley_terry.fit(batch), strict=True):
        assert np.abs(bradley_terry.fit(one[None])[0] - theta).max() <= 1e-9


def test_resamples_fitted_together_are_each_fitted(batch: np.ndarray) -> None:
    """Near the common maximum, and from a start so far off that the shared steps must be given up."""
    near = bradley_terry.fit(batch.sum(axis=0)[None])[0]
    exact = bradley_terry.fit(batch)
    for start in (near, near + 5.0, np.array([9.0, -9.0, 6.0, -6.0, 0.0])):
        assert np.abs(bradley_terry.refit(batch, start) - exact).max() <= 2e-8


def test_a_resample_far_from_the_rest_is_fitted_by_itself(batch: np.ndarray) -> None:
    batch[7] = np.where(np.eye(5) > 0, 0.0, 1e-3) + 200 * np.eye(5, k=1) + 1e-3
    np.fill_diagonal(batch[7], 0.0)
    near = bradley_terry.fit(batch.sum(axis=0)[None])[0]
    assert np.abs(bradley_terry.refit(batch, near) - bradley_terry.fit(batch)).max() <= 2e-8


def test_no_convergence_is_an_error_and_not_a_rating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bradley_terry, "MAX_STEPS", 2)
    with pytest.raises(Incomplete, match="did not converge"):
        rate(columns([("x", "y", "model_a")] * 500 + [("x", "y", "model_b")]))
