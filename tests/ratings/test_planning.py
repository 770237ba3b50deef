"""How many votes: against closed forms, explicit sums over votes, and the engine's own intervals."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import t as student

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.needed import Work, needed_for_width, needed_to_separate
from arena.ratings.pilot import from_pilot
from arena.ratings.planning import (
    Design,
    Field,
    assumed,
    half_widths,
    precision,
    stated,
    votes_for_share,
)
from benchmarks.designs import NODES, design, simulate, truth

POINTS = 400 / math.log(10)
MANY = 10**6


def attenuation(variance: float) -> float:
    """How much flatter points answer to strengths, on average over normal effects of this variance of a difference."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    chance = expit(math.sqrt(variance) * nodes)
    return float(4.0 * (chance * (1.0 - chance)) @ weights / weights.sum())


@pytest.mark.parametrize(("within", "votes", "about"), [(0.05, 342, 340), (0.03, 949, 950)])
def test_a_win_rate_of_two_thirds_needs_the_votes_of_the_textbook(within: float, votes: int, about: int) -> None:
    found = votes_for_share(0.667, within)
    assert found == votes == math.ceil(1.959964**2 * 0.667 * 0.333 / within**2)
    assert found == pytest.approx(about, rel=0.01)


def test_two_equal_contenders_need_what_one_proportion_needs() -> None:
    """Their deviations are ± half their difference, whose variance is 4 / votes."""
    found = needed_for_width(assumed(contenders=2), 30.0, Work([(2, 1)]))
    votes = 1.959964**2 * (POINTS / 2) ** 2 * 4 / 30.0**2
    assert found.options[0].votes == pytest.approx(votes, abs=3)


def test_separating_needs_what_the_z_test_of_a_difference_needs() -> None:
    found = needed_to_separate(assumed(contenders=2, gap=100.0), (0, 1), Work([(2, 1)]), power=0.9)
    chance = 1 / (1 + 10 ** (-100 / 400))
    votes = ((1.959964 + 1.281552) / (100.0 / POINTS)) ** 2 / (chance * (1 - chance))
    assert found.options[0].votes == pytest.approx(votes, abs=3)


