"""What must not change a board, or in one way only: names, order, sides, weights in parts, counts, anchors."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arena.ratings import Board, Cluster, rate
from tests.ratings.samples import by_name, columns

Columns = dict[str, list[Any]]
OUTCOMES = ("model_a", "model_b", "tie", "both_bad")
OTHER = {"model_a": "model_b", "model_b": "model_a"}
NAMES = ("a", "b", "c", "d", "e")

some = settings(max_examples=40, deadline=None)
likelihoods = st.sampled_from(["bradley-terry", "davidson", "rao-kupper"])
clusters = st.sampled_from(get_args(Cluster))


@st.composite
def tables(draw: st.DrawFn, *, least: int = 1) -> Columns:
    """Votes on two to five contenders, of two to six questions and raters each."""
    names = NAMES[: draw(st.integers(2, 5))]
    pair = st.permutations(names).map(lambda order: tuple(order[:2]))
    row = st.tuples(pair, st.sampled_from(OUTCOMES), st.integers(0, 5), st.integers(0, 5))
    rows = draw(st.lists(row, min_size=least, max_size=40))
    # Two questions and two raters, so that every cluster can be asked for.
    rows += [((names[0], names[1]), "tie", 0, 1), ((names[1], names[0]), "model_a", 1, 0)]
    return {
        "model_a": [a for (a, _), *_ in rows],
        "model_b": [b for (_, b), *_ in rows],
        "winner": [winner for _, winner, *_ in rows],
        "question_id": [f"q{question}" for *_, question, _ in rows],
        "rater": [f"r{rater}" for *_, rater in rows],
    }


def picked(votes: Columns, rows: list[int]) -> Columns:
    return {name: [column[row] for row in rows] for name, column in votes.items()}


def numbers(board: Board, renamed: dict[str, str] | None = None) -> dict[str, tuple[float | None, ...]]:
    return {
        (renamed or {}).get(row.model, row.model): (row.rating, row.low, row.high)
        for row in sorted(board.rows, key=lambda row: row.model)
    }


def assert_close(found: Board, expected: Board, renamed: dict[str, str] | None = None, within: float = 1e-3) -> None:
    one, other = numbers(found), numbers(expected, renamed)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == pytest.approx(other[name], abs=within)


@some
@given(tables(), likelihoods, clusters, st.permutations(NAMES), st.permutations(range(6)), st.permutations(range(6)))
def test_names_carry_no_weight(
    votes: Columns, method: Any, cluster: Cluster, names: list[str], questions: list[int], raters: list[int]
) -> None:
    """Nor do those of questions and raters. Where something is drawn, other names in other order draw other rounds."""
    new = dict(zip(NAMES, names, strict=True))
    renamed = {
        **votes,
        "model_a": [new[name] for name in votes["model_a"]],
        "model_b": [new[name] for name in votes["model_b"]],
        "question_id": [f"p{questions[int(name[1:])]}" for name in votes["question_id"]],
        "rater": [f"s{raters[int(name[1:])]}" for name in votes["rater"]],
    }
    found, expected = (
        rate(table, method=method, cluster=cluster, interval="sandwich", rounds=20) for table in (renamed, votes)
    )
    assert_close(found, expected, new)


@some
@given(tables(), likelihoods, clusters)
def test_names_in_the_same_order_draw_the_same_rounds(votes: Columns, method: Any, cluster: Cluster) -> None:
    renamed = {
        name: [f"new {value}" for value in column] if name != "winner" else column for name, column in votes.items()
    }
    found, expected = (rate(table, method=method, cluster=cluster, rounds=30) for table in (renamed, votes))
    assert numbers(found) == {f"new {name}": row for name, row in numbers(expected).items()}


@some
@given(tables(), likelihoods, clusters, st.sampled_from(["bootstrap", "sandwich"]), st.data())
def test_order_and_sides_change_nothing(
    votes: Columns, method: Any, cluster: Cluster, interval: Any, data: st.DataObject
) -> None:
    rows = len(votes["winner"])
    changed = picked(votes, data.draw(st.permutations(range(rows))))
    for row, swap in enumerate(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows))):
        if swap:
            changed["model_a"][row], changed["model_b"][row] = changed["model_b"][row], changed["model_a"][row]
            changed["winner"][row] = OTHER.get(changed["winner"][row], changed["winner"][row])
    found, expected = (
        rate(table, method=method, cluster=cluster, interval=interval, rounds=30) for table in (changed, votes)
    )
    if interval == "bootstrap":
        assert found == expected
    else:  # sums of scores in another order differ in the last digit
        assert_close(found, expected)


@some
@given(tables(least=10), likelihoods, st.sampled_from(["question", "rater"]), st.data())
def test_a_vote_in_parts_is_one_vote_of_its_question(
    votes: Columns, method: Any, cluster: Any, data: st.DataObject
) -> None:
    """A weight may be handed over in parts: the ratings are the same, and no interval is wider.

    It can be narrower, where single votes set how short an interval may be: there are more of them then.
    """
    rows = len(votes["winner"])
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=rows, max_size=rows))
    parts = data.draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows))
    split = [row for row in range(rows) for _ in range(parts[row])]
    whole, divided = (
        rate({**picked(votes, of), "weight": weight}, method=method, cluster=cluster, interval="sandwich", rounds=20)
        for of, weight in ((list(range(rows)), weights), (split, [weights[row] / parts[row] for row in split]))
    )
    # What rests on the penalty depends on how many votes a cluster's one opinion was stated in.
    assume(not any("weak penalty" in text for text in whole.warnings))
    for name, row in by_name(whole).items():
        part = by_name(divided)[name]
        assert part.rating == pytest.approx(row.rating, abs=1e-3)
        assert part.high - part.low <= row.high - row.low + 1e-3  # type: ignore[operator]


@some
@given(tables(), likelihoods, clusters, st.sampled_from(["bootstrap", "sandwich"]))
def test_counts_are_so_many_votes(votes: Columns, method: Any, cluster: Cluster, interval: Any) -> None:
    cells = Counter(
        zip(*(votes[name] for name in ("model_a", "model_b", "question_id", "rater", "winner")), strict=True)
    )
    keys = sorted({cell[:4] for cell in cells})
    counted: Columns = {
        name: [key[index] for key in keys] for index, name in enumerate(("model_a", "model_b", "question_id", "rater"))
    }
    for name, outcome in zip(("wins_a", "wins_b", "ties", "both_bad"), OUTCOMES, strict=True):
        counted[name] = [cells[*key, outcome] for key in keys]
    found, expected = (
        rate(table, method=method, cluster=cluster, interval=interval, rounds=30) for table in (counted, votes)
    )
    if interval == "bootstrap":
        assert found == expected
    else:
        assert_close(found, expected)


@some
@given(tables(), st.sampled_from(["bradley-terry", "davidson", "elo"]), clusters, st.floats(-3000, 3000))
def test_an_anchor_shifts_all_numbers_alike(votes: Columns, method: Any, cluster: Cluster, value: float) -> None:
    plain, moved = (
        rate(votes, method=method, cluster=cluster, rounds=20, anchor=anchor) for anchor in (None, ("a", value))
    )
    shift = value - (by_name(plain)["a"].rating or 0)
    for name, row in by_name(plain).items():
        other = by_name(moved)[name]
        for one, two in ((row.rating, other.rating), (row.low, other.low), (row.high, other.high)):
            assert two == pytest.approx((one or 0) + shift, abs=2e-4)
        assert (row.rank_set_low, row.rank_set_high, row.tier, row.first) == (
            other.rank_set_low, other.rank_set_high, other.tier, other.first,
        )  # fmt: skip


@some
@given(tables(least=10), clusters, st.sampled_from([1e-5, 1e-2, 1e6]))
def test_the_unit_of_weights_does_not_matter(votes: Columns, cluster: Cluster, unit: float) -> None:
    rows = len(votes["winner"])
    plain, scaled = (
        rate({**votes, "weight": [factor * (1.0 + row % 3) for row in range(rows)]}, cluster=cluster,
             interval="sandwich", rounds=20)
        for factor in (1.0, unit)
    )  # fmt: skip
    # A penalty is weighed against the votes.
    assume(not any("weak penalty" in text for text in plain.warnings))
    assert_close(scaled, plain, within=0.01)


def test_votes_that_name_no_question_are_alike_in_any_order() -> None:
    rng = np.random.default_rng(4)
    rows = [
        (*rng.choice(["x", "y", "z"], 2, replace=False).tolist(), str(rng.choice(["model_a", "model_b", "tie"])), name)
        for name in ["q1"] * 9 + ["q2"] * 9 + [""] * 20
    ]
    mixed = [rows[index] for index in rng.permutation(len(rows))]
    assert rate(columns(mixed), rounds=60).rows == rate(columns(rows), rounds=60).rows
