"""The benchmark's simulated studies: their truth is what an endless study arrives at, and their votes add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import choix
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.designs import DESIGNS, Columns, Design, design, expected_points, simulate, truth

NAMES = [made.name for made in DESIGNS]
VOTED = [made.name for made in DESIGNS if not made.newcomer]


def fitted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Another library's Bradley-Terry fit, logits of mean 0."""
    strengths: NDArray[np.float64] = np.array(choix.ilsr_pairwise_dense(points, alpha=0.0), dtype=np.float64)
    strengths -= strengths.mean()
    return strengths


@pytest.mark.parametrize("name", VOTED)
def test_a_study_of_a_million_votes_arrives_at_the_truth(name: str) -> None:
    # One vote a question: its effects may then be drawn as the question's, whichever of them are the rater's.
    large = replace(design(name), questions=1_000_000, pairs=1, votes=1, raters=1, rater_sd=0.0)
    spread = float(np.hypot(design(name).question_sd, design(name).rater_sd))
    study = simulate(replace(large, question_sd=spread), (7, 1))
    assert fitted(study.wins + 0.5 * study.ties) == pytest.approx(truth(design(name)), abs=0.025)


def test_the_truth_is_not_the_strengths_where_questions_differ() -> None:
    # The control of the test above: its tolerance tells the two apart.
    made = design("question 1")
    strengths = np.array(made.strengths)
    assert np.abs(truth(made) - (strengths - strengths.mean())).max() > 0.2


def test_the_truth_is_the_strengths_where_nothing_varies() -> None:
    made = design("independent")
    strengths = np.array(made.strengths)
    assert truth(made) == pytest.approx(strengths - strengths.mean(), abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_expected_points_are_the_mean_over_drawn_effects(name: str) -> None:
    made = design(name)
    rng, draws = np.random.default_rng(5), 400_000
    gap = made.strengths[0] - made.strengths[-1]
    effects = [
        rng.normal(0, sd, draws) * sign for sd in (made.question_sd, made.rater_sd) for sign in (1, -1)
    ]  # of either contender, on the question and before the rater
    points = (1 - made.ties) / (1 + np.exp(-(gap + sum(effects)))) + made.ties / 2
    error = points.std() / np.sqrt(draws)
    assert expected_points(made)[0, -1] == pytest.approx(points.mean(), abs=4.5 * error + 1e-12)
    assert expected_points(made) + expected_points(made).T == pytest.approx(1.0)


def test_the_newcomer_moves_nobody_else_s_truth() -> None:
    made = design("newcomer")
    others = replace(made, strengths=made.strengths[:-1], newcomer=0, pairs=10)
    expected = truth(others)
    assert truth(made)[:-1] - truth(made)[:-1].mean() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_of_a_study_are_those_of_its_rows(name: str) -> None:
    made = small(design(name))
    study = simulate(made, (3, 4))
    assert study.wins.sum() + study.ties.sum() // 2 == made.total
    wins, ties = counted(study.columns)
    places = [(i, j) for i in range(len(made.strengths)) for j in range(len(made.strengths))]
    assert {p: study.wins[p] for p in places if study.wins[p]} == {
        tuple(made.contenders.index(c) for c in pair): count for pair, count in wins.items() if count
    }
    assert study.ties.tolist() == study.ties.T.tolist()
    assert study.ties.sum() // 2 == sum(ties.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_study(name: str) -> None:
    made = small(design(name))
    assert simulate(made, (3, 4)).columns == simulate(made, (3, 4)).columns
    assert simulate(made, (3, 4)).columns != simulate(made, (3, 5)).columns


def test_three_judges_see_the_same_pairs() -> None:
    columns = simulate(design("three judges"), (1, 1)).columns
    rows = list(zip(*(columns[name] for name in ("question_id", "model_a", "model_b", "rater")), strict=True))
    for start in range(0, len(rows), 3):
        assert len({row[:3] for row in rows[start : start + 3]}) == 1
        assert {row[3] for row in rows[start : start + 3]} == {"r0", "r1", "r2"}


def small(made: Design) -> Design:
    return replace(made, questions=min(made.questions, 20), votes=min(made.votes, 5))


def counted(columns: Columns) -> tuple[Counter[tuple[object, object]], Counter[object]]:
    """Wins by (winner, loser) and ties by set of two, row by row."""
    wins: Counter[tuple[object, object]] = Counter()
    ties: Counter[object] = Counter()
    for row in zip(*columns.values(), strict=True):
        vote = dict(zip(columns, row, strict=True))
        pair = (vote["model_a"], vote["model_b"])
        label = vote.get("winner")
        wins[pair] += int(vote.get("wins_a", label == "model_a"))
        wins[pair[::-1]] += int(vote.get("wins_b", label == "model_b"))
        ties[frozenset(pair)] += int(vote.get("ties", label == "tie"))
    return wins, ties