@given(st.integers(2, 5), st.integers(1, 3), st.floats(0.0, 0.9), st.floats(0.0, 150.0))
@settings(max_examples=30, deadline=None)
def test_the_question_part_is_the_sum_over_all_votes_that_share_a_question(
    contenders: int, votes: int, sd: float, gap: float
) -> None:
    """Every pair on every question: an explicit sum over pairs of votes, in place of the moments of the design."""
    field = stated(assumed(contenders=contenders, gap=gap), sd * POINTS, 0.0)
    questions = 3
    cast = [pair for pair in combinations(range(contenders), 2) for _ in range(votes)]
    chance = expit([field.theta[i] - field.theta[j] for i, j in cast])
    weight = chance * (1.0 - chance)
    sides = np.eye(contenders)[[i for i, _ in cast]] - np.eye(contenders)[[j for _, j in cast]]
    information = np.linalg.pinv(questions * (sides.T * weight) @ sides)
    alike = sd**2 * np.outer(weight, weight) * (sides @ sides.T)
    np.fill_diagonal(alike, weight)
    explicit = questions * information @ sides.T @ alike @ sides @ information
    found = precision(field, Design(questions, MANY, votes, contenders * (contenders - 1) // 2))
    assert found.covariance == pytest.approx(explicit, abs=1e-9)


@given(st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=12), st.floats(0.0, 0.6), st.floats(0.0, 0.6))
@settings(max_examples=100, deadline=None)
def test_variances_are_positive_and_of_deviations_from_the_mean(
    theta: list[float], by_question: float, by_rater: float
) -> None:
    centred = np.array(theta) - np.mean(theta)
    field = Field(tuple("abcdefghijkl"[: len(theta)]), centred, 0.9, by_question, by_rater, "assumptions")
    found = precision(field, Design(20, 9, 2, min(3, len(theta) * (len(theta) - 1) // 2)))
    assert np.diag(found.covariance).min() > 0.0
    assert (np.diag(found.covariance) >= np.diag(found.single) * (1 - 1e-9)).all()
    assert np.abs(found.covariance.sum(axis=0)).max() < 1e-9 * np.trace(found.covariance)


def test_few_raters_set_a_floor_that_no_number_of_questions_passes() -> None:
    field = assumed(contenders=6, rater_sd=80.0)
    found = needed_for_width(field, 20.0, Work([(10, 1), (400, 1)]))
    few, many = found.options
    floor = student.ppf(0.975, 9 * 3) * 80.0 * math.sqrt((1 - 1 / 6) / 10)
    assert few.best == pytest.approx(floor, rel=0.001)
    assert few.questions is None
    assert many.questions is not None


def test_more_raters_on_the_same_questions_stop_helping() -> None:
    """Then every contender's mean over questions is known: sd · √((1 - 1/n) / questions)."""
    option = needed_for_width(assumed(contenders=4, question_sd=100.0), 30.0, Work([(20, 1)])).options[0]
    assert option.questions is not None
    floor = 1.96 * 100.0 * math.sqrt((1 - 1 / 4) / option.questions)
    assert option.same_questions is not None
    assert option.same_questions == pytest.approx(floor, rel=0.05)
    assert option.same_questions < 30.0


@given(st.floats(15.0, 120.0), st.floats(0.0, 150.0), st.floats(0.0, 60.0), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_number_of_questions_is_the_smallest(within: float, by_question: float, by_rater: float, n: int) -> None:
    field = assumed(contenders=n + 1, question_sd=by_question, rater_sd=by_rater, gap=20.0)
    option = needed_for_width(field, within, Work([(16, 2)])).options[0]
    if option.questions is None:
        assert option.best > within
        return
    made = Design(option.questions, 16, 2, option.pairs_per_question)
    assert half_widths(field, made, 0.95).max() <= within
    if option.questions > 2:
        assert half_widths(field, replace(made, questions=option.questions - 1), 0.95).max() > within


@pytest.mark.parametrize("name", ["independent", "question 1, rater 0.5", "three judges"])
def test_the_predicted_width_is_what_the_engine_makes_of_simulated_studies(name: str) -> None:
    made = design(name)
    slope = attenuation(2 * (made.question_sd**2 + made.rater_sd**2)) * (1 - made.ties)
    field = Field(
        made.contenders, truth(made), 1 - made.ties, slope * made.question_sd, slope * made.rater_sd, "assumptions"
    )
    predicted = half_widths(field, Design(made.questions, made.raters, made.votes, made.pairs), 0.95).mean()
    found = []
    for number in range(6):
        board = rate(simulate(made, [11, number]).columns, interval="sandwich", rounds=100)
        found += [(row.high - row.low) / 2 for row in board.rows if row.low is not None and row.high is not None]
    assert predicted == pytest.approx(np.mean(found), rel=0.1)
    independent = stated(field, 0.0, 0.0)
    blind = half_widths(independent, Design(made.questions, made.raters, made.votes, made.pairs), 0.95).mean()
    if made.question_sd:  # a plan that takes votes as independent promises too much
        assert blind < 0.85 * np.mean(found)


def test_a_pilot_tells_how_much_questions_and_raters_differ() -> None:
    made = design("question 1, rater 0.5")
    slope = attenuation(2 * (1 + 0.25))
    found = [from_pilot(simulate(made, [12, number]).columns) for number in range(6)]
    assert np.mean([one.question_sd for one in found]) == pytest.approx(slope * 1.0, rel=0.12)
    assert np.mean([one.rater_sd for one in found]) == pytest.approx(slope * 0.5, rel=0.2)
    assert np.mean([one.dispersion for one in found]) == pytest.approx(1.0, abs=0.02)
    without = from_pilot(simulate(design("independent"), [12, 0]).columns)
    assert without.question_sd is not None
    assert without.question_sd < 0.35 * slope


def test_the_pilot_s_ties_lower_the_dispersion() -> None:
    found = from_pilot(simulate(replace(design("independent"), ties=0.3), [13, 0]).columns)
    assert found.dispersion == pytest.approx(0.7, abs=0.04)


def test_a_pilot_that_does_not_repeat_questions_says_so() -> None:
    columns = {
        "model_a": ["x", "y", "x", "y"] * 10,
        "model_b": ["y", "x", "y", "x"] * 10,
        "winner": ["model_a", "model_b", "model_b", "tie"] * 10,
        "question_id": [f"q{number}" for number in range(40)],
        "rater": [f"r{number % 4}" for number in range(40)],
    }
    found = needed_for_width(from_pilot(columns), 40.0, Work([(8, 1)]))
    assert any("How much questions differ cannot be told" in warning for warning in found.warnings)
    assert any("4 raters" in warning for warning in found.warnings)


def test_a_pilot_does_not_depend_on_the_order_of_its_votes() -> None:
    columns = simulate(replace(design("three judges"), questions=30), [14, 0]).columns
    turned = {name: list(column)[::-1] for name, column in columns.items()}
    one, other = from_pilot(columns), from_pilot(turned)
    assert (one.question_sd, one.rater_sd) == pytest.approx((other.question_sd, other.rater_sd))


def test_results_are_json() -> None:
    found = needed_for_width(assumed(rater_sd=200.0), 10.0, Work([(8, 1), (9, 3)], minutes=2.0))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["options"][0]["questions"] is None


def test_hours_are_votes_times_minutes() -> None:
    option = needed_for_width(assumed(contenders=3), 40.0, Work([(5, 1)], minutes=6.0)).options[0]
    assert option.votes is not None
    assert option.hours == pytest.approx(option.votes / 10.0)


def test_what_cannot_be_planned_is_refused() -> None:
    field = assumed(contenders=3, gap=50.0)
    for wrong in (
        lambda: assumed(contenders=1),
        lambda: assumed(ties=1.0),
        lambda: assumed(question_sd=-1.0),
        lambda: assumed(question_sd=math.nan),
        lambda: assumed(question_sd=400.0),
        lambda: needed_for_width(field, 0.0, Work([(8, 1)])),
        lambda: needed_for_width(field, math.nan, Work([(8, 1)])),
        lambda: needed_for_width(field, 20.0, Work([(8, 1)]), level=1.0),
        lambda: needed_for_width(field, 20.0, Work([(8, 1)], pairs=4)),
        lambda: needed_for_width(field, 20.0, Work([(2, 3)])),
        lambda: needed_for_width(field, 20.0, Work([(8, 1)], minutes=0.0)),
        lambda: needed_to_separate(field, (0, 1), Work([(8, 1)]), power=1.0),
        lambda: needed_to_separate(assumed(contenders=3), (0, 1), Work([(8, 1)])),
        lambda: from_pilot({"model_a": ["x"], "model_b": ["y"], "winner": ["model_a"]}),
        lambda: votes_for_share(0.5, 0.0),
    ):
        with pytest.raises(BadInput):
            wrong()
