"""Rater models: against a general optimiser, on votes with known riggers, slopes and effects."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import spearmanr

from arena.errors import BadInput
from arena.ratings.models import unusual
from arena.ratings.models.reliability import Cells, fit
from arena.ratings.models.unusual import Panel
from arena.ratings.raters import Raters, raters

STRENGTHS = np.array([1.0, 0.6, 0.1, -0.3, -1.4])


def study(seed: int, people: int = 12, votes: int = 100, riggers: int = 0, **sd: float) -> dict[str, Any]:
    """Columns of a study; `sd` of question, taste, slope and side effects. Riggers vote for c2 wherever it stands."""
    rng = np.random.default_rng(seed)
    total, n = people * votes, len(STRENGTHS)
    rater = np.repeat(np.arange(people), votes)
    a = rng.integers(n, size=total)
    b = (a + rng.integers(1, n, size=total)) % n
    question = rng.integers(80, size=total)
    effect = STRENGTHS + rng.normal(0, sd.get("question", 0.0), (80, n))[question]
    effect = effect + rng.normal(0, sd.get("taste", 0.0), (people, n))[rater]
    slope, side = np.exp(rng.normal(0, sd.get("slope", 0.0), people)), rng.normal(0, sd.get("side", 0.0), people)
    each = np.arange(total)
    lead = slope[rater] * (effect[each, a] - effect[each, b]) + side[rater]
    score = (rng.random(total) < expit(lead)).astype(float)
    score[(rater < riggers) & (a == 2)], score[(rater < riggers) & (b == 2)] = 1.0, 0.0
    return {"a": a, "b": b, "score": score, "rater": rater, "question": question, "slope": slope, "side": side}


def columns(made: dict[str, Any]) -> dict[str, Any]:
    """As the report takes them."""
    return {
        "model_a": [f"c{index}" for index in made["a"]],
        "model_b": [f"c{index}" for index in made["b"]],
        "winner": np.where(made["score"] == 1, "model_a", np.where(made["score"] == 0, "model_b", "tie")),
        "rater": [f"r{index:02}" for index in made["rater"]],
        "question_id": made["question"],
    }


def cells(made: dict[str, Any]) -> Cells:
    rater, a, b = (made[name].astype(np.int32) for name in ("rater", "a", "b"))
    return Cells.of(rater, a, b, made["score"])


def panel(made: dict[str, Any]) -> Panel:
    start = np.searchsorted(made["rater"], np.arange(made["rater"].max() + 2))
    return Panel(made["a"], made["b"], made["score"], made["question"], start, len(STRENGTHS), 80)


def unlike(found: Raters) -> list[str]:
    return [row.rater for row in found.rows if row.unlike]


def test_slopes_and_sides_are_the_mode_that_a_general_optimiser_finds() -> None:
    made = study(1, people=5, slope=0.5, side=0.4)
    found = fit(cells(made))
    people, n = 5, len(STRENGTHS)

    def loss(at: NDArray[np.float64]) -> float:
        theta, log_slope, side = at[:n], at[n : n + people], at[n + people :]
        lead = np.exp(log_slope)[made["rater"]] * (theta[made["a"]] - theta[made["b"]]) + side[made["rater"]]
        prior = theta @ theta / 9 + log_slope @ log_slope / found.slope_sd**2 + side @ side / found.side_sd**2
        return float(np.logaddexp(0, lead).sum() - made["score"] @ lead + prior / 2)

    best = minimize(loss, np.zeros(n + 2 * people), method="BFGS", options={"gtol": 1e-6}).x
    centre = best[n : n + people].mean()  # slopes and strengths share one scale
    np.testing.assert_allclose(found.log_slope, best[n : n + people] - centre, atol=2e-3)
    np.testing.assert_allclose(found.side, best[n + people :], atol=2e-3)
    np.testing.assert_allclose(found.theta, best[:n] * np.exp(centre), rtol=0.01)


def test_votes_seen_from_the_other_side_are_the_same_but_for_the_side() -> None:
    made = study(2, slope=0.4, side=0.4)
    turned = made | {"a": made["b"], "b": made["a"], "score": 1 - made["score"]}
    one, other = fit(cells(made)), fit(cells(turned))
    np.testing.assert_allclose(one.log_slope, other.log_slope, atol=1e-4)
    np.testing.assert_allclose(one.side, -other.side, atol=1e-4)


def test_slopes_are_ordered_right_at_two_hundred_votes() -> None:
    orders = []
    for seed in range(20):
        made = study(100 + seed, people=20, votes=200, slope=0.5, side=0.3)
        orders.append(spearmanr(fit(cells(made)).log_slope, made["slope"]).statistic)
    assert np.mean(orders) > 0.87


def test_raters_who_do_not_differ_are_drawn_together_and_those_who_do_are_not() -> None:
    alike = [fit(cells(study(30 + seed, people=20))) for seed in range(8)]
    different = [fit(cells(study(30 + seed, people=20, votes=300, slope=0.6, side=0.6))) for seed in range(8)]
    for sd in ("slope_sd", "usual_slope_sd", "side_sd", "usual_side_sd"):
        assert np.mean([getattr(one, sd) for one in alike]) < 0.15
        assert 0.5 < np.mean([getattr(one, sd) for one in different]) < 0.7


def test_a_few_odd_raters_do_not_make_the_usual_ones_look_different() -> None:
    made = study(3, people=20, votes=200)
    odd = made["rater"] < 3
    made["score"] = np.where(odd, 1.0, made["score"])
    found = fit(cells(made))
    assert found.usual_side_sd < 0.25
    assert found.side_sd > 1.0


def test_fewer_votes_are_drawn_further_to_the_usual() -> None:
    made = study(4, people=12, votes=200, side=0.5)
    kept = (made["rater"] != 0) | (np.arange(len(made["rater"])) < 15)
    few = {name: made[name][kept] for name in ("a", "b", "score", "rater", "question")}
    whole, part = fit(cells(made)), fit(cells(few))
    assert part.side_error[0] > 2 * whole.side_error[0]
    assert part.side_error[0] <= part.side_sd + 1e-9


def test_each_vote_is_predicted_by_the_others_votes_alone() -> None:
    made = study(5, people=4, votes=60, riggers=1)
    expected = unusual.usual(panel(made), 0.1, 0.1)
    others = made["rater"] != 0

    def loss(theta: NDArray[np.float64]) -> float:
        lead = (theta[made["a"]] - theta[made["b"]])[others]
        return float(np.logaddexp(0, lead).sum() - made["score"][others] @ lead + theta @ theta / 18)

    theta = minimize(loss, np.zeros(len(STRENGTHS)), method="BFGS", options={"gtol": 1e-8}).x
    by_others = expit(theta[made["a"]] - theta[made["b"]])
    np.testing.assert_allclose(expected.chance[~others], by_others[~others], atol=1e-5)
    assert np.abs(expected.chance[others] - by_others[others]).max() > 1e-3  # the control: theirs are other fits


def test_effects_of_questions_and_tastes_are_found_at_their_size_whatever_a_few_riggers_do() -> None:
    sizes = []
    for seed in range(10):
        made = study(200 + seed, people=30, votes=200, riggers=3, question=0.8, taste=0.6)
        expected = unusual.usual(panel(made), 0.05, 0.05)
        sizes.append((expected.question_sd, expected.taste_sd))
    question, taste = np.mean(sizes, axis=0)
    assert 0.55 < question < 0.95
    assert 0.4 < taste < 0.75
    none = [unusual.usual(panel(study(300 + seed, people=30)), 0.05, 0.05) for seed in range(10)]
    assert np.mean([one.question_sd for one in none]) < 0.15
    assert np.mean([one.taste_sd for one in none]) < 0.2


def test_honest_raters_are_as_far_out_as_chance_has_it_even_where_questions_and_tastes_differ() -> None:
    probability = []
    for seed in range(12):
        made = study(400 + seed, people=30, votes=60, question=0.8, taste=0.3, side=0.3, slope=0.2)
        probability += [row.probability for row in raters(columns(made), rounds=200, seed=seed).rows]
    shares = [np.mean(np.array(probability, dtype=float) <= limit) for limit in (0.01, 0.1, 0.5)]
    assert shares[0] <= 0.03
    assert shares[1] <= 0.15
    assert shares[2] <= 0.6


def test_who_would_be_accused_without_question_effects() -> None:
    """The control: ten votes on each of six questions lean together, which single votes would not."""
    made = study(500, people=30, votes=60, question=0.0)
    rng = np.random.default_rng(0)
    made["question"] = np.tile(np.arange(60) // 10, 30) + 0 * made["rater"] + 6 * made["rater"] % 78
    effect = STRENGTHS + rng.normal(0, 1.5, (100, len(STRENGTHS)))[made["question"]]
    each = np.arange(len(made["a"]))
    made["score"] = (rng.random(1800) < expit(effect[each, made["a"]] - effect[each, made["b"]])).astype(float)
    votes = replace(panel(made), questions=100)
    expected = unusual.usual(votes, 0.05, 0.05)
    blind = replace(expected, question_sd=0.0, taste_sd=0.0)
    accused = [(unusual.unusual(votes, one, 400, 0).probability <= 0.01).mean() for one in (expected, blind)]
    assert accused[0] <= 0.07 < accused[1]


def test_riggers_are_found_with_whom_they_vote_for_and_honest_raters_are_not() -> None:
    found, accused = [], []
    for seed in range(12):
        made = study(600 + seed, people=20, votes=100, riggers=2, question=0.4, taste=0.2, side=0.2)
        report = raters(columns(made), seed=seed)
        found += [(row.unlike, row.leans, row.towards) == (True, "towards", "c2") for row in report.rows[:2]]
        accused += [row.unlike for row in report.rows[2:]]
    assert np.mean(found) >= 0.85
    assert np.mean(np.array(accused, dtype=float)) <= 0.03


def test_who_votes_at_random_or_the_other_way_round_or_for_a_side_is_unlike_the_others() -> None:
    made = study(7, people=20, votes=150)
    rater, a, b = made["rater"], made["a"], made["b"]
    made["score"] = np.where(rater == 0, np.random.default_rng(1).random(len(a)) < 0.5, made["score"])
    made["score"] = np.where(rater == 1, STRENGTHS[a] < STRENGTHS[b], made["score"])
    made["score"] = np.where(rater == 2, 1.0, made["score"])
    report = raters(columns(made))
    assert unlike(report) == ["r00", "r01", "r02"]
    assert (report.rows[0].likelihood or 0) < -2
    assert (report.rows[2].leans, report.rows[2].towards) == ("towards", "side A")
    assert report.rows[1].slope < 0.3


def test_the_order_of_the_votes_does_not_matter_and_the_seed_does() -> None:
    given = columns(study(8, question=0.3))
    order = np.random.default_rng(0).permutation(len(given["winner"]))
    shuffled = {name: np.asarray(column, dtype=object)[order] for name, column in given.items()}
    assert raters(given, rounds=200) == raters(shuffled, rounds=200)
    assert raters(given, rounds=200).rows != raters(given, rounds=200, seed=1).rows


def test_few_votes_and_nameless_ones_are_said_to_be_so() -> None:
    given = columns(study(9))
    given["rater"] = [None if name == "r00" else name for name in given["rater"]]
    given["rater"][100:191] = ["r02"] * 91
    report = raters(given, rounds=200)
    assert report.votes == 1100
    row = next(row for row in report.rows if row.rater == "r01")
    assert (row.votes, row.probability, row.unlike, row.towards) == (9, None, None, None)
    assert report.warnings == (
        "100 votes name no rater and are left out.",
        "1 of the 11 raters cast fewer than 10 votes: too few to be compared.",
    )
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict() | {
        "rows": [json.loads(json.dumps(row)) for row in report.to_dict()["rows"]]  # type: ignore[attr-defined]
    }


def test_ties_are_counted_and_all_ties_are_bearable() -> None:
    made = study(10, people=4)
    made["score"][:] = 0.5
    report = raters(columns(made), rounds=200)
    assert {row.tie_rate for row in report.rows} == {1.0}
    assert unlike(report) == []
    assert all(row.slope_low < row.slope < row.slope_high for row in report.rows)


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        ({"rater": ["x", "y"] * 600}, {}, "at least three"),
        ({"rater": [None] * 1200}, {}, "at least three"),
        ({}, {"rounds": 100}, "rounds must be 200"),
        ({}, {"level": 1.0}, "level"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        raters(columns(study(11)) | change, **options)
