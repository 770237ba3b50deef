"""A leaderboard as text: for a terminal, as Markdown, CSV and JSON. The same board gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Literal

from arena.domain.text import printable
from arena.ratings.result import Board, Interval, Row
from arena.reports.text import NOTICE, csv_text, json_text, markdown_text, number, table_markdown, table_text

Groups = Mapping[str, Board | str]
"""By the value of a field: its board, or the reason why there is none."""

COLUMNS = tuple(field.name for field in fields(Row))

_NAME = 2
"""The column of the contender's name: the one aligned to the left."""


def document(
    board: Board, groups: Groups, *, by: str | None, file_format: Literal["table", "csv", "json", "md"]
) -> str:
    """The whole document in one of the formats, with the boards of `groups` where it is grouped `by` a field."""
    if by is None:
        plain = {"table": board_text, "csv": board_csv, "json": board_json, "md": board_markdown}
        return plain[file_format](board)
    grouped = {"table": grouped_text, "csv": grouped_csv, "json": grouped_json, "md": grouped_markdown}
    return grouped[file_format](by, board, groups)


def board_json(board: Board) -> str:
    """The leaderboard's JSON contract, indented, with a newline at the end."""
    return json_text(board.to_dict())


def board_csv(board: Board) -> str:
    """The rows' columns; null is an empty cell, and text is kept from acting as a formula (`csv_safe`)."""
    return csv_text(COLUMNS, (astuple(row) for row in board.rows))


def board_text(board: Board) -> str:
    """An aligned table for a terminal of any width: nothing is wrapped or cut, and nothing hidden in a name acts."""
    lines = table_text(_table(board), left=(_NAME,))
    return "\n".join([*lines, "", *(printable(line) for line in _notes(board)), ""])


def board_markdown(board: Board) -> str:
    """A table in GitHub's Markdown, in which names can be nothing but text."""
    lines = table_markdown(_table(board), left=(_NAME,))
    return "\n".join([*lines, "", *(f"- {markdown_text(line)}" for line in _notes(board)), ""])


def grouped_json(field: str, overall: Board, groups: Groups) -> str:
    """The overall board with a further key `by`: a board, or an error, for each value of `field`."""
    parts = [
        {"value": value, **(group.to_dict() if isinstance(group, Board) else {"error": group})}
        for value, group in groups.items()
    ]
    return json_text({**overall.to_dict(), "by": {"field": field, "groups": parts}})


def grouped_csv(field: str, overall: Board, groups: Groups) -> str:
    """All rows with the value of `field` before them; the overall board's come first and have an empty value."""
    boards = [("", overall), *((value, group) for value, group in groups.items() if isinstance(group, Board))]
    return csv_text((field, *COLUMNS), ((value, *astuple(row)) for value, board in boards for row in board.rows))


def grouped_text(field: str, overall: Board, groups: Groups) -> str:
    """One table for all, then one section for each value of `field`."""
    sections = [f"All\n\n{board_text(overall)}"]
    for value, group in groups.items():
        body = board_text(group) if isinstance(group, Board) else f"No ratings: {printable(group)}\n"
        sections.append(f"{printable(field)}: {printable(value)}\n\n{body}")
    return "\n".join(sections)


def grouped_markdown(field: str, overall: Board, groups: Groups) -> str:
    """The same with a heading for each section."""
    sections = [f"## All\n\n{board_markdown(overall)}"]
    for value, group in groups.items():
        body = board_markdown(group) if isinstance(group, Board) else f"No ratings: {markdown_text(group)}\n"
        sections.append(f"## {markdown_text(field)}: {markdown_text(value)}\n\n{body}")
    return "\n".join(sections)


def rank_range(row: Row) -> str:
    """The ranks that the separate intervals leave open."""
    return ranks(row.rank_low, row.rank_high)


def ranks(low: int | None, high: int | None) -> str:
    """ "2-5", or "2" where only one rank is possible."""
    if low is None or high is None:
        return "–"
    return str(low) if low == high else f"{low}–{high}"


METHODS = {
    "bradley-terry": "Bradley-Terry",
    "davidson": "Davidson (Bradley-Terry with ties)",
    "rao-kupper": "Rao-Kupper (Bradley-Terry with ties)",
    "elo": "Elo, online, in the order of the votes,",
    "elo-averaged": "Elo, averaged over random orders,",
}
ESTIMANDS = {"questions-like-these": "questions like these", "these-questions": "exactly these questions"}
CLUSTERS = {"question+rater": "question and rater"}


def method_line(board: Board) -> str:
    """One sentence about how the numbers came about, and what the intervals are about."""
    return (
        f"{METHODS.get(board.method, board.method)} ratings on the Elo scale (400 points are odds of 10 to 1);"
        f" {board.interval.level * 100:g}% intervals from {interval_words(board.interval)},"
        f" for {estimand_words(board.interval)}, seed {board.interval.seed};"
        f" {board.votes:,} vote{'s' if board.votes != 1 else ''}."
    )


def interval_words(interval: Interval) -> str:
    """How intervals were made: from the rounds themselves, or, with two factors, from what they vary."""
    drawn = f"{interval.rounds:,} bootstrap round{'s' if interval.rounds != 1 else ''}"
    drawn = f"the variances of {drawn}" if "+" in interval.cluster else drawn
    how = drawn if interval.method == "bootstrap" else "a sandwich variance"
    return f"{how} by {cluster_words(interval)}"


def cluster_words(interval: Interval) -> str:
    """Which votes are taken as alike."""
    return CLUSTERS.get(interval.cluster, interval.cluster)


def estimand_words(interval: Interval) -> str:
    """What intervals are about."""
    return ESTIMANDS.get(interval.estimand, interval.estimand)


def _notes(board: Board) -> list[str]:
    lines = [method_line(board)]
    if board.ledger is not None:
        lines.append(f"Ledger position {board.ledger.get('position')}, head {board.ledger.get('head')}.")
    lines += [f"Warning: {warning}" for warning in board.warnings]
    return [*lines, NOTICE]


def _table(board: Board) -> list[tuple[str, ...]]:
    return [_headings(board), *(_cells(row) for row in board.rows)]


def _headings(board: Board) -> tuple[str, ...]:
    interval = f"{board.interval.level * 100:g}% interval"
    counts = ("Votes", "Wins", "Losses", "Ties", "Both bad", "Win rate", "Note")
    return ("Rank", "Range", "Contender", "Rating", interval, "At once", "Tier", "First", *counts)


def _cells(row: Row) -> tuple[str, ...]:
    interval = "–" if row.low is None else f"{number(row.low)} to {number(row.high)}"
    rank = "–" if row.rank is None else str(row.rank)
    counts = (row.votes, row.wins, row.losses, row.ties, row.both_bad)
    shares = (*map(str, counts), number(row.win_rate, 3), row.flag or "")
    joint = (
        ranks(row.rank_set_low, row.rank_set_high),
        "–" if row.tier is None else str(row.tier),
        number(row.first, 2),
    )
    return (rank, rank_range(row), row.model, number(row.rating), interval, *joint, *shares)
