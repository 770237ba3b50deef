"""What a question contributes to a fit: the engine's own sandwich, leaving it out, and one Newton step."""

from __future__ import annotations

import numpy as np
import pytest

from arena.ratings import encode, rate
from arena.ratings.board import SCALE
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.models.model import MODELS
from arena.ratings.prediction_powered.influence import fitted, one_step
from tests.ratings.prediction_powered.worlds import only, world


def test_the_fit_is_that_of_the_board() -> None:
    votes = encode(world()[0])
    rows = {row.model: row.rating for row in rate(votes, interval="sandwich").rows}
    ratings = [1000 + SCALE * value for value in fitted(votes).theta]
    assert ratings == pytest.approx([rows[name] for name in votes.contenders], abs=1e-3)


def test_contributions_add_up_to_nothing_and_square_to_the_sandwich_of_questions() -> None:
    votes = encode(world()[0])
    assert votes.question is not None
    by_question = fitted(votes).by_question
    assert np.abs(by_question.sum(axis=0)).max() < 1e-9
    n = len(votes.questions)
    engine = Sandwich.of(Ballots.of(votes), np.arange(len(votes.contenders)), MODELS["bradley-terry"])
    expected = engine.by_group(votes.question.astype(np.int64), n)
    assert by_question.T @ by_question * n / (n - 1) == pytest.approx(expected, abs=1e-9)


def test_a_contribution_is_what_leaving_the_question_out_takes_away() -> None:
    """With 120 questions of 15 votes, the linear part is nearly all (jackknife; Efron 1979)."""
    votes = world()[1]
    whole = fitted(encode(votes))
    names = sorted(set(votes["question_id"]))
    for at in (0, 57, 119):
        without = fitted(encode(only(votes, [name != names[at] for name in votes["question_id"]])))
        gone = whole.theta - without.theta
        assert np.abs(gone - whole.by_question[at]).max() < 0.15 * np.abs(gone).max()


def test_one_step_from_close_by_arrives_at_the_maximum() -> None:
    votes = encode(world()[1])
    best = fitted(votes)
    near = best.theta + 0.02 * np.array([1, -1, 0, 1, -1, 0])
    assert np.abs(one_step(votes, near).theta - best.theta).max() < 0.02**2
    assert np.abs(one_step(votes, near).by_question.sum(axis=0)).max() < 1e-9


def test_one_step_exists_where_the_maximum_does_not() -> None:
    votes = world()[1]
    undefeated = encode(
        {
            **votes,
            "winner": [
                "model_a" if a == "contender-0" else "model_b" if b == "contender-0" else winner
                for a, b, winner in zip(votes["model_a"], votes["model_b"], votes["winner"], strict=True)
            ],
        }
    )
    found = one_step(undefeated, np.zeros(6))
    assert np.isfinite(found.theta).all()
    assert found.theta.argmax() == 0
