"""The benchmark of combining simulates and counts as it says, and names the bars that are missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arena.ratings import Votes, rate
from benchmarks.combined import POINTS, Line, Seen, report, summarise
from benchmarks.judged import CONTENDERS, GRID, MORE, STRENGTHS, Cell, simulate

CELL = GRID[0]
POOLED = next(cell for cell in MORE if cell.pooled)
LINE = Line(CELL, 400, 0.0, 0.95, 0.95, 1.0, 0.1)


def board(votes: object) -> dict[str, float]:
    return {row.model: row.rating for row in rate(votes, interval="sandwich").rows if row.rating is not None}


def test_people_and_judge_prefer_as_the_model_says() -> None:
    """Without effects of questions, both are plain Bradley-Terry: θ for people, slope · θ + bias for the judge."""
    human, judge, _ = simulate(Cell("test", 0.5, 1.0, 1.5, 0.0, questions=4000), (1,))
    for votes, logits in (
        (human, np.array(STRENGTHS)),
        (judge, 1.5 * np.array(STRENGTHS) + np.array([0.5, -0.5] * 3)),
    ):
        expected = dict(zip(CONTENDERS, 1000 + POINTS * (logits - logits.mean()), strict=True))
        assert board(votes) == pytest.approx(expected, abs=12)


def test_people_vote_on_so_many_questions_and_pairings() -> None:
    human, judge, chances = simulate(Cell("test", 0.2, 0.0, 1.0, 1.0, pairs=4), (2,))
    assert human.question is not None
    assert np.bincount(human.question).tolist() == [4] * 100
    assert len(judge.a) == 500 * 15
    assert set(chances.values()) == {0.2}
    assert list(human.questions) == sorted(human.questions)


def test_a_judge_that_votes_alike_votes_on_the_pairings_of_people() -> None:
    human, judge, _ = simulate(Cell("test", 0.2, 0.0, 1.0, 1.0, pairs=4, alike=True), (2,))
    assert len(judge.a) == 500 * 4
    assert shown(human) <= shown(judge)


def shown(votes: Votes) -> set[tuple[str, int, int]]:
    """The pairings that were voted on."""
    assert votes.question is not None
    return {(votes.questions[q], a, b) for q, a, b in zip(votes.question.tolist(), votes.a, votes.b, strict=True)}


def test_questions_chosen_by_answers_are_chosen_with_the_probabilities_told() -> None:
    human, _, chances = simulate(Cell("test", 0.2, 0.0, 1.0, 1.0, by_answers=2.0, questions=5000), (3,))
    assert sum(chances.values()) == pytest.approx(1000, rel=0.05)
    likely = [name for name, chance in chances.items() if chance > 0.2]
    expected = sum(chances[name] for name in likely)
    assert len(set(likely) & set(human.questions)) == pytest.approx(expected, rel=0.1)
    assert expected > 700


def test_a_refused_study_is_counted_and_nothing_else() -> None:
    seen = [Seen(CELL, refused=True), Seen(CELL, False, 1.0, 0.5, 90.0, 100.0, 0.4)]
    assert summarise(seen)[CELL] == Line(CELL, 2, 0.5, 1.0, 0.5, 0.9, 0.4)


@pytest.mark.parametrize(
    ("line", "missed"),
    [
        (LINE, None),
        (replace(LINE, covered=0.929), "92.9% covered"),
        (replace(LINE, covered=0.971), "97.1% covered"),
        (replace(LINE, width=1.021), "2.1% wider"),
        (replace(LINE, cell=Cell("grid", 0.2, 0.3, 1.0, 2.0), width=0.76), "24.0% narrower"),
        (replace(LINE, cell=Cell("grid", 0.2, 0.3, 1.0, 2.0), width=0.75), None),
        (replace(LINE, cell=POOLED, covered=0.3), None),  # the control
    ],
)
def test_a_missed_bar_is_named(line: Line, missed: str | None) -> None:
    found = line.missed()
    assert len(found) == (missed is not None)
    assert missed is None or missed in found[0]
    assert (missed or "All bars are met.") in report({line.cell: line}, "make it")
