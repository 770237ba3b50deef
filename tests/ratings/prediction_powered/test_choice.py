"""Whether the human-labelled questions differ from the others: a test that holds its level and sees what is plain."""

from __future__ import annotations

import numpy as np
import pytest

from arena.errors import BadInput
from arena.ratings import encode
from arena.ratings.prediction_powered.choice import examine
from arena.ratings.prediction_powered.influence import fitted, scores
from arena.ratings.prediction_powered.sources import joined
from benchmarks.judged import Cell, simulate
from tests.ratings.prediction_powered.worlds import Columns, only, world

LARGE = Cell("test", share=0.25, bias=0.3, slope=1.0, sd=1.5, questions=200)


def p_value(human: Columns, judge: Columns, categories: dict[str, str | None] | None = None) -> float:
    sources = joined(encode(human), encode(judge), None)
    found = examine(sources, fitted(sources.judge).theta, categories or {})
    assert found is not None
    return found.p_value


def test_p_values_of_random_choices_are_as_often_small_as_they_say() -> None:
    found = []
    for seed in range(150):
        human, judge, _ = simulate(LARGE, (3, seed))
        sources = joined(human, judge, None)
        tested = examine(sources, fitted(judge).theta, {})
        assert tested is not None
        found.append(tested.p_value)
    assert np.mean(np.array(found) < 0.2) == pytest.approx(0.2, abs=0.1)
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)
    assert min(found) > 1e-4


def test_the_p_value_is_that_of_permutations() -> None:
    """The same statistic, its law found by labelling other questions."""
    human, judge = world(4)
    sources = joined(encode(human), encode(judge), None)
    theta = fitted(sources.judge).theta
    values, labelled = scores(sources.judge, theta)[:, :-1], sources.labelled[sources.judge_at]
    rng = np.random.default_rng(0)

    def statistic(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
        gap = values[chosen].mean(axis=0) - values[~chosen].mean(axis=0)
        spread = sum((part.sum() - 1) * np.cov(values[part].T) for part in (chosen, ~chosen))
        return float(gap @ np.linalg.solve(spread, gap))

    seen = statistic(labelled)
    share = np.mean([statistic(rng.permutation(labelled)) >= seen for _ in range(2000)])
    assert p_value(human, judge) == pytest.approx(share, abs=0.04)


def test_questions_chosen_for_what_the_judge_prefers_are_refused() -> None:
    _, judge = world(0, LARGE)
    wins: dict[str, int] = {}
    for a, winner, question in zip(judge["model_a"], judge["winner"], judge["question_id"], strict=True):
        wins[question] = wins.get(question, 0) + (a == "contender-0" and winner == "model_a")
    chosen = set(sorted(wins, key=lambda question: -wins[question])[:50])
    picked = only(judge, [question in chosen for question in judge["question_id"]])
    picked["winner"] = [("model_a", "model_b")[row % 2] for row in range(len(picked["winner"]))]
    sources = joined(encode(picked), encode(judge), None)
    found = examine(sources, fitted(sources.judge).theta, {})
    assert found is not None
    with pytest.raises(BadInput, match="no random sample"):
        found.require_random()


def test_questions_chosen_by_category_are_seen_only_where_categories_are_given() -> None:
    human, judge = world(0, LARGE)
    labelled = set(human["question_id"])
    heart = {question: "heart" if question in labelled else "lung" for question in judge["question_id"]}
    assert p_value(human, judge) > 0.001
    assert p_value(human, judge, dict(heart)) < 1e-6
    random: dict[str, str | None] = {question: str(int(question[1:]) % 2) for question in judge["question_id"]}
    assert p_value(human, judge, random) > 0.001


def test_a_category_of_one_question_refutes_nothing() -> None:
    """By chance, one in four such questions is labelled; a normal law would take that for a rare event."""
    human, judge = world(0, LARGE)
    first = human["question_id"][0]
    rare: dict[str, str | None] = {q: "rare" if q == first else "heart" for q in judge["question_id"]}
    assert p_value(human, judge, rare) == p_value(human, judge)


def test_where_all_questions_are_labelled_there_is_nothing_to_test() -> None:
    human, judge = world(0)
    labelled = set(human["question_id"])
    sources = joined(encode(human), encode(only(judge, [q in labelled for q in judge["question_id"]])), None)
    assert examine(sources, fitted(sources.judge).theta, {}) is None
