"""Which pair next: shrinkage against an inverse made anew, the floor, and what adaptive choice saves and costs."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.models.placing import PENALTY_SD
from arena.ratings.pilot import from_pilot
from arena.ratings.selection import Selection, current, pair_chances, select, uniform_weights
from benchmarks.selection import FIELDS, Course, run

TARGETS = ["widths", "order", "top"]


def information(games: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Of the log-strengths, pair by pair, with the prior."""
    n = len(theta)
    found = np.eye(n) / PENALTY_SD**2
    for i, j in combinations(range(n), 2):
        contrast = np.eye(n)[i] - np.eye(n)[j]
        chance = expit(theta[i] - theta[j])
        found += (games[i, j] + games[j, i]) * chance * (1 - chance) * np.outer(contrast, contrast)
    return found


def widths(games: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The standard deviations of the deviations from the mean."""
    centre = np.eye(len(theta)) - 1.0 / len(theta)
    return np.sqrt(np.diag(centre @ np.linalg.inv(information(games, theta)) @ centre))


def votes(counts: dict[tuple[str, str], tuple[int, int]]) -> dict[str, list[object]]:
    """Counts of wins and losses by pair."""
    return {
        "model_a": [a for a, _ in counts],
        "model_b": [b for _, b in counts],
        "wins_a": [wins for wins, _ in counts.values()],
        "wins_b": [losses for _, losses in counts.values()],
        "ties": [0] * len(counts),
    }


def chances(selection: Selection) -> dict[tuple[str, str], float]:
    return {(pair.a, pair.b): pair.probability for pair in selection.pairs}


@given(st.integers(2, 6), st.sampled_from(TARGETS), st.floats(0.01, 1.0), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_chances_add_up_to_one_and_no_pair_falls_below_the_floor(
    contenders: int, target: str, floor: float, ahead: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = np.triu(rng.integers(0, 30, (contenders, contenders)), 1).astype(float)
    theta, covariance = current(points + points.T * rng.random())
    chance = pair_chances(theta, covariance, target=target, floor=floor, ahead=ahead)  # type: ignore[arg-type]
    upper = np.triu_indices(contenders, 1)
    assert chance.sum() == pytest.approx(1.0)
    assert chance[upper].sum() == pytest.approx(1.0)
    assert chance[upper].min() >= floor / len(upper[0]) * (1 - 1e-9)


def test_the_first_vote_goes_where_it_shrinks_the_variances_most() -> None:
    """The variances after a vote on each pair, each from an inverse of its own."""
    rng = np.random.default_rng(3)
    points = rng.integers(1, 12, (5, 5)).astype(float)
    np.fill_diagonal(points, 0.0)
    theta, covariance = current(points)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(widths(points, theta))
    now = widths(points, theta) ** 2
    power = (now / now.max()) ** 4
    after = {}
    for i, j in combinations(range(5), 2):
        more = points.copy()
        more[i, j] += 1
        after[i, j] = power @ widths(more, theta) ** 2
    chance = pair_chances(theta, covariance, ahead=1, floor=0.1)
    best = min(after, key=lambda pair: after[pair])
    assert chance[best] == chance.max() > 0.9


def test_equals_are_chosen_alike() -> None:
    points = np.full((4, 4), 10.0)
    np.fill_diagonal(points, 0.0)
    chance = pair_chances(*current(points), ahead=60)
    assert chance[np.triu_indices(4, 1)] == pytest.approx(np.full(6, 1 / 6), abs=1e-6)


def test_a_contender_without_votes_comes_first() -> None:
    played = dict.fromkeys(combinations("abcd", 2), (20, 20))
    found = chances(select(votes(played), contenders=["new"], ahead=10))
    assert sum(value for pair, value in found.items() if "new" in pair) > 0.8


def test_order_asks_where_neighbours_are_in_doubt_and_top_about_the_first() -> None:
    counts = dict.fromkeys([("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")], (190, 10))
    counts |= {("a", "b"): (101, 99), ("c", "d"): (150, 50)}
    order = chances(select(votes(counts), target="order", ahead=20))
    assert max(order, key=lambda pair: order[pair]) == ("a", "b")
    top = chances(select(votes(counts), target="top", ahead=20))
    assert max(top, key=lambda pair: top[pair]) == ("a", "b")
    assert top["c", "d"] < order["a", "b"]


def test_names_and_their_order_do_not_matter() -> None:
    counts = {("a", "b"): (30, 10), ("b", "c"): (12, 9), ("a", "c"): (5, 1), ("c", "d"): (20, 22)}
    turned = {(b, a): (losses, wins) for (a, b), (wins, losses) in reversed(counts.items())}
    one, other = chances(select(votes(counts))), chances(select(votes(turned)))
    assert one == pytest.approx(other)
    renamed = {("z" + a, "z" + b): value for (a, b), value in counts.items()}
    assert {(a[1:], b[1:]): value for (a, b), value in chances(select(votes(renamed))).items()} == pytest.approx(one)


def test_votes_that_are_alike_make_wider_intervals() -> None:
    rng = np.random.default_rng(8)
    questions = np.repeat(np.arange(30), 10)
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    of = rng.integers(3, size=300)
    lean = rng.random(30)[questions] < 0.5
    made = {
        "model_a": [pairs[at][0] for at in of],
        "model_b": [pairs[at][1] for at in of],
        "winner": ["model_a" if first else "model_b" for first in lean],
    }
    alike = select({**made, "question_id": questions.tolist()}).half_widths
    alone = select(made).half_widths
    assert max(alike.values()) > 1.5 * max(alone.values())


def test_weights_give_back_what_uniform_choice_estimates() -> None:
    """Three contenders who beat each other in a ring: no Bradley-Terry model, so that shares of pairs matter."""
    rng = np.random.default_rng(9)
    names, win = "abc", {(0, 1): 0.8, (1, 2): 0.8, (0, 2): 0.35}
    share = {(0, 1): 0.7, (0, 2): 0.1, (1, 2): 0.2}
    pairs = list(share)
    of = rng.choice(3, p=list(share.values()), size=60_000)
    won = rng.random(len(of)) < np.array([win[pair] for pair in pairs])[of]
    columns = {
        "model_a": [names[pairs[at][0]] for at in of],
        "model_b": [names[pairs[at][1]] for at in of],
        "winner": ["model_a" if first else "model_b" for first in won],
    }
    weight = uniform_weights(np.array(list(share.values()))[of], 3)
    assert weight.mean() == pytest.approx(1.0, abs=0.02)
    uniform = {
        "model_a": [names[i] for i, _ in pairs],
        "model_b": [names[j] for _, j in pairs],
        "wins_a": [round(1e6 * win[pair]) for pair in pairs],
        "wins_b": [round(1e6 * (1 - win[pair])) for pair in pairs],
        "ties": [0] * 3,
    }

    def ratings(given: object) -> list[float]:
        return [row.rating or 0.0 for row in sorted(rate(given, rounds=20).rows, key=lambda row: row.model)]

    aim = ratings(uniform)
    assert ratings({**columns, "weight": weight}) == pytest.approx(aim, abs=8.0)
    assert max(abs(a - b) for a, b in zip(ratings(columns), aim, strict=True)) > 30.0  # the control


def test_the_published_field_is_known_as_well_with_fewer_votes() -> None:
    field = FIELDS["published gaps"]
    active = [run(Course(field, 120.0, 0.2, 100), [1, number]) for number in range(12)]
    uniform = [run(Course(field, 120.0, 1.0, 100), [1, number]) for number in range(12)]
    assert np.mean([one.votes for one in active]) < 0.85 * np.mean([one.votes for one in uniform])
    assert np.mean([one.covered.mean() for one in active]) > 0.88


def test_results_are_json() -> None:
    found = select(votes({("a", "b"): (1, 0)}), contenders=["c"])
    assert len(json.loads(json.dumps(found.to_dict(), allow_nan=False))["pairs"]) == 3


def test_what_cannot_be_chosen_is_refused() -> None:
    theta, covariance = current(np.array([[0.0, 3.0], [2.0, 0.0]]))
    wrong: dict[str, Any]
    for wrong in ({"floor": 0.0}, {"floor": 1.5}, {"ahead": 0}, {"target": "fame"}):
        with pytest.raises(BadInput):
            pair_chances(theta, covariance, **wrong)
    with pytest.raises(BadInput):
        uniform_weights(np.array([0.5, 0.0]), 2)


def _half_ties(share: float, weight: float | None = None) -> dict[str, object]:
    rng = np.random.default_rng(3)
    first = rng.integers(0, 4, 600)
    second = (first + rng.integers(1, 4, 600)) % 4
    wins = rng.random(600) < 0.5 + 0.1 * np.sign(second - first)
    outcome = np.where(rng.random(600) < share, "tie", np.where(wins, "model_a", "model_b"))
    columns = {
        "model_a": first.astype(str).tolist(),
        "model_b": second.astype(str).tolist(),
        "winner": outcome.tolist(),
    }
    return columns | ({} if weight is None else {"weight": [weight] * 600})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_half_widths_are_about_the_boards_with_ties_too(share: float) -> None:
    votes = _half_ties(share)
    rows = {row.model: row for row in rate(votes, interval="sandwich", cluster="vote").rows}
    for name, half in select(votes).half_widths.items():
        low, high = rows[name].low, rows[name].high
        assert low is not None
        assert high is not None
        assert half == pytest.approx((high - low) / 2.0, rel=0.15)


def test_the_unit_of_weights_changes_nothing() -> None:
    one, five = (select(_half_ties(0.2, weight)) for weight in (1.0, 5.0))
    assert five.half_widths == pytest.approx(one.half_widths, rel=0.02)
    field = [from_pilot(_half_ties(0.2, weight)) for weight in (1.0, 5.0)]
    assert field[1].dispersion == pytest.approx(field[0].dispersion)


def test_votes_that_are_all_ties_or_all_dropped() -> None:
    ties = {"model_a": ["x", "y", "z"] * 9, "model_b": ["y", "z", "x"] * 9, "winner": ["tie"] * 27}
    found = select(ties)
    assert sum(pair.probability for pair in found.pairs) == pytest.approx(1.0)
    assert all(0.0 < half < 1e4 for half in found.half_widths.values())
    with pytest.raises(BadInput, match="left out"):
        select({"model_a": ["x"], "model_b": ["y"], "winner": ["both_bad"]}, both_bad="drop")
