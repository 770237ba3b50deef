"""The same votes from every kind of table are the same integers, and a bad value is found in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings.comparisons.coding import coded
from arena.ratings.comparisons.votes import OUTCOMES, encode
from tests.ratings.comparisons.test_votes import listed, shown

Table = dict[str, list[Any]]
TEXTS = ("model_a", "model_b", "winner", "rater")

VOTES: Table = {
    "model_a": ["x", "é", "x", "w", "é"],
    "model_b": ["é", "z", "z", "x", "x"],
    "winner": ["model_a", "tie", "model_b", "both_bad", "tie"],
    "question_id": [30, 4, 30, -7, 4],
    "rater": ["r", "s", "", "r", "t"],
    "weight": [1.0, 0.5, 2.0, 1.0, 1.0],
}


def each(convert: Callable[[list[Any]], Any], votes: Table, names: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: convert(column) if not names or name in names else column for name, column in votes.items()}


def object_array(column: list[Any]) -> Any:
    array = np.empty(len(column), dtype=object)
    array[:] = column
    return array


def in_two_dictionaries(column: list[Any]) -> Any:
    return pa.chunked_array([pa.array(column[:2]).dictionary_encode(), pa.array(column[2:]).dictionary_encode()])


def polars_with(kind: Any, names: tuple[str, ...] = TEXTS) -> Callable[[Table], pl.DataFrame]:
    return lambda votes: pl.DataFrame(votes).with_columns(pl.col(name).cast(kind) for name in names)


def arrow_with(kind: Any) -> Callable[[Table], Any]:
    return lambda votes: pa.table(each(lambda column: pa.array(column, kind), votes, TEXTS))


TABLES: dict[str, Callable[[Table], Any]] = {
    "tuples": lambda votes: each(tuple, votes),
    "iterators": lambda votes: each(iter, votes),
    "arrays": lambda votes: each(np.array, votes),
    "object arrays": lambda votes: each(object_array, votes),
    "arrays of any width": lambda votes: each(lambda c: np.array(c, dtype=np.dtypes.StringDType()), votes, TEXTS),
    "32-bit integers": lambda votes: each(lambda c: np.array(c, dtype=np.int32), votes, ("question_id",)),
    "8-bit integers": lambda votes: each(lambda c: np.array(c, dtype=np.int8), votes, ("question_id",)),
    "floating-point ids": lambda votes: each(lambda c: np.array(c, dtype=np.float64), votes, ("question_id",)),
    "a record array": lambda votes: pd.DataFrame(votes).to_records(index=False),
    "polars": pl.DataFrame,
    "polars series": lambda votes: each(pl.Series, votes),
    "polars chunks": lambda votes: pl.concat([pl.DataFrame(votes)[:2], pl.DataFrame(votes)[2:]], rechunk=False),
    "polars categorical": polars_with(pl.Categorical),
    "polars enum": polars_with(pl.Enum(["unused", *OUTCOMES]), ("winner",)),
    "pyarrow": pa.table,
    "pyarrow batch": pa.RecordBatch.from_pydict,
    "pyarrow large text": arrow_with(pa.large_string()),
    "pyarrow text views": arrow_with(pa.string_view()),
    "pyarrow dictionaries": lambda votes: pa.table(each(in_two_dictionaries, votes)),
    "pyarrow small dictionaries": lambda votes: pa.table(
        each(lambda c: pa.array(c).cast(pa.dictionary(pa.uint8(), pa.string())), votes, TEXTS)
    ),
    "pandas": pd.DataFrame,
    "pandas, other index": lambda votes: pd.DataFrame(votes, index=[9, 9, 1, 0, 3]),
    "pandas objects": lambda votes: pd.DataFrame(votes, dtype=object),
    "pandas categories": lambda votes: pd.DataFrame(votes).astype("category"),
    "pandas unused categories": lambda votes: pd.DataFrame(votes).astype(
        {"winner": pd.CategoricalDtype(["left", *OUTCOMES])}
    ),
    "pandas nullable": lambda votes: pd.DataFrame(votes).convert_dtypes(),
    "pandas over pyarrow": lambda votes: pd.DataFrame(votes).convert_dtypes(dtype_backend="pyarrow"),
    "pandas' own text": lambda votes: pd.DataFrame(votes).astype(dict.fromkeys(TEXTS, pd.StringDtype("python"))),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_gives_the_same_votes(kind: str) -> None:
    assert shown(encode(TABLES[kind](VOTES))) == shown(encode(VOTES))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4).filter(
    lambda name: bool(name.strip())
)


@given(st.data())
def test_any_names_and_ids_are_the_same_from_any_table(data: st.DataObject) -> None:
    names = data.draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    pairs = data.draw(st.lists(st.permutations(names), min_size=5, max_size=20))
    rows = len(pairs)

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=rows, max_size=rows))

    votes = {
        "model_a": [pair[0] for pair in pairs],
        "model_b": [pair[1] for pair in pairs],
        "winner": column(st.sampled_from(OUTCOMES)),
        "question_id": column(st.integers(-128, 127)),
        "rater": column(st.sampled_from(["", *names])),
        "weight": column(st.sampled_from([0.25, 1.0, 3.0])),
    }
    kind = data.draw(st.sampled_from([kind for kind in TABLES if "other index" not in kind]))
    assert shown(encode(TABLES[kind](votes))) == shown(encode(votes))


GAPS: Table = {**VOTES, "question_id": [30, None, 30, -7, None], "rater": [None, "s", "s", None, "t"]}


@pytest.mark.parametrize(
    "kind",
    [kind for kind in TABLES if kind not in ("arrays", "arrays of any width", "a record array") and "bit" not in kind],
)
def test_a_null_is_no_question_and_no_rater(kind: str) -> None:
    votes = encode(TABLES[kind](GAPS))
    assert (votes.questions, listed(votes.question)) == (("-7", "30"), [1, -1, 1, 0, -1])
    assert (votes.raters, listed(votes.rater)) == (("s", "t"), [-1, 0, 0, -1, 1])


@pytest.mark.parametrize(
    "column",
    [
        [None, float("nan"), pd.NA, pd.NaT, ""],
        np.full(5, np.nan),
        np.ma.array([1, 2, 3, 4, 5], mask=True),
        pl.Series([None] * 5),
        pl.Series([None] * 5, dtype=pl.String),
        pl.Series([None] * 5, dtype=pl.Categorical),
        pl.Series([None] * 5, dtype=pl.Object),
        pa.nulls(5),
        pd.Series([pd.NA] * 5, dtype="Int64"),
        pd.Series([None] * 5, dtype="category"),
    ],
    ids=["list", "floats", "masked", "polars", "text", "categorical", "objects", "pyarrow", "pandas", "categories"],
)
def test_a_column_of_nulls_is_none(column: Any) -> None:
    votes = encode({**VOTES, "question_id": column})
    assert (votes.questions, votes.question) == ((), None)


BAD: dict[str, Callable[[list[Any]], Any]] = {
    "polars": pl.Series,
    "polars categorical": lambda column: pl.Series(column, dtype=pl.Categorical),
    "pyarrow": pa.array,
    "pyarrow dictionaries": in_two_dictionaries,
    "pandas": pd.Series,
    "pandas categories": lambda column: pd.Series(column, dtype="category"),
    "pandas objects": lambda column: pd.Series(column, dtype=object),
    "masked": lambda column: np.ma.array(column, mask=[value is None for value in column], dtype=object),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("column", ["model_a", "model_b", "winner"])
@pytest.mark.parametrize("value", [None, "", "tie "])
def test_a_bad_value_is_found_in_every_kind_of_column(kind: str, column: str, value: str | None) -> None:
    if value == "tie " and column != "winner":
        value = " "
    values = [*VOTES[column][:3], value, *VOTES[column][4:]]
    with pytest.raises(BadInput, match=rf"^row 4, {column}: (None|nan|<NA>|''|' '|'tie ') is "):
        encode({**VOTES, column: BAD[kind](values)})


WEIGHTS = {
    "polars": pl.Series([1.0, 2.0, None, 1.0, 1.0]),
    "pyarrow": pa.array([1, 2, None, 1, 1]),
    "pyarrow chunks": pa.chunked_array([[1.0, 2.0], [None, 1.0, 1.0]]),
    "pandas": pd.Series([1, 2, None, 1, 1]),
    "pandas nullable": pd.Series([1, 2, None, 1, 1], dtype="Int64"),
    "pandas over pyarrow": pd.Series([1, 2, None, 1, 1], dtype="double[pyarrow]"),
    "masked": np.ma.array([1.0, 2.0, 9.0, 1.0, 1.0], mask=[False, False, True, False, False]),
    "8 bits": np.array([1, 2, -3, 1, 1], dtype=np.int8),
    "long": np.array([1, 2, np.longdouble("1e400"), 1, 1], dtype=np.longdouble),
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_bad_weight_is_found_in_every_kind_of_column(kind: str) -> None:
    with pytest.raises(BadInput, match=r"^row 3, weight: .* is not a finite number above 0"):
        encode({**VOTES, "weight": WEIGHTS[kind]})


@pytest.mark.parametrize("column", [pl.Series, pa.array, pd.Series, np.array])
def test_true_and_false_are_no_numbers(column: Any) -> None:
    truths = column([True, True, False, True, True])
    for name, reason in (("weight", "is not a finite"), ("question_id", "is neither"), ("winner", "is none of")):
        with pytest.raises(BadInput, match=f"^row 1, {name}: True {reason}"):
            encode({**VOTES, name: truths})


TIMES = np.array(["2020-01-01", "2021-01-01", "NaT", "2020-01-01", "2020-01-01"], dtype="M8[ns]")


@pytest.mark.parametrize(
    "column", [np.array, pd.Series, pl.Series, pa.array], ids=["array", "pandas", "polars", "pyarrow"]
)
@pytest.mark.parametrize("times", [TIMES, TIMES - TIMES[0]], ids=["times", "lengths"])
def test_times_are_no_numbers(column: Any, times: Any) -> None:
    for name, reason in (("weight", "is not a finite"), ("question_id", "is neither"), ("model_a", "is not the name")):
        with pytest.raises(BadInput, match=rf"^row 1, {name}: .*{reason}"):
            encode({**VOTES, name: column(times)})


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "pandas", "arrays", "object arrays", "iterators"])
def test_counts_from_every_kind_of_table(kind: str) -> None:
    counts: Table = {"model_a": ["x", "y"], "model_b": ["y", "z"], "wins_a": [2, 0], "wins_b": [0, 1], "ties": [0, 3]}
    votes = encode(TABLES[kind](counts))
    assert votes.contenders == ("x", "y", "z")
    assert (votes.a.tolist(), votes.outcome.tolist(), listed(votes.weight)) == ([0, 1, 1], [0, 1, 2], [2.0, 1.0, 3.0])


BEYOND = 2**53 + 1  # no floating-point number


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([BEYOND, None, 7, 7, 7]),
        pa.array([BEYOND, None, 7, 7, 7]),
        pd.Series([BEYOND, None, 7, 7, 7], dtype="Int64"),
        pd.Series([BEYOND, None, 7, 7, 7], dtype="int64[pyarrow]"),
    ],
    ids=["polars", "pyarrow", "pandas nullable", "pandas over pyarrow"],
)
def test_a_long_id_beside_a_null_keeps_its_last_digit(column: Any) -> None:
    votes = encode({**VOTES, "question_id": column})
    assert (votes.questions, listed(votes.question)) == (("7", str(BEYOND)), [1, -1, 0, 0, 0])


def test_rows_are_counted_and_not_looked_up_by_a_frames_index() -> None:
    frame = pd.DataFrame({**VOTES, "weight": [1, 2, 0, 3, 4]}, index=[3, 2, 1, 0, 7])
    with pytest.raises(BadInput, match=r"^row 3, weight: 0 is not a finite number"):
        encode(frame)


def test_a_column_that_stands_twice_is_refused() -> None:
    frame = pd.DataFrame([["x", "w", "y", "tie"]], columns=["model_a", "model_a", "model_b", "winner"])
    with pytest.raises(BadInput, match="column model_a is not one column of values"):
        encode(frame)


integers = st.one_of(
    st.integers(0, 50), st.sampled_from([-(2**63), 2**40, 2**63 - 1]), st.integers(-(2**63), 2**63 - 1)
)


@given(st.lists(integers, min_size=1), st.booleans())
def test_integers_near_and_far_apart_come_back(values: list[int], shift: bool) -> None:
    array = np.array(values, dtype=np.int64)
    if shift:
        array = array.view(np.uint64)
    column = coded(array)
    assert [column.values[code] for code in column.codes] == array.tolist()
    assert sorted(column.values) == sorted(set(array.tolist()))  # type: ignore[type-var]
