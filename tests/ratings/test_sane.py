"""Whatever the votes look like, a board says something sensible, or says what is wrong with them.

One table: what the votes are, and what must come of them. Below it, what must hold of every board.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from arena.errors import BadInput
from arena.ratings import Board, IntervalMethod, Method, Row, rate
from tests.ratings.samples import by_name

Columns = dict[str, list[Any]]

FEW = "The intervals rest on only"
ONE_WAY = "the votes alone set no bound (between some groups of contenders all points went one way)"
SAME = "resampling does not tell how far they may be off (the votes are few, nearly all alike,"
ISLANDS = "were never compared with each other"
ONE_QUESTION = "All votes are on one question"


@dataclass(frozen=True)
class Case:
    """Votes, and what a board of them says. What is not stated is: no flag, one island, no warning."""

    name: str
    votes: Columns
    flags: dict[str, str] = field(default_factory=dict)
    islands: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rest_on_penalty: str = ""
    """The contenders that a warning names, each by a letter."""
    order: str = ""
    """Contenders that are certainly in this order: no interval and no rank set leaves another."""
    options: dict[str, Any] = field(default_factory=dict)


def table(*rows: str, times: int = 1, **more: list[Any]) -> Columns:
    """Votes written as "a>b" (a wins), "a=b" (a tie) and "a!b" (both bad)."""
    winner = {">": "model_a", "=": "tie", "!": "both_bad"}
    votes = [(row[0], row[2], winner[row[1]]) for row in rows] * times
    return {name: [vote[i] for vote in votes] for i, name in enumerate(("model_a", "model_b", "winner"))} | more


def both(one: Columns, other: Columns) -> Columns:
    return {name: [*one[name], *other[name]] for name in one}


def crowded(*newcomer: str) -> Columns:
    """100,000 votes of three that are equal, by 40 raters on 500 questions at random; and a newcomer's few."""
    equal = ("a>b", "b>a", "b>c", "c>b", "a>c", "c>a", "a>b", "b>a", "b>c", "c>b")
    joined, rng = both(table(*equal, times=10_000), table(*newcomer)), np.random.default_rng(1)
    total = len(joined["winner"])
    return {
        **joined,
        "question_id": rng.integers(500, size=total).tolist(),
        "rater": rng.integers(40, size=total).tolist(),
    }


CIRCLE = ("a>b", "b>c", "c>a")
CROWDED = crowded("n>a", "b>n", "n=c", "a>n")
CROWDED_WON = crowded("n>a", "n>b", "n>c", "n>a")
CASES = (
    Case("islands", table("a>b", "b>a", "c>d", "d>c", times=8), islands=("ab", "cd"), warnings=(ISLANDS,)),
    Case(
        "islands, one of them a single vote",
        table("a>b", "b>a", "a=b", "c>d", times=1),
        flags={"c": "undefeated", "d": "winless"},
        islands=("ab", "cd"),
        warnings=(FEW, ISLANDS, ONE_WAY),
        rest_on_penalty="cd",
    ),
    Case(
        "undefeated",
        table(*CIRCLE, *CIRCLE, "x>a", "x>b"),
        flags={"x": "undefeated"},
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="x",
    ),
    Case(
        "winless",
        table(*CIRCLE, *CIRCLE, "a>x", "b>x"),
        flags={"x": "winless"},
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="x",
    ),
    Case("a dominant group", table("a>b", "b>a", "c>d", "d>c", "a>c", "b>d", times=4), warnings=(ONE_WAY,)),
    Case(
        "a dominant group of ties",
        table("a=b", "c=d", "a>c", "b>d", "a>d"),
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="abcd",
    ),
    Case(
        "20 to 0",
        table("x>y", times=20),
        flags={"x": "undefeated", "y": "winless"},
        warnings=(ONE_WAY,),
        rest_on_penalty="xy",
        order="xy",
    ),
    Case(
        "one vote",
        table("x>y"),
        flags={"x": "undefeated", "y": "winless"},
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="xy",
    ),
    Case("ties only", table("x=y", times=20), warnings=(SAME,), rest_on_penalty="xy"),
    Case("one tie", table("x=y"), warnings=(FEW, SAME), rest_on_penalty="xy"),
    Case("both bad only", table("x!y", "y!z", times=9), warnings=(SAME,), rest_on_penalty="xyz"),
    Case("the same votes again and again", table(*CIRCLE, times=400)),
    Case("the same clear vote again and again", table("a>b", "a>b", "b>a", times=100), order="ab"),
    Case(
        "a chain",
        table("x>y", "y>z"),
        flags={"x": "undefeated", "z": "winless"},
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="xyz",
    ),
    Case(
        "two well known pairs, joined by one vote",
        table("a>b", "b>a", "c>d", "d>c", times=20),
        islands=("ab", "cd"),
        warnings=(ISLANDS,),
    ),
    Case(
        "the same, and a vote between them",
        both(table("a>b", "b>a", "c>d", "d>c", times=20), table("a>c")),
        warnings=(ONE_WAY,),
        rest_on_penalty="cd",
    ),
    Case("a contender without votes", table(*CIRCLE, times=9), options={"contenders": ["idle"]}),
    Case("a rare newcomer", CROWDED, options={"cluster": "vote"}),
    Case("a rare newcomer, by question and rater", CROWDED),
    Case(
        "a rare newcomer that won",
        CROWDED_WON,
        flags={"n": "undefeated"},
        warnings=(ONE_WAY,),
        rest_on_penalty="n",
        options={"cluster": "vote"},
    ),
    Case("one question", table(*CIRCLE, times=9, question_id=["q"] * 27), warnings=(ONE_QUESTION,)),
    Case("every vote a question", table(*CIRCLE, times=9, question_id=list(range(27)))),
    Case(
        "two questions, one winner",
        table("x>y", times=20, question_id=["p", "q"] * 10),
        flags={"x": "undefeated", "y": "winless"},
        warnings=(FEW, ONE_WAY),
        rest_on_penalty="xy",
    ),
    Case(
        "every rater one opinion",
        table("x>y", "y>x", times=40, rater=[f"r{i}" for i in range(8)] * 10),
        warnings=(FEW,),
    ),
    Case("one rater", table(*CIRCLE, times=9, rater=["r"] * 27), warnings=("The votes are of one rater: too few",)),
    Case(
        "a billion votes",
        {
            "model_a": ["x", "x"],
            "model_b": ["y", "z"],
            "wins_a": [10**9, 10],
            "wins_b": [20, 10**9],
            "ties": [0, 0],
        },
        order="zxy",
    ),
    Case("weights of a billionth", table(*CIRCLE, "a>b", "a>c", times=30, weight=[1e-9] * 150)),
)
SMALL = [case for case in CASES if len(case.votes["model_a"]) < 2000 and "wins_a" not in case.votes]
INTERVALS: tuple[IntervalMethod, ...] = ("bootstrap", "sandwich")


