"""What is counted of votes on the way to a leaderboard, and the settings that are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings import Cluster, encode, pair_counts, rate
from arena.ratings.comparisons.votes import OUTCOMES
from tests.ratings.samples import by_name, columns

GOOD = {"model_a": ["x", "y", "x"], "model_b": ["y", "z", "z"], "winner": ["model_a", "tie", "model_b"]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("method", "glicko", "method must be one of bradley-terry, davidson, rao-kupper, elo, elo-averaged"),
        ("interval", "jackknife", "interval must be one of bootstrap, sandwich"),
        ("estimand", "all", "estimand must be one of questions-like-these, these-questions"),
        ("both_bad", "loss", "both_bad must be one of half, drop"),
        ("cluster", "site", r"cluster must be one of auto, vote, question, rater, question\+rater"),
        ("rounds", 0, "rounds must be 1 or more"),
        ("level", 1.0, "level must lie between 0 and 1"),
        ("rounds", 1.5, "rounds must be 1 or more, a whole number, not 1.5"),
        ("rounds", True, "rounds must be 1 or more, a whole number, not True"),
        ("rounds", "9", "rounds must be 1 or more, a whole number, not '9'"),
        ("level", "x", "level must lie between 0 and 1, such as 0.95, not 'x'"),
        ("level", None, "level must lie between 0 and 1, such as 0.95, not None"),
        ("seed", "x", "seed must be 0 or more and below 2 to the power of 63, a whole number, not 'x'"),
        ("seed", 2.0, "seed must be 0 or more and below 2 to the power of 63, a whole number, not 2.0"),
        ("method", ["elo"], r"method must be one of .*, not \['elo'\]"),
        ("anchor", {"a": 1}, "anchor must be a contender's name and its rating, such as .*, not {'a': 1}"),
        ("anchor", "x=1", "anchor must be a contender's name and its rating"),
        ("anchor", ("x",), "anchor must be a contender's name and its rating"),
        ("anchor", (1, 1000), "anchor must be a contender's name and its rating"),
        ("anchor", ("x", "y"), "the anchor's value must be a number, not 'y'"),
        ("contenders", "zz", r"contenders must be a list of names, such as \['x', 'y'\], not 'zz'"),
        ("contenders", 3, "contenders must be a list of names"),
        ("level", float("nan"), "level must lie between 0 and 1"),
        ("seed", -1, "seed must be 0 or more"),
        ("seed", 2**63, "seed must be 0 or more and below 2 to the power of 63"),
        ("anchor", ("nobody", 1000), "the anchor 'nobody' has no counted vote; choose one of: x, y, z"),
        ("anchor", ("x", float("inf")), "the anchor's value must be a number"),
        ("anchor", ("x", -1e308), "the anchor's value must lie between -1,000,000 and 1,000,000"),
        ("contenders", ["w", ""], "'' is not the name of a contender"),
    ],
)
def test_a_bad_setting_is_refused(name: str, value: object, message: str) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(BadInput, match=message):
        rate(GOOD, **options)


def test_numbers_of_numpy_are_settings_like_any_other() -> None:
    given = rate(GOOD, rounds=40, level=0.5, seed=3, anchor=("x", 1200))
    options: dict[str, Any] = {
        "rounds": np.int64(40),
        "level": np.float32(0.5),
        "seed": np.uint8(3),
        "anchor": ["x", np.float64(1200)],
    }
    assert json.dumps(rate(GOOD, **options).to_dict()) == json.dumps(given.to_dict())


@pytest.mark.parametrize(
    ("rounds", "level", "needed"),
    [(99, 0.95, 100), (100, 0.95, None), (499, 0.99, 500), (500, 0.99, None), (49, 0.9, 50), (50, 0.9, None)],
)
def test_how_many_rounds_are_few_depends_on_the_level(rounds: int, level: float, needed: int | None) -> None:
    votes = columns([("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "tie")] * 10)
    said = rate(votes, rounds=rounds, level=level).warnings
    ends = f"Only {rounds} rounds were drawn: the ends of the intervals are coarse; {needed} or more are needed."
    assert said == (() if needed is None else (ends,))


def test_with_two_factors_few_rounds_make_the_whole_intervals_coarse() -> None:
    """They come from variances, and have no ends of their own."""
    votes = columns([("x", "y", ("model_a", "model_b", "tie")[i % 3], f"q{i % 11}") for i in range(120)])
    votes["rater"] = [f"r{i % 10}" for i in range(120)]
    said = {}
    clusters: tuple[Cluster, ...] = ("question", "question+rater")
    for cluster in clusters:
        said[cluster], *_ = rate(votes, rounds=60, cluster=cluster).warnings
    assert said == {
        "question": "Only 60 rounds were drawn: the ends of the intervals are coarse; 100 or more are needed.",
        "question+rater": "Only 60 rounds were drawn: the intervals are coarse; 100 or more are needed.",
    }


def test_votes_are_counted_by_hand() -> None:
    board = rate(
        columns(
            [
                ("x", "y", "model_a"),
                ("y", "x", "model_a"),
                ("x", "y", "tie"),
                ("x", "y", "both_bad"),
                ("z", "x", "both_bad"),
                ("z", "y", "model_b"),
            ]
        ),
        rounds=10,
    )
    seen = {r.model: (r.votes, r.wins, r.losses, r.ties, r.both_bad, r.win_rate) for r in board.rows}
    assert seen == {"x": (5, 1, 1, 1, 2, 0.5), "y": (5, 2, 1, 1, 1, 0.6), "z": (2, 0, 1, 0, 1, 0.25)}
    assert board.votes == 6


def test_both_bad_dropped_leaves_the_fit_and_stays_in_the_row() -> None:
    kept = [("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "model_a")]
    dropped = [("x", "y", "both_bad")] * 5 + [("x", "z", "both_bad")]
    half, drop = (rate(columns(kept + dropped), rounds=50, both_bad=rule) for rule in ("half", "drop"))
    alone = rate(columns(kept), rounds=50)
    for name in ("x", "y"):
        assert by_name(drop)[name].rating == by_name(alone)[name].rating
        assert (by_name(drop)[name].low, by_name(drop)[name].high) == (
            by_name(alone)[name].low,
            by_name(alone)[name].high,
        )
        assert by_name(drop)[name].both_bad == by_name(half)[name].both_bad > 0
        assert abs((by_name(half)[name].rating or 0) - 1000) < abs((by_name(drop)[name].rating or 0) - 1000)
    lone = by_name(drop)["z"]
    assert (lone.flag, lone.rating, lone.low, lone.rank, lone.votes, lone.both_bad) == (
        "unrated",
        None,
        None,
        None,
        1,
        1,
    )
    assert half.settings["both_bad"] == "half"
    assert drop.settings["both_bad"] == "drop"


def test_questions_with_only_dropped_votes_are_not_resampled() -> None:
    kept = [("x", "y", "model_a", "q1"), ("y", "x", "model_a", "q3"), ("x", "y", "tie", "q3"), ("x", "y", "tie", "q5")]
    dropped = [("x", "y", "both_bad", "q0"), ("x", "y", "both_bad", "q2"), ("x", "y", "both_bad", "q3")]
    drop, alone = rate(columns(kept + dropped), rounds=50, both_bad="drop"), rate(columns(kept), rounds=50)
    assert drop.interval.cluster == "question"
    assert [(r.model, r.rating, r.low, r.high) for r in drop.rows] == [
        (r.model, r.rating, r.low, r.high) for r in alone.rows
    ]
    assert any("only 3 questions" in text for text in drop.warnings)


def test_nothing_left_to_count_is_an_error() -> None:
    with pytest.raises(BadInput, match="every vote found both answers bad"):
        rate(columns([("x", "y", "both_bad")]), both_bad="drop")


outcomes = st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from(OUTCOMES), st.sampled_from("pq")), min_size=1)


@given(outcomes)
def test_pairs_hold_every_vote_whatever_the_sides(drawn: list[tuple[str, str, str]]) -> None:
    rows = [(left, "y" if left == "x" else "x", winner, question) for left, winner, question in drawn]
    wins, ties = pair_counts(encode(columns(rows)))
    won = {"x": 0, "y": 0}
    for left, right, winner, _ in rows:
        if winner in ("model_a", "model_b"):
            won[left if winner == "model_a" else right] += 1
    even = len(rows) - won["x"] - won["y"]
    assert wins.tolist() == [[0, won["x"]], [won["y"], 0]]
    assert ties.tolist() == [[0, even], [even, 0]]
