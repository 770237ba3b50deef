"""Votes and counts from any table: what is taken, what is refused and where, and what is counted of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.vocabulary import Winner
from arena.errors import BadInput
from arena.ratings.comparisons.votes import OUTCOMES, Votes, encode, pair_counts

GOOD: dict[str, list[Any]] = {
    "model_a": ["x", "y", "x"],
    "model_b": ["y", "z", "z"],
    "winner": ["model_a", "tie", "model_b"],
    "question_id": ["q", None, "p"],
    "rater": ["1", "10", "2"],
    "weight": [1.0, 0.5, 3.0],
}
COUNTS: dict[str, list[Any]] = {
    "model_a": ["x", "y", "x"],
    "model_b": ["y", "z", "z"],
    "wins_a": [3, 0, 0],
    "wins_b": [0, 2, 0],
    "ties": [1, 0, 4],
}


def listed(column: npt.NDArray[Any] | None) -> list[Any] | None:
    return None if column is None else column.tolist()


def shown(votes: Votes) -> tuple[object, ...]:
    names = (votes.contenders, votes.questions, votes.raters, votes.is_counts)
    return (*names, *map(listed, (votes.a, votes.b, votes.outcome, votes.question, votes.rater, votes.weight)))


def test_the_outcomes_are_the_winners_of_the_exchange_files() -> None:
    assert set(OUTCOMES) == {winner.value for winner in Winner}


def test_votes_are_indices_of_sorted_names() -> None:
    votes = encode(GOOD)
    assert (votes.contenders, votes.questions, votes.raters) == (("x", "y", "z"), ("p", "q"), ("1", "10", "2"))
    assert (votes.a.tolist(), votes.b.tolist(), votes.outcome.tolist()) == ([0, 1, 0], [1, 2, 2], [0, 2, 1])
    assert (listed(votes.question), listed(votes.rater)) == ([1, -1, 0], [0, 1, 2])
    assert (listed(votes.weight), votes.is_counts) == ([1.0, 0.5, 3.0], False)
    assert {votes.a.dtype, votes.b.dtype} == {np.dtype(np.int32)}
    assert votes.outcome.dtype == np.int8


def test_what_no_row_has_is_none() -> None:
    votes = encode({**GOOD, "question_id": [None, "", float("nan")], "rater": None, "weight": [1, 1.0, 1]})
    assert (votes.questions, votes.question, votes.raters, votes.rater, votes.weight) == ((), None, (), None, None)
    assert shown(encode({name: GOOD[name] for name in ("model_a", "model_b", "winner")})) == shown(votes)


BAD_NAMES: list[object] = [None, float("nan"), "", " \t", 7, True, b"x", ["x"]]
BAD_VALUES: dict[str, list[object]] = {
    "model_a": BAD_NAMES,
    "model_b": BAD_NAMES,
    "winner": [None, float("nan"), "", "left", "Tie", "TIE", "tie ", "bothbad", 1, True, ["tie"]],
    "question_id": [1.5, True, np.True_, float("inf"), 2.0**53, b"q", ["q"], 10**2000],
    "rater": [False, -0.5, (1,)],
    "weight": [0, -1.0, float("nan"), float("inf"), None, "1", True, [1], 10**400],
}
MEANT = {
    "model_a": "is not the name of a contender; it must be non-empty text",
    "model_b": "is not the name of a contender; it must be non-empty text",
    "winner": "is none of model_a, model_b, tie, both_bad",
    "question_id": "is neither text nor a whole number",
    "rater": "is neither text nor a whole number",
    "weight": "is not a finite number above 0; remove the row or correct its weight",
}


def place(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


@pytest.mark.parametrize(("column", "value"), [(name, value) for name, bad in BAD_VALUES.items() for value in bad])
@pytest.mark.parametrize("kind", ["list", "array"])
def test_a_bad_value_is_named_by_row_and_column(column: str, value: object, kind: str) -> None:
    values = [GOOD[column][0], value, GOOD[column][2]]
    array = np.empty(3, dtype=object)
    array[:] = values
    with pytest.raises(BadInput) as caught:
        encode({**GOOD, column: values if kind == "list" else array})
    assert str(caught.value) == f"row 2, {column}: {place(value)} {MEANT[column]}"


def test_a_contender_compared_with_itself_is_named() -> None:
    with pytest.raises(BadInput, match=r"^row 2, model_b: 'y' is compared with itself; remove the row or correct"):
        encode({**GOOD, "model_b": ["y", "y", "z"]})


def test_the_first_bad_row_of_the_first_bad_column_is_named() -> None:
    bad: dict[str, list[Any]] = {
        "model_a": ["x", "y", ""],
        "model_b": ["", "", "z"],
        "winner": ["left", "tie", "tie"],
        "question_id": [True, 1, 1],
        "rater": [1.5, 1, 1],
        "weight": [0, 1, 1],
    }
    named = []
    while bad:
        with pytest.raises(BadInput) as caught:
            encode({**GOOD, **bad})
        named.append(str(caught.value).partition(":")[0])
        bad.pop(next(iter(bad)))
        if len(named) == 2:  # a comparison with itself stands between the names and the winner
            with pytest.raises(BadInput, match=r"^row 3, model_b: 'x' is compared with itself"):
                encode({**GOOD, **bad, "model_b": ["y", "z", "x"]})
    assert named == [
        "row 3, model_a",
        "row 1, model_b",
        "row 1, winner",
        "row 1, question_id",
        "row 1, rater",
        "row 1, weight",
    ]


def test_a_number_is_not_taken_for_another_that_equals_it() -> None:
    with pytest.raises(BadInput, match=r"^row 3, question_id: True is neither"):
        encode({**GOOD, "question_id": [1, 1.0, True]})
    votes = encode({**GOOD, "question_id": [1, 1.0, "1"], "rater": [2**60, -(2**60), 2**60]})
    assert (votes.questions, listed(votes.question)) == (("1",), [0, 0, 0])
    assert (votes.raters, listed(votes.rater)) == ((str(-(2**60)), str(2**60)), [1, 0, 1])


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ({"model_a": ["x"], "model_b": ["y"]}, "the votes have no column winner; needed are model_a, model_b and win"),
        ({**GOOD, "model_b": ["y"]}, "column model_b has 1 rows and column winner has 3; they must be equal"),
        ({**GOOD, "rater": []}, "column rater has 0 rows and column winner has 3; they must be equal"),
        ({"model_a": [], "model_b": [], "winner": []}, "there are no votes to rate: the table has no rows"),
        ({**GOOD, "model_a": "xyx"}, "column model_a is not one column of values"),
        ({**GOOD, "model_a": np.array([["x", "y", "x"]])}, "column model_a is not one column of values"),
        ({**GOOD, "weight": 2.0}, "column weight is a single float; give one value for each row"),
        ([("x", "y", "tie")], "votes must be a mapping of columns or a frame of pandas, polars or pyarrow, not list"),
        (pl.LazyFrame(GOOD), "votes must be a mapping of columns or a frame of pandas, polars or pyarrow, not Lazy"),
        ({"model_a": ["x"], "model_b": ["y"], "ties": [1]}, "the counts have no column wins_a; needed are model_a,"),
        ({**COUNTS, "both_bad": [1]}, "column both_bad has 1 rows and column wins_a has 3; they must be equal"),
        ({**COUNTS, "ties": [0] * 3, "wins_a": [0] * 3, "wins_b": [0] * 3}, "no votes to rate: every count is 0"),
        ({**COUNTS, "weight": [1, 1, 1]}, "column weight: counts are whole votes and have no weight"),
        ({**COUNTS, "ties": [2**52] * 3}, "the counts add up to more votes than can be counted exactly"),
        ({**COUNTS, "model_b": ["y", "y", "z"]}, "row 2, model_b: 'y' is compared with itself"),
        ({**COUNTS, "rater": [1, 2, 0.5]}, "row 3, rater: 0.5 is neither text nor a whole number"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(votes: object, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        encode(votes)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [-1, 0.5, float("nan"), float("inf"), None, True, "1", 2**53])
@pytest.mark.parametrize("column", ["wins_a", "wins_b", "ties", "both_bad"])
def test_a_count_that_is_none_is_named_by_row_and_column(column: str, value: object) -> None:
    with pytest.raises(BadInput) as caught:
        encode({**COUNTS, column: [0, 1, value]})
    assert str(caught.value) == f"row 3, {column}: {value!r} is not a count; it must be a whole number from 0"


def test_counts_are_votes_with_zeros_left_out() -> None:
    votes = encode({**COUNTS, "model_a": ["x", "y", "w"], "ties": [1, 0, 0], "both_bad": [2.0, 0.0, 0.0]})
    # "w" met "z" in no vote at all
    assert votes.contenders == ("x", "y", "z")
    assert (votes.a.tolist(), votes.b.tolist(), votes.outcome.tolist()) == ([0, 0, 0, 1], [1, 1, 1, 2], [0, 2, 3, 1])
    assert (listed(votes.weight), votes.is_counts) == ([3.0, 1.0, 2.0, 2.0], True)
    # wins, losses, ties and both bad, by hand
    assert votes.tally().tolist() == [[3, 0, 1, 2], [0, 5, 1, 2], [2, 0, 0, 0]]


def test_counts_keep_questions_and_raters() -> None:
    votes = encode({**COUNTS, "question_id": [7, None, 5], "rater": ["r", "", ""]})
    assert (votes.questions, listed(votes.question)) == (("5", "7"), [1, 1, -1, 0])
    assert (votes.raters, listed(votes.rater)) == (("r",), [0, 0, -1, -1])


def test_both_bad_dropped_leaves_only_what_is_still_named() -> None:
    votes = encode(
        {
            "model_a": ["x", "w", "y"],
            "model_b": ["y", "x", "x"],
            "winner": ["tie", "both_bad", "model_a"],
            "question_id": ["b", "a", None],
            "rater": [None, "r", None],
            "weight": [2.0, 3.0, 4.0],
        }
    )
    assert votes.counted("half") is votes
    kept = votes.counted("drop")
    assert (kept.contenders, kept.questions, kept.raters, kept.rater) == (("x", "y"), ("b",), (), None)
    assert (kept.a.tolist(), kept.b.tolist(), kept.outcome.tolist()) == ([0, 1], [1, 0], [2, 0])
    assert (listed(kept.question), listed(kept.weight)) == ([0, -1], [2.0, 4.0])
    none = encode({"model_a": ["x"], "model_b": ["y"], "winner": ["both_bad"]}).counted("drop")
    assert (none.contenders, len(none.a)) == ((), 0)


SIDES = st.permutations("wxyz").map(lambda names: (names[0], names[1]))
ROWS = st.lists(st.tuples(SIDES, st.sampled_from(OUTCOMES), st.sampled_from(["p", "q", None])), min_size=1)


def table(rows: list[tuple[tuple[str, str], str, str | None]]) -> dict[str, list[Any]]:
    return {
        "model_a": [sides[0] for sides, _, _ in rows],
        "model_b": [sides[1] for sides, _, _ in rows],
        "winner": [winner for _, winner, _ in rows],
        "question_id": [question for _, _, question in rows],
    }


def by_hand(votes: dict[str, list[Any]], weight: list[float]) -> tuple[Counter[str], Counter[str]]:
    """Weight of the wins of each ordered pair, and of what was even between them."""
    wins: Counter[str] = Counter()
    even: Counter[str] = Counter()
    for a, b, winner, times in zip(votes["model_a"], votes["model_b"], votes["winner"], weight, strict=True):
        if winner in ("model_a", "model_b"):
            wins[a + b if winner == "model_a" else b + a] += times  # type: ignore[assignment]
        else:
            even.update({a + b: times, b + a: times})
    return wins, even


@given(ROWS, st.data())
def test_pairs_and_tallies_are_those_counted_by_hand(
    rows: list[tuple[tuple[str, str], str, str | None]], data: st.DataObject
) -> None:
    votes = table(rows)
    weight = [float(data.draw(st.integers(1, 9))) for _ in rows]
    for given_weight in (None, weight):
        encoded = encode({**votes, "weight": given_weight})
        wins, even = by_hand(votes, given_weight or [1.0] * len(rows))
        names = encoded.contenders
        got_wins, got_even = pair_counts(encoded)
        assert got_wins.tolist() == [[wins[i + j] for j in names] for i in names]
        assert got_even.tolist() == [[even[i + j] for j in names] for i in names]
    lost = {"model_a": "model_b", "model_b": "model_a"}
    seen = Counter(zip(votes["model_a"], votes["winner"], strict=True))
    seen.update((b, lost.get(winner, winner)) for b, winner in zip(votes["model_b"], votes["winner"], strict=True))
    assert encoded.tally().tolist() == [[seen[name, outcome] for outcome in OUTCOMES] for name in names]


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_but_itself(
    rows: list[tuple[tuple[str, str], str, str | None]], random: Any
) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    one, other = encode(table(rows)), encode(table([rows[at] for at in order]))
    assert (one.contenders, one.questions) == (other.contenders, other.questions)
    for column, moved in ((one.a, other.a), (one.b, other.b), (one.outcome, other.outcome)):
        assert column[order].tolist() == moved.tolist()
    assert (None if one.question is None else one.question[order].tolist()) == listed(other.question)
    for counted, again in zip(pair_counts(one), pair_counts(other), strict=True):
        assert counted.tobytes() == again.tobytes()


@given(ROWS)
def test_counts_say_the_same_as_the_votes_they_count(rows: list[tuple[tuple[str, str], str, str | None]]) -> None:
    seen = Counter(rows)
    pairs = list(dict.fromkeys((sides, question) for sides, _, question in rows))
    counts: dict[str, list[Any]] = {
        "model_a": [sides[0] for sides, _ in pairs],
        "model_b": [sides[1] for sides, _ in pairs],
        "question_id": [question for _, question in pairs],
    }
    for name, outcome in zip(("wins_a", "wins_b", "ties", "both_bad"), OUTCOMES, strict=True):
        counts[name] = [seen[sides, outcome, question] for sides, question in pairs]
    one, other = encode(table(rows)), encode(counts)
    assert (one.contenders, one.questions) == (other.contenders, other.questions)
    assert one.tally().tolist() == other.tally().tolist()
    for counted, again in zip(pair_counts(one), pair_counts(other), strict=True):
        assert counted.tolist() == again.tolist()
    dropped, left = one.counted("drop"), other.counted("drop")
    assert (dropped.contenders, dropped.questions) == (left.contenders, left.questions)
    assert dropped.tally().tolist() == left.tally().tolist()


@pytest.mark.parametrize("table", [GOOD, {**COUNTS, "rater": GOOD["rater"]}], ids=["votes", "counts"])
def test_judge_and_worker_are_other_names_of_rater(table: dict[str, list[Any]]) -> None:
    plain = {name: column for name, column in table.items() if name != "rater"}
    for name in ("judge", "worker"):
        assert shown(encode({**plain, name: table["rater"]})) == shown(encode(table))
    other = ["p", "q", "r"]
    assert shown(encode({**table, "judge": other, "worker": other})) == shown(encode(table))
    assert shown(encode({**plain, "worker": other, "judge": table["rater"]})) == shown(encode(table))
    with pytest.raises(BadInput, match=r"^row 2, judge: 0.5 is neither text nor a whole number"):
        encode({**plain, "judge": ["a", 0.5, "b"]})


def test_weights_too_far_apart_are_refused_by_the_row_of_the_smallest() -> None:
    assert listed(encode({**GOOD, "weight": [1e8, 1.0, 3.0]}).weight) == [1e8, 1.0, 3.0]
    with pytest.raises(BadInput, match=r"^row 2, weight: 1e-06 is too small beside the largest weight, 101.0, which"):
        encode({**GOOD, "weight": [101.0, 1e-6, 3.0]})
    with pytest.raises(BadInput, match=r"^row 3, weight: 5e-324 is too small beside the largest weight, 1e\+308"):
        encode({**GOOD, "weight": [1e308, 1.0, 5e-324]})
