"""Boards of studies: whose votes, up to where, and what they say of themselves."""

from __future__ import annotations

import io

import pytest

from arena.domain.ledger import Head
from arena.errors import BadInput, BadRecords, Conflict
from arena.ratings import Board
from arena.reports import tables
from arena.services import exports, leaderboard, studies
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.studies import cast_elsewhere, draft, records

FAST = BoardRequest(rounds=20)
BEATS = [("alpha", "beta"), ("beta", "gamma"), ("gamma", "alpha")]


def rows(*won: tuple[str, str], question: str = "q0") -> list[dict[str, object]]:
    return [{"model_a": a, "model_b": b, "winner": "model_a", "question_id": question} for a, b in won]


def board(db: Database, request: BoardRequest = FAST) -> Board:
    return leaderboard.board(db, studies.get(db, "s"), request)


def test_a_board_counts_what_was_voted(db: Database) -> None:
    draft(db)
    votes = rows(*BEATS, *BEATS[:1])
    votes += [
        {"model_a": "alpha", "model_b": "gamma", "winner": "tie", "question_id": "q1"},
        {"model_a": "alpha", "model_b": "gamma", "winner": "both_bad", "question_id": "q2"},
        {"model_a": "alpha", "model_b": "beta", "winner": None, "choice": "cannot_judge", "reason": "other"},
    ]
    cast_elsewhere(db, "s", votes)
    found = {row.model: (row.votes, row.wins, row.losses, row.ties, row.both_bad) for row in board(db).rows}
    assert found == {"alpha": (5, 2, 1, 1, 1), "beta": (3, 1, 2, 0, 0), "gamma": (4, 1, 1, 1, 1)}
    assert board(db).votes == 6


def test_votes_of_people_and_of_judges_are_never_mixed(db: Database) -> None:
    draft(db)
    cast_elsewhere(db, "s", rows(*BEATS, *BEATS[:1]))
    cast_elsewhere(db, "s", rows(*BEATS, *BEATS[1:2], question="q1"), source="judge:one")
    assert board(db).rows[0].model == "alpha"
    assert board(db, BoardRequest(rounds=20, source="judge:one")).rows[0].model == "beta"
    with pytest.raises(Conflict, match="from 'judge:two' yet; there are votes from human, judge:one"):
        board(db, BoardRequest(source="judge:two"))


def test_a_board_at_an_earlier_position_is_what_it_was_then(db: Database) -> None:
    draft(db)
    cast_elsewhere(db, "s", rows(*BEATS, *BEATS[:1]))
    then = tables.board_json(board(db))
    head = studies.overview(db, studies.get(db, "s")).head
    cast_elsewhere(db, "s", rows(*BEATS, *BEATS[1:2], question="q1"))
    assert tables.board_json(board(db)) != then
    assert tables.board_json(board(db, BoardRequest(rounds=20, at=head.position))) == then
    exported = io.BytesIO()
    exports.export(db, studies.get(db, "s"), "ledger", exported, "jsonl")
    exported.seek(0)
    again, _ = leaderboard.of_ledger(exported, "k", BoardRequest(rounds=20, at=head.position))
    assert tables.board_json(again) == then
    assert again.ledger == {"position": head.position, "head": head.hash}
    with pytest.raises(BadInput, match="positions 1 to"):
        board(db, BoardRequest(at=10_000))


def test_simulated_votes_are_said_to_be(db: Database) -> None:
    draft(db)
    cast_elsewhere(db, "s", [row | {"simulated": True} for row in rows(*BEATS)] + rows(*BEATS[:1], question="q1"))
    assert "3 of the 4 votes are simulated." in board(db).warnings


def test_one_board_for_each_category_and_a_reason_where_there_is_none(db: Database) -> None:
    """q0 is of Heart, q1 of Lung, q2 of none: the last has two islands."""
    draft(db)
    cast_elsewhere(db, "s", rows(*BEATS) + rows(*BEATS, *BEATS[:1], question="q1") + rows(*BEATS[:1], question="q2"))
    overall, groups = leaderboard.grouped(db, studies.get(db, "s"), BoardRequest(rounds=20, by="category"))
    assert overall.votes == 8
    assert {value: group.votes for value, group in groups.items() if isinstance(group, Board)} == {
        "Heart": 3,
        "Lung": 4,
        "(none)": 1,
    }


def test_islands_are_not_ranked_against_each_other(db: Database) -> None:
    votes = [{"model_a": x, "model_b": y, "winner": "model_a"} for x, y in ("ab", "ba", "cd", "dc")]
    overall, _ = leaderboard.of_votes(records(votes), FAST)
    assert {row.model: row.component for row in overall.rows} == {"a": 1, "b": 1, "c": 2, "d": 2}
    assert {(row.rank, row.rank_low, row.rank_high) for row in overall.rows} == {(None, None, None)}
    assert any("(1) a, b; (2) c, d" in warning for warning in overall.warnings)


def test_a_contender_without_votes_is_listed_as_unrated(db: Database) -> None:
    draft(db)
    cast_elsewhere(db, "s", rows(("alpha", "beta"), ("beta", "alpha")))
    last = board(db).rows[-1]
    assert (last.model, last.flag, last.rating, last.rank) == ("gamma", "unrated", None, None)


def test_a_board_names_the_ledger_position_that_it_is_of(db: Database) -> None:
    draft(db)
    cast_elsewhere(db, "s", rows(*BEATS))
    head = studies.overview(db, studies.get(db, "s")).head
    assert board(db).ledger == {"position": head.position, "head": head.hash}
    assert isinstance(head, Head)


def test_a_file_of_votes_needs_no_study() -> None:
    found, groups = leaderboard.of_votes(records(rows(*BEATS)), FAST)
    assert (found.study, found.ledger, found.votes, groups) == (None, None, 3, {})
    with pytest.raises(BadRecords, match="line 1, winner"):
        leaderboard.of_votes(records([{"model_a": "a", "model_b": "b", "winner": "A"}]), FAST)
    with pytest.raises(BadInput, match="--at"):
        leaderboard.of_votes(records(rows(*BEATS)), BoardRequest(at=1))
