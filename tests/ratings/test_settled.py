"""When it is settled: the bets against exact enumeration, and what looking after every question does."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings.settled import log_capital, lower_bound, settle

SCORES = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=40).map(np.array)
WORDS = {1: "model_a", 0: "tie", -1: "model_b"}


def duel(scores: list[int], a: str = "x", b: str = "y") -> dict[str, list[str]]:
    """One vote on each question."""
    return {
        "model_a": [a] * len(scores),
        "model_b": [b] * len(scores),
        "winner": [WORDS[score] for score in scores],
        "question_id": [f"q{number:04d}" for number in range(len(scores))],
        "rater": [f"r{number}" for number in range(len(scores))],
    }


@pytest.mark.parametrize("mean", [-0.4, 0.0, 0.5])
def test_the_capital_is_a_fair_game_and_seldom_large_in_every_course_of_twelve_questions(mean: float) -> None:
    """All 4,096 courses, each with its chance: the capital's expectation is 1, and Ville's bound holds exactly."""
    win = (1.0 + mean) / 2.0
    expected, reached = 0.0, 0.0
    for course in product((1.0, -1.0), repeat=12):
        chance = math.prod(win if score > 0 else 1.0 - win for score in course)
        capital = np.exp(log_capital(np.array(course), mean))
        expected += chance * capital[-1]
        reached += chance * (capital.max() >= 3.0)
    assert expected == pytest.approx(1.0)
    assert 0.0 < reached <= 1.0 / 3.0


@given(SCORES, st.floats(-0.99, 0.99), st.floats(-0.99, 0.99))
@settings(max_examples=60, deadline=None)
def test_the_capital_falls_as_the_mean_that_it_bets_against_rises(scores: np.ndarray, one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    assert (log_capital(scores, low) >= log_capital(scores, high) - 1e-9).all()


@given(SCORES, st.floats(1.0, 9.0))
@settings(max_examples=60, deadline=None)
def test_the_bound_is_where_the_capital_was_reached(scores: np.ndarray, bound: float) -> None:
    low = lower_bound(scores, bound)
    assert -1.0 <= low <= scores.max()
    if low > -1.0 + 1e-6:
        assert log_capital(scores, low - 1e-6).max() >= bound
        assert log_capital(scores, low + 1e-6).max() < bound


@given(st.lists(st.sampled_from([1, 0, -1]), min_size=1, max_size=120))
@settings(max_examples=40, deadline=None)
def test_names_and_sides_do_not_matter(scores: list[int]) -> None:
    one = settle(duel(scores)).pairs[0]
    turned = settle(duel([-score for score in scores], "y", "x")).pairs[0]
    assert turned == one
    renamed = settle(duel(scores, "y", "x")).pairs[0]
    assert (renamed.low, renamed.high, renamed.settled_at) == pytest.approx((-one.high, -one.low, one.settled_at))


def test_a_pair_is_settled_at_the_question_at_which_a_look_would_first_have_said_so() -> None:
    scores = [1, 1, 1, -1, 1, 0] * 20
    whole = settle(duel(scores)).pairs[0]
    assert whole.settled_at is not None
    assert whole.better == "x"
    assert whole.settled_question == f"q{whole.settled_at - 1:04d}"
    assert settle(duel(scores[: whole.settled_at])).pairs[0].settled_at == whole.settled_at
    assert settle(duel(scores[: whole.settled_at - 1])).pairs[0].settled_at is None
    assert whole.low > 0.0


def test_what_was_settled_stays_settled() -> None:
    scores = [1] * 30 + [-1] * 60
    pair = settle(duel(scores)).pairs[0]
    assert pair.settled_at is not None
    assert pair.settled_at < 30
    assert pair.better == "x"


def test_a_question_counts_once_with_the_mean_of_its_votes() -> None:
    votes = {
        "model_a": ["x", "y", "x", "x"],
        "model_b": ["y", "x", "y", "y"],
        "winner": ["model_a", "model_a", "tie", "model_a"],
        "question_id": ["q1", "q1", "q2", "q1"],
        "rater": ["a", "b", "a", "c"],
    }
    pair = settle(votes).pairs[0]
    assert (pair.questions, pair.votes) == (2, 4)
    assert pair.mean == pytest.approx(((1 - 1 + 1) / 3 + 0) / 2)


def test_forty_votes_on_one_question_settle_nothing() -> None:
    votes = duel([1] * 40)
    assert settle(votes).open_pairs == 0
    assert settle(votes | {"question_id": ["q"] * 40}).open_pairs == 1


def test_more_pairs_need_more_questions() -> None:
    scores = [1, 1, 1, -1] * 40
    alone = settle(duel(scores))
    parts = [duel(scores), duel([0], "x", "z"), duel([0], "z", "y")]
    votes = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    many = settle(votes)
    first = next(pair for pair in many.pairs if (pair.a, pair.b) == ("x", "y"))
    assert alone.pairs[0].settled_at is not None
    assert first.settled_at is not None
    assert first.settled_at > alone.pairs[0].settled_at
    chosen = settle(votes, contenders=["x", "y"])
    assert [pair.settled_at for pair in chosen.pairs] == [alone.pairs[0].settled_at]


def test_what_is_missing_is_about_what_it_then_takes() -> None:
    scores = [1, 1, -1, 1, 0] * 40
    whole = settle(duel(scores)).pairs[0]
    assert whole.settled_at is not None
    half = settle(duel(scores[: whole.settled_at // 2])).pairs[0]
    assert half.more is not None
    assert half.more == pytest.approx(whole.settled_at - whole.settled_at // 2, rel=0.5)
    even = settle(duel([1, -1] * 30)).pairs[0]
    assert even.more is None


def looked_at(rng: np.random.Generator, gap: float, questions: int) -> np.ndarray:
    """Scores of two contenders `gap` logits apart, who differ from question to question by an sd of 1."""
    lead = gap + math.sqrt(2.0) * rng.normal(size=questions)
    return np.where(rng.random(questions) < 1.0 / (1.0 + np.exp(-lead)), 1.0, -1.0)


def test_looking_after_every_question_seldom_finds_what_is_not_there() -> None:
    rng, bound = np.random.default_rng(5), math.log(2.0 / 0.05)
    false, naive = 0, 0
    for _ in range(400):
        scores = looked_at(rng, 0.0, 300)
        false += max(log_capital(scores, 0.0).max(), log_capital(-scores, 0.0).max()) >= bound
        seen = np.arange(1, 301)
        naive += (np.abs(np.cumsum(scores)) / np.sqrt(seen))[20:].max() > 1.96
    assert false / 400 <= 0.05
    assert naive / 400 > 0.2  # the control: the fixed-size test, looked at as often


def test_a_gap_of_100_points_is_found_within_twice_the_fixed_test_s_questions() -> None:
    rng, bound, needed = np.random.default_rng(6), math.log(2.0 / 0.05), []
    for _ in range(200):
        win = 1.0 / (1.0 + 10 ** (-100 / 400))
        capital = log_capital(np.where(rng.random(2000) < win, 1.0, -1.0), 0.0)
        needed.append(int(np.argmax(capital >= bound)) + 1)
    lead = 2 * win - 1
    fixed = (1.96 + 0.8416) ** 2 * (1 - lead**2) / lead**2
    assert np.mean(needed) < 2 * fixed


def test_it_says_of_whom_it_speaks() -> None:
    assert "40 raters" not in " ".join(settle(duel([1, 0] * 20)).warnings)
    few = duel([1, 0] * 20) | {"rater": ["a", "b"] * 20}
    assert "these raters only" in settle(few).warnings[0]
    nameless = {name: column for name, column in duel([1, 0]).items() if name not in ("rater", "question_id")}
    assert len(settle(nameless).warnings) == 2


def test_results_are_json() -> None:
    found = json.loads(json.dumps(settle(duel([1] * 50)).to_dict(), allow_nan=False))
    assert (found["settled"], found["open"]) == (1, 0)


def test_what_has_no_order_or_no_pair_is_refused() -> None:
    counts = {"model_a": ["x"], "model_b": ["y"], "wins_a": [3], "wins_b": [1], "ties": [0]}
    with pytest.raises(BadInput, match="no order"):
        settle(counts)
    with pytest.raises(BadInput, match="'z'"):
        settle(duel([1]), contenders=["x", "z"])
    with pytest.raises(BadInput, match="nothing to settle"):
        settle(duel([1]), contenders=["x"])
    with pytest.raises(BadInput, match="level"):
        settle(duel([1]), level=95)


def test_what_is_settled_stays_so_when_other_pairs_get_votes() -> None:
    field = ["v", "w", "x", "y", "z"]
    first = {"model_a": ["x"] * 14, "model_b": ["y"] * 14, "winner": ["model_a"] * 14}
    first["question_id"] = [f"q{n}" for n in range(14)]
    others = [("x", "z"), ("y", "z"), ("v", "w"), ("v", "x"), ("w", "z")]
    more = {
        "model_a": [*first["model_a"], *(a for a, _ in others)],
        "model_b": [*first["model_b"], *(b for _, b in others)],
        "winner": [*first["winner"], *["tie"] * 5],
        "question_id": [*first["question_id"], *["q0"] * 5],
    }
    before, after = (next(p for p in settle(v, field=field).pairs if p.a == "x" and p.b == "y") for v in (first, more))
    assert before.settled_at is not None
    assert (after.settled_at, after.low, after.high) == (before.settled_at, before.low, before.high)
    alone = settle(first).pairs[0]  # the control: without the field, fewer pairs are corrected for
    assert alone.low > before.low


def test_votes_that_are_all_dropped_settle_nothing() -> None:
    with pytest.raises(BadInput, match="nothing to settle"):
        settle({"model_a": ["x"], "model_b": ["y"], "winner": ["both_bad"]}, both_bad="drop")
