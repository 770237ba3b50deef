"""The whole call: the contract, the anchor, the islands, the ranks."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from arena.errors import BadInput
from arena.ratings import Board, Cluster, Method, Row, rate
from tests.ratings.samples import by_name, columns, ratings, rows_of

ROUND = [("x", "y", "model_a"), ("y", "z", "model_a"), ("z", "x", "model_a"), ("x", "z", "model_a")]
RANKS = ("rank", "rank_low", "rank_high", "rank_set_low", "rank_set_high", "tier", "first")


def finite(board: Board) -> bool:
    numbers = [value for row in board.rows for value in (row.rating, row.low, row.high)]
    return all(value is not None and math.isfinite(value) for value in numbers)


def width(row: Row) -> float:
    return (row.high or math.nan) - (row.low or math.nan)


def test_the_json_contract_to_the_key() -> None:
    board = rate(
        columns([(*row, f"q{i % 2}") for i, row in enumerate(ROUND * 3)]),
        rounds=50,
        level=0.9,
        seed=7,
        study="kqa",
        ledger={"position": 12, "head": "ab" * 32},
        contenders=["w", "x"],
    )
    found = board.to_dict()
    assert list(found) == [
        "study", "method", "scale", "anchor", "interval", "votes", "ledger", "rows", "warnings", "settings",
    ]  # fmt: skip
    assert found["study"] == "kqa"
    assert found["method"] == "bradley-terry"
    assert found["scale"] == "elo-400"
    assert found["anchor"] == {"mean": 1000}
    assert json.dumps(found["interval"]) == (
        '{"method": "bootstrap", "cluster": "question", "rounds": 50, "level": 0.9, "seed": 7,'
        ' "estimand": "questions-like-these"}'
    )
    assert found["votes"] == 12
    assert found["ledger"] == {"position": 12, "head": "ab" * 32}
    assert isinstance(found["rows"], list)
    assert [list(row) for row in found["rows"]] == [
        [
            "rank", "rank_low", "rank_high", "model", "rating", "low", "high", "flag", "component",
            "votes", "wins", "losses", "ties", "both_bad", "win_rate",
            "rank_set_low", "rank_set_high", "tier", "first",
        ]
    ] * 4  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("cluster", "questions", "raters", "about"),
    [
        ("auto", 11, 0, "questions-like-these"),
        ("auto", 11, 8, "questions-like-these"),
        ("question", 11, 0, "questions-like-these"),
        ("question+rater", 11, 8, "questions-like-these"),
        ("vote", 11, 0, "these-questions"),
        ("rater", 11, 8, "these-questions"),
        ("auto", 0, 0, "these-questions"),
        ("auto", 0, 8, "these-questions"),
        ("auto", 1, 0, "these-questions"),
    ],
)
def test_the_board_says_what_its_intervals_are_about(cluster: Cluster, questions: int, raters: int, about: str) -> None:
    """Nothing is said of other questions where questions are not drawn."""
    votes = columns(ROUND * 20)
    if questions:
        votes["question_id"] = [f"q{i % questions}" for i in range(80)]
    if raters:
        votes["rater"] = [f"r{i * 7 % 80 % raters}" for i in range(80)]
    assert rate(votes, cluster=cluster, rounds=50).interval.estimand == about


def test_an_estimand_and_a_cluster_that_contradict_each_other_are_refused() -> None:
    votes = {**columns([(*row, f"q{i % 5}") for i, row in enumerate(ROUND * 5)]), "rater": list("abcde") * 4}
    clusters: tuple[Cluster, ...] = ("question", "question+rater", "rater", "vote", "auto")
    for cluster in clusters[:2]:
        with pytest.raises(BadInput, match=f"these-questions and the cluster {re.escape(cluster)} contradict each"):
            rate(votes, cluster=cluster, estimand="these-questions")
    for cluster in clusters[2:]:
        board = rate(votes, cluster=cluster, estimand="these-questions", rounds=50)
        assert board.interval.estimand == "these-questions"


def test_rows_are_best_first_and_equal_ratings_by_name() -> None:
    board = rate(columns([("b", "a", "tie"), ("a", "c", "tie"), ("d", "a", "model_a"), ("a", "d", "tie")]), rounds=20)
    assert [(row.rank, row.model) for row in board.rows] == [(1, "d"), (2, "a"), (3, "b"), (4, "c")]
    assert [row.rating for row in board.rows[1:]] == [board.rows[1].rating] * 3


def test_without_an_anchor_the_mean_is_1000() -> None:
    board = rate(columns(ROUND), rounds=20, contenders=["never seen"])
    assert sum(ratings(board).values()) / 3 == pytest.approx(1000, abs=1e-4)


def test_an_anchor_shifts_everything_and_keeps_its_own_interval() -> None:
    plain = rate(columns(ROUND * 5), rounds=200)
    moved = rate(columns(ROUND * 5), rounds=200, anchor=("y", 1500))
    shift = 1500 - (by_name(plain)["y"].rating or 0)
    assert moved.anchor == {"name": "y", "value": 1500}
    assert by_name(moved)["y"].rating == 1500
    for name, row in by_name(plain).items():
        for field in ("rating", "low", "high"):
            assert getattr(by_name(moved)[name], field) == pytest.approx(getattr(row, field) + shift, abs=1.1e-4)
    anchored = by_name(moved)["y"]
    assert anchored.low is not None
    assert anchored.high is not None
    assert anchored.low < 1400 < 1600 < anchored.high


def test_contenders_without_votes_are_listed_last_and_unrated() -> None:
    board = rate(columns(ROUND), rounds=20, contenders=["w2", "x", "w1", "w2"])
    assert [row.model for row in board.rows[-2:]] == ["w1", "w2"]
    for row in board.rows[-2:]:
        assert (row.flag, row.rank, row.rank_low, row.rank_high) == ("unrated", None, None, None)
        assert (row.rating, row.low, row.high, row.win_rate, row.votes) == (None, None, None, None, 0)
    assert [row.rank for row in board.rows[:3]] == [1, 2, 3]
    assert {row.component for row in board.rows[:3]} == {1}


def test_ordinary_votes_bring_no_warning() -> None:
    assert rate(columns(ROUND * 20), rounds=200).warnings == ()


def test_islands_are_each_rated_and_not_ranked_against_each_other() -> None:
    rows = [("d", "a", "model_a"), ("a", "d", "model_a"), ("b", "c", "tie"), ("e", "b", "model_b")]
    board = rate(columns(rows), rounds=50)
    assert {row.model: row.component for row in board.rows} == {"a": 1, "d": 1, "b": 2, "c": 2, "e": 2}
    for island in ({"a", "d"}, {"b", "c", "e"}):
        assert sum(ratings(board)[name] for name in island) / len(island) == pytest.approx(1000, abs=1e-4)
    for row in board.rows:
        assert {getattr(row, name) for name in RANKS} == {None}
    [warning] = [text for text in board.warnings if "never compared with each other" in text]
    assert "(1) a, d; (2) b, c, e. Collect votes between the groups" in warning


def test_an_island_is_rated_as_by_itself() -> None:
    """What is on another island moves neither a rating nor a sandwich interval, and both are the island's own."""
    here = [("x", "y", "model_a"), ("y", "z", "model_a"), ("z", "x", "model_a"), ("x", "z", "tie")] * 5
    there = [("p", "q", "model_a"), ("q", "p", "model_a"), ("p", "q", "tie")] * 7
    both = by_name(rate(columns(here + there), interval="sandwich", cluster="vote"))
    alone = by_name(rate(columns(here), interval="sandwich", cluster="vote"))
    for name, row in alone.items():
        assert both[name].rating == row.rating
        assert width(both[name]) == pytest.approx(width(row), abs=2e-4)


