"""A simulated study as a whole: who meets whom before whom, determinism, and columns that `rate` takes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.simulation import (
    CANNOT_JUDGE,
    Assignment,
    Category,
    Judge,
    Questions,
    Raters,
    Riggers,
    Simulated,
    Truth,
    simulate,
    spread,
)

FULL = Truth(
    contenders=tuple(replace(each, length_sd=0.4) for each in spread(5)),
    questions=Questions(number=60, sd=0.5),
    categories=(Category("heart"), Category("lung", effects={"contender-1": 0.5})),
    raters=Raters(
        number=7, sd=0.3, slope_sd=0.3, tie_threshold=0.4, both_bad=0.3, abstention=0.1, abstention_slope=1.0
    ),
    judges=(Judge("one", bias_sd=0.5, position=0.3), Judge("two", repeats=2, question_sd=1.0)),
    assignment=Assignment(pairs=4, votes=2),
    riggers=Riggers(1, "contender-5"),
)
ARRAYS = ("category", "question", "a", "b", "source", "rater", "outcome", "length_a", "length_b", "time")


def digest(study: Simulated) -> str:
    hashed = hashlib.sha256()
    for name in ARRAYS:
        hashed.update(getattr(study, name).astype("<i8").tobytes())
    return hashed.hexdigest()[:16]


def test_the_same_seed_gives_the_same_study_and_another_seed_another() -> None:
    assert digest(simulate(FULL, 3)) == digest(simulate(FULL, (3,)))
    seeds: list[int | tuple[int, ...]] = [0, 1, 3, (0, 0), (0, 1), (3, 0)]
    assert len({digest(simulate(FULL, seed)) for seed in seeds}) == len(seeds)


def test_a_seed_means_this_study_on_every_machine() -> None:
    assert digest(simulate(FULL, 3)) == "1310c72c64b1f54a"


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(1, 9), st.integers(1, 12), st.data())
def test_pairs_of_a_question_and_raters_of_a_pairing_are_different(
    n: int, raters: int, q: int, data: st.DataObject
) -> None:
    pairs = data.draw(st.integers(1, n * (n - 1) // 2))
    votes = data.draw(st.integers(1, raters))
    truth = Truth(
        contenders=spread(n),
        questions=Questions(number=q),
        raters=Raters(number=raters),
        judges=(Judge("j"),),
        assignment=Assignment(pairs=pairs, votes=votes),
    )
    study = simulate(truth, q)
    assert len(study) == truth.human_votes + truth.judge_votes
    human = study.source == 0
    low, high = np.minimum(study.a, study.b)[human], np.maximum(study.a, study.b)[human]
    pairing = list(zip(study.question[human].tolist(), low.tolist(), high.tolist(), strict=True))
    assert len(set(pairing)) == q * pairs
    assert len(set(zip(pairing, study.rater[human].tolist(), strict=True))) == q * pairs * votes
    assert (study.a != study.b).all()
    judged = set(zip(study.question[~human], study.a[~human], study.b[~human], strict=True))
    assert len(judged) == 2 * q * pairs, "each pairing in both orders, once"
    assert (np.diff(study.time) >= 0).all()


def test_every_set_of_pairs_and_raters_is_as_likely() -> None:
    truth = Truth(questions=Questions(number=9000), raters=Raters(number=6), assignment=Assignment(pairs=5, votes=3))
    study = simulate(truth, 2)
    pairs = np.bincount(np.minimum(study.a, study.b) * 8 + np.maximum(study.a, study.b), minlength=64)
    met = pairs[pairs > 0]
    assert len(met) == 28
    assert met == pytest.approx(len(study) / 28, rel=0.1)
    assert np.bincount(study.rater) == pytest.approx(len(study) / 6, rel=0.05)


def test_studies_beyond_one_chunk_have_all_their_questions_and_begin_alike() -> None:
    large, small = (Truth(questions=Questions(number=number, sd=1.0)) for number in (9000, 4096))
    one, other = simulate(large, 1), simulate(small, 1)
    assert np.bincount(one.question).tolist() == [10] * 9000
    early = one.question < 4096
    assert sorted(zip(one.question[early], one.a[early], one.outcome[early], strict=True)) == sorted(
        zip(other.question, other.a, other.outcome, strict=True)
    )


def test_an_effect_more_leaves_the_other_draws_as_they_were() -> None:
    more = replace(FULL, judges=(*FULL.judges, Judge("three")), raters=replace(FULL.raters, side=0.5))
    before, after = simulate(FULL, 3), simulate(more, 3)
    old = after.source < 3
    for name in ("question", "a", "b", "rater", "time", "length_a"):
        assert (getattr(after, name)[old] == getattr(before, name)).all()
    judged = before.source > 0
    assert (after.outcome[old][judged] == before.outcome[judged]).all()


def test_columns_are_what_rate_takes_and_hold_no_abstention() -> None:
    study = simulate(FULL, 3)
    columns = study.columns()
    human = study.source == 0
    assert len(columns["winner"]) == (human & (study.outcome != CANNOT_JUDGE)).sum() < human.sum()
    assert set(columns["winner"]) == {"model_a", "model_b", "tie", "both_bad"}
    board = rate(columns, interval="sandwich")
    assert {row.model for row in board.rows} == set(FULL.names)
    assert set(columns["category"]) == {"heart", "lung"}
    judged = rate(study.columns("judge:two"), interval="sandwich")
    assert sum(row.votes for row in judged.rows) == 2 * 60 * 4 * 2 * 2
    with pytest.raises(BadInput, match="no votes from 'judge:nobody' in this truth; there are human, judge:one"):
        study.columns("judge:nobody")


def test_biases_are_drawn_with_the_study_and_stated_in_its_truth() -> None:
    study = simulate(FULL, 3)
    one, two = study.truth.judges
    assert set(one.bias) == set(FULL.names)
    assert (one.bias_sd, two) == (0.0, FULL.judges[1])
    assert digest(simulate(study.truth, 3)) == digest(study)


def test_progress_is_told_by_questions() -> None:
    told: list[tuple[int, int]] = []
    simulate(Truth(questions=Questions(number=5000)), 0, progress=lambda done, total: told.append((done, total)))
    assert told == [(4096, 5000), (5000, 5000)]


@pytest.mark.parametrize("seed", [-1, (1, -2), (), (1.5,)])
def test_a_seed_is_made_of_whole_numbers(seed: Any) -> None:
    with pytest.raises(BadInput, match="the seed must be one or several whole numbers from 0"):
        simulate(FULL, seed)
