"""The whole call: the contract, the anchor, the flags and what a degenerate table of votes gives."""

from __future__ import annotations

import json
import math

import pytest

from arena.ratings import Board, Disconnected, rate
from tests.ratings.samples import by_name, columns, ratings

ROUND = [("x", "y", "model_a"), ("y", "z", "model_a"), ("z", "x", "model_a"), ("x", "z", "model_a")]


def finite(board: Board) -> bool:
    numbers = [value for row in board.rows for value in (row.rating, row.low, row.high)]
    return all(value is not None and math.isfinite(value) for value in numbers)


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
    assert list(found)[:9] == [
        "study", "method", "scale", "anchor", "interval", "votes", "ledger", "rows", "warnings",
    ]  # fmt: skip
    assert found["study"] == "kqa"
    assert found["method"] == "bradley-terry"
    assert found["scale"] == "elo-400"
    assert found["anchor"] == {"mean": 1000}
    assert json.dumps(found["interval"]) == (
        '{"method": "bootstrap", "cluster": "question", "rounds": 50, "level": 0.9, "seed": 7}'
    )
    assert found["votes"] == 12
    assert found["ledger"] == {"position": 12, "head": "ab" * 32}
    assert isinstance(found["rows"], list)
    assert [list(row) for row in found["rows"]] == [
        [
            "rank", "rank_low", "rank_high", "model", "rating", "low", "high", "flag", "component",
            "votes", "wins", "losses", "ties", "both_bad", "win_rate",
        ]
    ] * 4  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


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


@pytest.mark.parametrize(
    ("rows", "flags"),
    [
        ([("x", "y", "model_a")], {"x": "undefeated", "y": "winless"}),
        ([("x", "y", "model_a")] * 20, {"x": "undefeated", "y": "winless"}),
        ([("x", "y", "model_a"), ("y", "z", "tie"), ("x", "z", "model_a")], {"x": "undefeated", "y": None, "z": None}),
        ([("x", "y", "tie"), ("y", "z", "model_a"), ("x", "z", "model_a")], {"x": None, "y": None, "z": "winless"}),
        ([("x", "y", "model_a"), ("y", "z", "model_a")], {"x": "undefeated", "y": None, "z": "winless"}),
    ],
    ids=["one vote", "20 to 0", "undefeated", "winless", "chain"],
)
@pytest.mark.parametrize("cluster", ["vote", "question"])
def test_without_a_finite_maximum_ratings_are_finite_flagged_and_explained(
    rows: list[tuple[str, ...]], flags: dict[str, str | None], cluster: str
) -> None:
    votes = columns([(*row, f"q{index}") for index, row in enumerate(rows)])
    board = rate(votes, rounds=100, cluster="vote" if cluster == "vote" else "auto")
    assert {row.model: row.flag for row in board.rows} == flags
    assert finite(board)
    [warning] = [text for text in board.warnings if "no finite maximum" in text]
    assert "3 logits" in warning
    for name, flag in flags.items():
        assert (f"took a point from {name}" in warning) == (flag == "undefeated")
        assert (f"{name} took no point" in warning) == (flag == "winless")


def test_a_dominant_group_is_explained_without_a_flag() -> None:
    rows = [("a", "b", "tie"), ("c", "d", "tie"), ("a", "c", "model_a"), ("b", "d", "model_a"), ("a", "d", "model_a")]
    board = rate(columns(rows), rounds=100)
    assert {row.flag for row in board.rows} == {None}
    assert finite(board)
    assert any("one group of contenders took every point from the rest" in text for text in board.warnings)


@pytest.mark.parametrize("rows", [[("x", "y", "model_a")] * 20, [("x", "y", "tie")] * 20], ids=["20 to 0", "only ties"])
def test_an_interval_of_no_width_never_passes_for_certainty(rows: list[tuple[str, ...]]) -> None:
    board = rate(columns(rows), rounds=200)
    assert [row.low for row in board.rows] == [row.rating for row in board.rows] == [row.high for row in board.rows]
    [warning] = [text for text in board.warnings if "width zero" in text]
    assert "to x, y" in warning


def test_ties_only_are_all_equal() -> None:
    board = rate(columns([("x", "y", "tie"), ("y", "z", "both_bad")]), rounds=50)
    assert ratings(board) == {"x": 1000, "y": 1000, "z": 1000}
    assert {row.flag for row in board.rows} == {None}


def test_ordinary_votes_bring_no_warning() -> None:
    assert rate(columns(ROUND * 20), rounds=200).warnings == ()


def test_islands_are_named_and_not_ranked() -> None:
    rows = [("d", "a", "model_a"), ("a", "d", "model_a"), ("b", "c", "tie"), ("e", "b", "model_b")]
    with pytest.raises(Disconnected) as caught:
        rate(columns(rows))
    assert caught.value.islands == (("a", "d"), ("b", "c", "e"))
    assert caught.value.exit_code == 2
    assert "(1) a, d; (2) b, c, e" in str(caught.value)
    assert "Collect votes between the groups" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_islands_still_make_a_readable_message() -> None:
    rows = [(f"m{i:02}", "m00", "tie") for i in range(1, 30)] + [("y", "z", "tie")]
    with pytest.raises(Disconnected, match=r"m05 and 24 more; \(2\) y, z\."):
        rate(columns(rows))


def test_dropping_both_bad_can_make_islands() -> None:
    rows = [("a", "b", "tie"), ("b", "c", "both_bad"), ("c", "d", "tie")]
    assert finite(rate(columns(rows), rounds=20))
    with pytest.raises(Disconnected):
        rate(columns(rows), both_bad="drop")


def test_elo_numbers_islands_and_gives_no_ranks() -> None:
    rows = [("d", "a", "model_a"), ("a", "d", "model_a"), ("b", "c", "tie"), ("e", "b", "model_b")]
    board = rate(columns(rows), method="elo", rounds=20)
    assert {row.model: row.component for row in board.rows} == {"a": 1, "d": 1, "b": 2, "c": 2, "e": 2}
    assert {(row.rank, row.rank_low, row.rank_high) for row in board.rows} == {(None, None, None)}
    assert any("(1) a, d; (2) b, c, e" in text for text in board.warnings)


def test_progress_is_told_up_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    rate(columns(ROUND), rounds=600, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (600, 600)
    assert len(told) > 1
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_an_interval_without_width_excludes_no_rank() -> None:
    """One contender wins every vote on both questions: no resampling varies that, and two votes prove no order."""
    votes = {"model_a": ["a", "a"], "model_b": ["b", "b"], "winner": ["model_a"] * 2, "question_id": ["1", "2"]}
    rows = rate(votes, rounds=50).rows
    assert [(row.rank, row.rank_low, row.rank_high) for row in rows] == [(1, 1, 2), (2, 1, 2)]
