"""Boards for the tests of the reports."""

from __future__ import annotations

from collections.abc import Sequence

from arena.ratings import Board, rate

HOSTILE = (
    "=1+1",
    "+cmd|' /C calc'!A0",
    "a|b\\|c",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "http://evil.example www.evil.example",
    "**bold** _it_ ~~no~~ `code` $x$ :smile:",
    "&lt;b&gt; &amp;",
    "\x1b[31mred\x9b0m",
    "\u202eright\u200bzero",
    "two\nlines\ttab",
    '"quoted", comma',
    "'=1+1",
    "]]> --> <!-- </title></svg>",
    "1. first",
    "- item",
)


def board_of(names: Sequence[str], **options: object) -> Board:
    """A ladder: everybody meets the next, and wins twice of five votes, ties one, loses two."""
    pairs = [(names[i], names[(i + 1) % len(names)]) for i in range(len(names) if len(names) > 2 else 1)]
    outcomes = ("model_a", "model_a", "tie", "model_b", "model_b", "both_bad")
    rows = [(a, b, outcome) for a, b in pairs for outcome in outcomes]
    votes = {
        "model_a": [row[0] for row in rows],
        "model_b": [row[1] for row in rows],
        "winner": [row[2] for row in rows],
    }
    return rate(votes, rounds=100, **options)  # type: ignore[arg-type]


def small_board() -> Board:
    votes = {
        "model_a": ["terse", "terse", "thorough", "cautious", "terse", "thorough"] * 3,
        "model_b": ["thorough", "cautious", "cautious", "thorough", "thorough", "terse"] * 3,
        "winner": ["model_b", "model_b", "model_a", "model_a", "model_a", "tie"] * 3,
    }
    return rate(
        votes, rounds=100, study="kqa", ledger={"position": 18, "head": "ab" * 32}, contenders=["never voted on"]
    )
