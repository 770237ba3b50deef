"""What cannot be combined is refused, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from arena.errors import BadInput
from arena.ratings.prediction_powered.combined import combine
from tests.ratings.prediction_powered.worlds import Columns, only, world


def refused(human: Columns, judge: Columns, **settings: Any) -> str:
    with pytest.raises(BadInput) as refusal:
        combine(human, judge, **settings)
    return str(refusal.value)


def has(votes: Columns, *names: str) -> list[bool]:
    """Which votes are between these two, or of this one."""
    return [set(names) <= {a, b} for a, b in zip(votes["model_a"], votes["model_b"], strict=True)]


def test_a_contender_that_the_judge_did_not_see() -> None:
    human, judge = world()
    seen = only(judge, [not of for of in has(judge, "contender-3")])
    assert "no vote on contender-3" in refused(human, seen)


def test_a_pair_that_the_judge_did_not_see() -> None:
    human, judge = world()
    seen = only(judge, [not of for of in has(judge, "contender-3", "contender-1")])
    assert "the judge did not: contender-1 and contender-3" in refused(human, seen)


def test_votes_without_a_question() -> None:
    human, judge = world()
    nameless = {**judge, "question_id": ["", "", *judge["question_id"][2:]]}
    assert "2 of the judge's votes name no question" in refused(human, nameless)
    assert "180 of the human votes name no question" in refused(
        {name: column for name, column in human.items() if name != "question_id"}, judge
    )


def test_human_votes_that_set_no_bound() -> None:
    human, judge = world()
    winner = [
        {True: "model_a"}.get(a == "contender-2", {True: "model_b"}.get(b == "contender-2", winner))
        for a, b, winner in zip(human["model_a"], human["model_b"], human["winner"], strict=True)
    ]
    assert "human votes set no bound on how contender-2" in refused({**human, "winner": winner}, judge)


def test_too_few_questions_with_both() -> None:
    human, judge = world()
    labelled = sorted(set(human["question_id"]))
    assert "4 questions have both" in refused(
        human, only(judge, [q in labelled[:4] or q not in labelled for q in judge["question_id"]])
    )


def test_votes_that_are_none() -> None:
    human, judge = world()
    assert refused({**human, "winner": ["model_c", *human["winner"][1:]]}, judge).startswith(
        "human votes: row 1, winner"
    )
    bad = {**judge, "winner": ["both_bad"] * len(judge["winner"])}
    assert "every one of the judge's votes found both answers bad" in refused(human, bad, both_bad="drop")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"level": 1.0}, "level"), ({"rounds": 0}, "rounds"), ({"seed": -1}, "seed"), ({"both_bad": "x"}, "both_bad")],
)
def test_settings_that_are_none(settings: dict[str, Any], reason: str) -> None:
    assert reason in refused(*world(), **settings)


def test_probabilities_that_are_none() -> None:
    human, judge = world()
    labelled = sorted(set(human["question_id"]))
    other = min(set(judge["question_id"]) - set(labelled))
    even = dict.fromkeys(judge["question_id"], 0.25)
    assert f"question '{labelled[0]}' has human votes, and no probability" in refused(human, judge, probabilities={})
    for wrong in (0.0, 1.5, -0.1, np.nan):
        assert f"question '{labelled[2]}' has human votes" in refused(
            human, judge, probabilities={**even, labelled[2]: wrong}
        )
    assert f"question '{other}' could not be chosen" in refused(human, judge, probabilities={**even, other: 0.0})
    assert f"question '{other}' was chosen for certain" in refused(human, judge, probabilities={**even, other: 1.0})
    assert "pooled as equals are not weighted" in refused(human, judge, probabilities=even, pool_as_equals=True)


def test_a_contender_that_no_person_saw_is_left_out_and_named() -> None:
    human, judge = world()
    seen = only(human, [not of for of in has(human, "contender-0")])
    fewer = only(judge, [not of for of in has(judge, "contender-0")])
    found, plain = combine(seen, judge), combine(seen, fewer)
    assert [row.model for row in found.rows] == [row.model for row in plain.rows]
    assert found.rows == plain.rows
    assert found.warnings[0] == "The judge's votes on contender-0 are left out: they have no human vote."
