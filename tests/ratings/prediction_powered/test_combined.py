"""Human votes with a judge's: the formula, intervals that hold, what a bias does, and what stays as it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.prediction_powered.combined import combine
from arena.ratings.prediction_powered.result import Combined
from benchmarks.combined import Seen, examine, summarise
from benchmarks.judged import Cell, simulate
from tests.ratings.prediction_powered.worlds import BASE, Columns, columns, only, world

STUDY = Cell("test", share=0.2, bias=1.0, slope=1.0, sd=2.0, questions=300)


def ratings(found: Combined, field: str = "rating") -> dict[str, float]:
    return {row.model: getattr(row, field) for row in found.rows}


def board(votes: Columns) -> dict[str, float]:
    rows = rate(votes, interval="sandwich", cluster="question").rows
    return {row.model: row.rating for row in rows if row.rating is not None}


def on_labelled(human: Columns, judge: Columns) -> Columns:
    labelled = set(human["question_id"])
    return only(judge, [question in labelled for question in judge["question_id"]])


def test_the_rating_is_the_human_one_and_a_share_of_the_judges_correction() -> None:
    """Each part from a leaderboard of its own. The judge's on the labelled questions is one Newton step from all, which
    differs by the square of how far the two lie apart, here of some 10 points."""
    human, judge = world(0, STUDY._replace(share=0.5, sd=1.0))
    found = combine(human, judge)
    assert found.judge_weight is not None
    assert 0.3 < found.judge_weight < 1
    people, everywhere, labelled = board(human), board(judge), board(on_labelled(human, judge))
    corrections = {name: everywhere[name] - labelled[name] for name in people}
    assert max(map(abs, corrections.values())) > 8
    for name, rating in ratings(found).items():
        assert rating == pytest.approx(people[name] + found.judge_weight * corrections[name], abs=0.5)
    assert ratings(found, "human_rating") == pytest.approx(people)
    assert ratings(found, "judge_rating") == pytest.approx(everywhere)


@pytest.mark.parametrize("cell", [BASE, BASE._replace(raters=12, rater_sd=0.5)])
def test_a_judge_with_nothing_to_add_leaves_the_human_board_to_the_digit(cell: Cell) -> None:
    """By question, and by question and rater."""
    human, judge = world(1, cell)
    found = combine(human, on_labelled(human, judge), seed=3)
    expected = rate(human, interval="sandwich", seed=3)
    assert found.judge_weight == 0
    assert found.gain == 1
    assert found.interval == expected.interval
    assert "nothing that it could add" in found.warnings[0]
    for row, plain in zip(found.rows, expected.rows, strict=True):
        assert (row.model, row.rating, row.low, row.high) == (plain.model, plain.rating, plain.low, plain.high)
        assert (row.human_low, row.human_high, row.rank_low, row.rank_high) == (
            *(plain.low, plain.high),
            *(plain.rank_low, plain.rank_high),
        )


def simulated(cell: Cell, studies: int) -> list[Seen]:
    """Studies that the benchmark does not use."""
    return [examine((cell, 100_000 + number)) for number in range(studies)]


def test_intervals_hold_and_are_shorter_whatever_the_judges_bias() -> None:
    for bias in (0.3, 1.0):
        cell = Cell("grid", 0.2, bias, 1.0, 2.0)
        line = summarise(simulated(cell, 35))[cell]
        assert 0.90 < line.covered < 0.99
        assert line.width < 0.8


def test_a_judge_that_sees_nothing_does_not_widen_them() -> None:
    cell = Cell("grid", 0.05, 0.3, 1.0, 0.0)
    line = summarise(simulated(cell, 30))[cell]
    assert 0.98 < line.width < 1.02
    assert 0.90 < line.covered < 0.99


def test_pooled_as_equals_the_same_judge_misleads() -> None:
    """The control: what the estimator guards against is there."""
    cell = Cell("pooled as equals", 0.2, 1.0, 1.0, 1.0, pooled=True)
    line = summarise(simulated(cell, 20))[cell]
    assert line.covered < 0.5
    assert line.width < 0.7, "and it looks precise"


def test_pooling_has_to_be_asked_for_and_is_said_loudly() -> None:
    human, judge = world()
    found, plain = combine(human, judge, pool_as_equals=True), combine(human, judge)
    together = {name: [*column, *judge.get(name, ["j"] * len(judge["winner"]))] for name, column in human.items()}
    assert ratings(found) == pytest.approx(ratings_of(together), abs=1e-3)
    assert found.method == "pooled-as-equals"
    assert found.warnings[0].startswith("POOLED AS EQUALS")
    assert (found.judge_weight, found.gain, found.effective_votes) == (None, None, None)
    assert plain.method == "prediction-powered"
    assert not any("POOLED" in warning for warning in plain.warnings)


def ratings_of(votes: Columns) -> dict[str, float]:
    return {row.model: row.rating for row in rate(votes, interval="sandwich").rows if row.rating is not None}


def test_the_intervals_are_those_of_resampling_questions() -> None:
    """Everything done anew in each of 100 resamples of the questions, labelled and others by themselves."""
    cell = STUDY._replace(bias=0.3, sd=1.0)
    votes, judged, _ = simulate(cell, (11,))
    found = combine(votes, judged)
    human, judge = columns(votes), columns(judged)
    labelled = sorted(set(human["question_id"]))
    others = sorted(set(judge["question_id"]) - set(labelled))
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(100):
        drawn = [*rng.choice(labelled, len(labelled)), *rng.choice(others, len(others))]
        even = dict.fromkeys([f"{at:04}" for at in range(len(drawn))], cell.share)
        again = combine(resampled(human, drawn), resampled(judge, drawn), probabilities=even, rounds=1)
        names = sorted(ratings(again))
        votes_of = np.array([ratings(again, "human_votes")[name] for name in names])
        values = np.array([ratings(again)[name] for name in names])
        seen.append(values - values @ votes_of / votes_of.sum())
    resampling = np.std(seen, axis=0, ddof=1)
    half = np.array([ratings(found, "high")[name] - ratings(found)[name] for name in sorted(ratings(found))])
    assert np.mean(half / 2.0) == pytest.approx(np.mean(resampling), rel=0.15)  # t(59; 97.5%) is 2.0


def resampled(votes: Columns, drawn: list[str]) -> Columns:
    """The votes on the drawn questions; one drawn again is another question."""
    rows: dict[str, list[int]] = {}
    for row, question in enumerate(votes["question_id"]):
        rows.setdefault(question, []).append(row)
    picked = [(row, at) for at, question in enumerate(drawn) for row in rows.get(question, [])]
    found = {name: [column[row] for row, _ in picked] for name, column in votes.items()}
    return {**found, "question_id": [f"{at:04}" for _, at in picked]}


def test_order_sides_and_names_of_questions_do_not_matter() -> None:
    human, judge = world(2)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(judge["winner"]))
    turned = {
        "model_a": [judge["model_b"][row] for row in order],
        "model_b": [judge["model_a"][row] for row in order],
        "winner": [{"model_a": "model_b", "model_b": "model_a"}[judge["winner"][row]] for row in order],
        "question_id": [judge["question_id"][row] for row in order],
    }
    renamed = [
        {**votes, "question_id": [f"z{name[::-1]}" for name in votes["question_id"]]} for votes in (human, turned)
    ]
    one, other = combine(human, judge), combine(*renamed)
    for field in ("rating", "low", "high", "effective_votes"):
        assert ratings(other, field) == pytest.approx(ratings(one, field), abs=1e-3)


def test_counts_are_as_good_as_votes_and_a_judges_missing_questions_are_told() -> None:
    human, judge = world(6)
    judge = only(judge, [question != human["question_id"][0] for question in judge["question_id"]])
    found, of_counts = combine(human, judge), combine(human, counts(judge))
    told = "1 human-labelled question has no vote of the judge; the human votes there count as they are."
    assert found.warnings[0] == told
    for field in ("rating", "low", "high", "judge_votes"):
        assert ratings(of_counts, field) == pytest.approx(ratings(found, field), abs=1e-3)


def counts(votes: Columns) -> dict[str, list[object]]:
    """The votes counted by pair and question."""
    won: dict[tuple[str, str, str], list[int]] = {}
    for a, b, winner, question in zip(*votes.values(), strict=True):
        won.setdefault((a, b, question), [0, 0])[winner == "model_b"] += 1
    return {
        "model_a": [key[0] for key in won],
        "model_b": [key[1] for key in won],
        "question_id": [key[2] for key in won],
        "wins_a": [each[0] for each in won.values()],
        "wins_b": [each[1] for each in won.values()],
        "ties": [0 for _ in won],
    }


def test_the_same_votes_and_seed_give_the_same_result() -> None:
    human, judge = world(3)
    assert combine(human, judge, seed=4).to_dict() == combine(human, judge, seed=4).to_dict()
    assert ratings(combine(human, judge, seed=5)) == ratings(combine(human, judge, seed=4)), "ratings need no seed"


def test_equal_probabilities_change_nothing_and_unequal_ones_weigh() -> None:
    human, judge = world(4)
    plain = combine(human, judge)
    even = combine(human, judge, probabilities=dict.fromkeys(judge["question_id"], 0.25))
    assert ratings(even) == pytest.approx(ratings(plain), abs=1e-3)
    assert ratings(even, "low") == pytest.approx(ratings(plain, "low"), abs=1e-3)
    assert even.choice == {"taken_as": "given probabilities", "p_value": None, "refused_below": 0.001}
    # A question chosen with half the chance of the others counts as if it had been voted on twice.
    rare = human["question_id"][0]
    chances = {question: 0.2 if question == rare else 0.4 for question in judge["question_id"]}
    weighed = combine(human, judge, probabilities=chances)
    twice = {**human, "weight": [2.0 if question == rare else 1.0 for question in human["question_id"]]}
    expected = {row.model: row.rating for row in rate(twice, interval="sandwich").rows}
    assert ratings(weighed, "human_rating") == pytest.approx(expected, abs=1e-3)
    assert ratings(weighed, "human_rating") != pytest.approx(ratings(plain, "human_rating"), abs=1e-3)


def test_a_choice_by_answers_is_refused_without_its_probabilities_and_used_with_them() -> None:
    cell = Cell("test", 0.2, 0.3, 1.0, 2.0, by_answers=4.0)
    human, judge, chances = simulate(cell, (2,))
    with pytest.raises(BadInput, match="no random sample"):
        combine(human, judge)
    assert combine(human, judge, probabilities=chances).settings["weighted"]


def test_a_choice_by_category_is_refused() -> None:
    human, judge = world(5)
    labelled = set(human["question_id"])
    by_category: dict[str, str | None] = {name: str(name in labelled) for name in judge["question_id"]}
    assert combine(human, judge).judge_weight
    with pytest.raises(BadInput, match="or the categories differ"):
        combine(human, judge, categories=by_category)


def test_a_bias_of_the_judge_cancels() -> None:
    """The same studies with a fair judge and with one that favours every other contender by two logits."""
    means = {}
    for bias in (0.0, 2.0):
        found = [combine(*simulate(STUDY._replace(bias=bias), (9, seed))[:2]) for seed in range(12)]
        for field in ("rating", "judge_rating"):
            means[field, bias] = float(np.mean([ratings(one, field)["contender-0"] for one in found]))
    assert means["judge_rating", 2.0] - means["judge_rating", 0.0] > 60
    assert abs(means["rating", 2.0] - means["rating", 0.0]) < 10


def test_the_result_is_ready_for_json() -> None:
    found = combine(*world(), study="s", judge_name="judge:j", categories={"q0000": "heart"})
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(content) == [
        *("study", "method", "judge", "scale", "anchor", "interval", "judge_weight", "correlation", "gain"),
        *("human_votes", "effective_votes", "judge_votes", "labelled_questions", "questions", "choice"),
        *("rows", "warnings", "settings"),
    ]
    assert (content["study"], content["judge"]) == ("s", "judge:j")
    assert (content["human_votes"], content["judge_votes"]) == (180, 1800)
    assert (content["labelled_questions"], content["questions"]) == (30, 120)
    assert sum(row["rating"] for row in content["rows"]) == pytest.approx(6000, abs=1e-3)
    for row in content["rows"]:
        assert row["low"] < row["rating"] < row["high"]
        worth = ((row["human_high"] - row["human_low"]) / (row["high"] - row["low"])) ** 2
        assert row["effective_votes"] == pytest.approx(worth * row["human_votes"], abs=0.06)


def test_progress_is_told_to_its_end() -> None:
    told: list[tuple[int, int]] = []
    combine(*world(), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