def widths(board: Board) -> dict[str, float]:
    return {row.model: row.high - row.low for row in board.rows if row.high is not None and row.low is not None}


def check(board: Board, case: Case) -> None:
    """What holds of every board."""
    json.dumps(board.to_dict(), allow_nan=False)
    rated = [row for row in board.rows if row.flag != "unrated"]
    for row in rated:
        assert row.rating is not None
        assert row.low is not None
        assert row.high is not None
        assert math.isfinite(row.low)
        assert math.isfinite(row.high)
        assert row.low <= row.rating <= row.high
        assert row.low < row.high, "no width is no certainty"
        assert row.component is not None
        if case.islands:
            assert (row.rank, row.rank_low, row.rank_high, row.tier, row.first) == (None,) * 5
            assert (row.rank_set_low, row.rank_set_high) == (None, None)
        else:
            assert ranks_fit(row, len(rated))
    for island in {row.component for row in rated}:
        ratings = [row.rating or 0 for row in rated if row.component == island]
        assert sum(ratings) / len(ratings) == pytest.approx(1000, abs=1e-4)
    if not case.islands:
        assert [row.rank for row in rated] == list(range(1, len(rated) + 1))
        assert sum(row.first or 0 for row in rated) == pytest.approx(1, abs=1e-3)


def ranks_fit(row: Row, contenders: int) -> bool:
    ends = (row.rank_low, row.rank_high, row.rank_set_low, row.rank_set_high)
    if row.rank is None or row.tier is None or row.first is None or None in ends:
        return False
    low, high, set_low, set_high = (end or 0 for end in ends)
    return 1 <= low <= row.rank <= high <= contenders and 1 <= set_low <= row.rank <= set_high <= contenders


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_board_says_what_the_votes_allow(case: Case, interval: IntervalMethod) -> None:
    board = rate(case.votes, interval=interval, rounds=300, **case.options)
    check(board, case)
    rows = by_name(board)
    idle = case.options.get("contenders", [])
    assert {name: row.flag for name, row in rows.items() if row.flag} == case.flags | dict.fromkeys(idle, "unrated")
    found: dict[int | None, str] = {}
    for name in sorted(rows.keys() - {*idle}):
        found[rows[name].component] = found.get(rows[name].component, "") + name
    assert tuple(found[key] for key in sorted(found, key=str)) == (
        case.islands or ("".join(sorted(rows.keys() - {*idle})),)
    )
    assert len(board.warnings) == len(case.warnings), board.warnings
    for said, expected in zip(board.warnings, case.warnings, strict=True):
        assert expected in said
        if case.rest_on_penalty and said.startswith("For "):
            assert said.startswith(f"For {', '.join(case.rest_on_penalty)} ")
    for place, name in enumerate(case.order, start=1):
        row = rows[name]
        assert {row.rank, row.rank_low, row.rank_high, row.rank_set_low, row.rank_set_high, row.tier} == {place}
    if not case.order:
        assert any(row.rank_low != row.rank_high for row in board.rows) or case.islands