def test_an_anchor_shifts_all_islands_alike() -> None:
    rows = [("d", "a", "model_a"), ("a", "d", "model_a"), ("b", "c", "tie"), ("e", "b", "model_b")]
    plain, moved = (rate(columns(rows), rounds=20, anchor=anchor) for anchor in (None, ("a", 1300.0)))
    shift = 1300 - ratings(plain)["a"]
    for name, rating in ratings(moved).items():
        assert rating == pytest.approx(ratings(plain)[name] + shift, abs=1.1e-4)


def test_many_islands_still_make_a_readable_message() -> None:
    rows = [(f"m{i:02}", "m00", "tie") for i in range(1, 30)] + [("y", "z", "tie")]
    assert any("m05 and 24 more; (2) y, z." in text for text in rate(columns(rows), rounds=20).warnings)


def test_dropping_both_bad_can_make_islands() -> None:
    rows = [("a", "b", "tie"), ("b", "c", "both_bad"), ("c", "d", "tie")]
    half, drop = (rate(columns(rows), rounds=20, both_bad=rule) for rule in ("half", "drop"))
    assert finite(half)
    assert finite(drop)
    assert {row.component for row in half.rows} == {1}
    assert {row.component for row in drop.rows} == {1, 2}


def test_elo_numbers_islands_and_gives_no_ranks() -> None:
    rows = [("d", "a", "model_a"), ("a", "d", "model_a"), ("b", "c", "tie"), ("e", "b", "model_b")]
    board = rate(columns(rows), method="elo", rounds=20)
    assert {row.model: row.component for row in board.rows} == {"a": 1, "d": 1, "b": 2, "c": 2, "e": 2}
    for row in board.rows:
        assert {getattr(row, name) for name in RANKS} == {None}
    assert any("(1) a, d; (2) b, c, e" in text for text in board.warnings)


@pytest.mark.parametrize("method", ["bradley-terry", "elo", "elo-averaged"])
@pytest.mark.parametrize("cluster", ["vote", "rater", "question+rater"])
def test_progress_is_told_up_to_the_end(method: Method, cluster: Cluster) -> None:
    votes = columns([(*row, f"q{i % 3}") for i, row in enumerate(ROUND * 3)])
    votes["rater"] = [f"r{i % 5}" for i in range(12)]
    told: list[tuple[int, int]] = []
    rate(votes, rounds=300, method=method, cluster=cluster, progress=lambda *both: told.append(both))
    done, total = zip(*told, strict=True)
    assert set(total) == {done[-1]}
    assert len(told) > 1
    assert list(done) == sorted(set(done))


@pytest.mark.parametrize(("cluster", "steps"), [("vote", 2), ("rater", 2), ("question+rater", 6)])
def test_each_term_of_a_sandwich_is_a_step_of_the_work(cluster: Cluster, steps: int) -> None:
    """Two islands of three contenders, and one more who lost its only vote and so is a block of its own."""
    rows = [(one + side, other + side, winner) for one, other, winner in ROUND * 3 for side in "12"]
    votes = columns([(*row, f"q{i % 3}") for i, row in enumerate([*rows, ("x1", "w", "model_a")])])
    votes["rater"] = [f"r{i % 5}" for i in range(25)]
    told: list[tuple[int, int]] = []
    rate(votes, interval="sandwich", cluster=cluster, progress=lambda *both: told.append(both))
    assert told == [(step, steps) for step in range(1, steps + 1)]


def test_two_votes_prove_no_order() -> None:
    """One contender wins every vote on both questions."""
    votes = {"model_a": ["a", "a"], "model_b": ["b", "b"], "winner": ["model_a"] * 2, "question_id": ["1", "2"]}
    rows = rate(votes, rounds=50).rows
    assert [(row.rank, row.rank_low, row.rank_high, row.rank_set_low, row.rank_set_high) for row in rows] == [
        (1, 1, 2, 1, 2),
        (2, 1, 2, 1, 2),
    ]
    assert [row.tier for row in rows] == [1, 1]


def test_what_the_ranks_say_fits_together() -> None:
    """The best set lies within what the ratings order, the shares of being first add up, and a tier is a chain."""
    rng = np.random.default_rng(4)
    rows = []
    for _ in range(900):
        i, j = rng.choice(6, 2, replace=False)
        rows.append((f"m{i}", f"m{j}", "model_a" if rng.random() < 1 / (1 + np.exp((i - j) / 2)) else "model_b"))
    found = rate(columns(rows), rounds=400).rows
    assert sum(row.first or 0 for row in found) == pytest.approx(1, abs=6e-4)
    assert [row.rank for row in found] == list(range(1, 7))
    for row in found:
        assert row.rank_set_low is not None
        assert row.rank_set_high is not None
        assert row.rank_set_low <= (row.rank or 0) <= row.rank_set_high
        assert (row.tier or 0) <= row.rank_set_low, "whoever is above in the chain is above for certain"
    assert found[-1].tier is not None
    assert found[-1].tier > 1
    assert (found[0].first or 0) > 0.9


def test_a_tie_parameter_that_rests_on_its_prior_is_said() -> None:
    """x never lost and tied once: the likelihood grows without end as both the lead and the ties' share of it grow."""
    votes = columns([("x", "y", "model_a")] * 3 + [("x", "y", "tie")])
    said = {method: rate(votes, method=method, rounds=60).warnings for method in ("davidson", "bradley-terry")}
    assert [any("tie parameter" in text for text in said[method]) for method in said] == [True, False]
    assert not any(
        "tie parameter" in text
        for text in rate(columns([*rows_of(votes), ("y", "x", "model_a")]), method="davidson", rounds=60).warnings
    )


def test_a_board_prints_as_a_table_in_which_no_name_acts() -> None:
    board = rate(columns([("x\x1b[2J", "y", "model_a"), ("y", "x\x1b[2J", "tie")]), rounds=60, contenders=["z"])
    head, *rows, made, first, _ = str(board).splitlines()
    assert head.split() == ["rank", "at", "once", "contender", "rating", "low", "high", "votes", "note"]
    assert [row.split()[2] for row in rows] == ["x\\x1b[2J", "y", "z"]
    assert [row.split()[-1] for row in rows] == ["2", "2", "unrated"]
    assert made == "bradley-terry, 95% intervals by vote, 2 votes"
    assert first == board.warnings[0]