@pytest.mark.parametrize("interval", INTERVALS)
def test_two_questions_that_agree_exactly_do_not_pass_for_certainty(interval: IntervalMethod) -> None:
    votes = table("x>y", "y>x", times=10, question_id=["p", "p", "q", "q"] * 5)
    rows, alone = (rate(votes, interval=interval, cluster=cluster, rounds=300).rows for cluster in ("auto", "vote"))
    for row, single in zip(rows, alone, strict=True):
        assert (row.high or 0.0) - (row.low or 0.0) > 3.0 * ((single.high or 0.0) - (single.low or 0.0))


def test_one_question_with_most_of_the_votes_widens_an_interval_and_does_not_lose_it() -> None:
    """Of x's votes two thirds are on one question of thirteen: its interval is wider than the others', by no cliff."""
    rng = np.random.default_rng(2)
    first, second, question = [], [], []
    for n in range(1300):
        a, b = rng.choice(4, 2, replace=False)
        first.append("wxyz"[a])
        second.append("wxyz"[b])
        question.append(f"q{0 if 'x' in (first[-1], second[-1]) and rng.random() < 0.65 else n % 13}")
    winner = rng.choice(["model_a", "model_b"], 1300).tolist()
    rows = by_name(rate({"model_a": first, "model_b": second, "winner": winner, "question_id": question}))
    width = {name: (row.high or 0.0) - (row.low or 0.0) for name, row in rows.items()}
    others = max(width[name] for name in "wyz")
    assert others < width["x"] < 8.0 * others


OTHERS: tuple[Method, ...] = ("davidson", "rao-kupper", "elo", "elo-averaged")


@pytest.mark.parametrize(
    ("case", "method"),
    [
        (case, method)
        for case in SMALL
        for method in OTHERS
        if "weight" not in case.votes or not method.startswith("elo")
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_so_does_a_board_by_another_method(case: Case, method: Method) -> None:
    for interval in INTERVALS if not method.startswith("elo") else INTERVALS[:1]:
        check(rate(case.votes, method=method, interval=interval, rounds=60, **case.options), case)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("cluster", ["vote", "auto"])
@pytest.mark.parametrize("votes", [CROWDED, CROWDED_WON], ids=["mixed", "won"])
def test_a_rare_newcomer_widens_nobody_and_is_itself_uncertain(
    votes: Columns, cluster: Any, interval: IntervalMethod
) -> None:
    joined = widths(rate(votes, interval=interval, cluster=cluster, rounds=600))
    without = {name: column[:100_000] for name, column in votes.items()}
    alone = widths(rate(without, interval=interval, cluster=cluster, rounds=600))
    for name in "abc":
        assert joined[name] == pytest.approx(alone[name], rel=0.15)
    # Of four tosses of a coin the lead's standard error is a logit: 95% are 681 points, a little less after a tie.
    assert 400 < joined["n"] < 2500


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        (table("x>x"), "row 1, model_b: 'x' is compared with itself"),
        ({**table("x>y"), "winner": [float("nan")]}, "row 1, winner: nan is none of model_a, model_b, tie, both_bad"),
        ({**table("x>y", "x>y"), "winner": ["tie", "left"]}, "row 2, winner: 'left' is none of"),
        ({**table("x>y"), "model_a": [""]}, "row 1, model_a: '' is not the name of a contender"),
        ({**table("x>y"), "model_b": [None]}, "row 1, model_b: None is not the name of a contender"),
        (table(), "there are no votes to rate: the table has no rows"),
        ({"model_a": ["x"], "model_b": ["y"]}, "the votes have no column winner"),
        ({**table("x>y"), "weight": [0.0]}, "row 1, weight: 0.0 is not a finite number above 0"),
    ],
)
@pytest.mark.parametrize("interval", INTERVALS)
def test_votes_that_cannot_be_rated_are_refused(votes: Columns, message: str, interval: IntervalMethod) -> None:
    with pytest.raises(BadInput, match=message):
        rate(votes, interval=interval, rounds=50)


@pytest.mark.parametrize("method", ["elo", "elo-averaged"])
def test_elo_has_no_sandwich(method: Method) -> None:
    with pytest.raises(BadInput, match="Elo has no sandwich interval, because it maximises no likelihood"):
        rate(table(*CIRCLE), method=method, interval="sandwich")
