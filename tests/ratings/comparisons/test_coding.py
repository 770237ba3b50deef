"""Columns as distinct values and integers, where they are longer than what is taken at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from arena.ratings.comparisons import coding
from arena.ratings.comparisons.coding import coded, looked_up
from arena.ratings.comparisons.votes import OUTCOMES, Votes, pair_counts

ROWS = 50_000  # several times what is taken at a time


def text(distinct: int) -> list[str]:
    """The last values occur only towards the end."""
    rng = np.random.default_rng(distinct)
    numbers = np.minimum(rng.integers(distinct, size=ROWS), np.arange(ROWS) * distinct // ROWS)
    return [f"name {number}" for number in numbers.tolist()]


KINDS = {
    "list": lambda column: column,
    "tuple": tuple,
    "array of text": np.array,
    "array of objects": lambda column: np.array(column, dtype=object),
    "pandas": pd.Series,
    "polars": pl.Series,
    "pyarrow": pa.array,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("distinct", [1, 255, 256, 257, 20_000])
def test_every_row_finds_its_value(kind: str, distinct: int) -> None:
    column = text(distinct)
    found = coded(KINDS[kind](column))
    assert [found.values[code] for code in found.codes.tolist()] == column
    assert sorted(found.values) == sorted(set(column))  # type: ignore[type-var]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
@pytest.mark.parametrize("low", [0, 3, -100])
@pytest.mark.parametrize("gaps", [False, True])
def test_every_row_finds_its_integer(kind: str, low: int, gaps: bool) -> None:
    low = abs(low) if kind.startswith("u") else low
    numbers = low + np.random.default_rng(5).integers(60, size=ROWS) * (2 if gaps else 1)
    column = numbers.clip(max=min(np.iinfo(kind).max, 2**62)).astype(kind)
    found = coded(column)
    assert [found.values[code] for code in found.codes.tolist()] == column.tolist()
    assert sorted(found.values) == sorted(set(column.tolist()))  # type: ignore[type-var]


def test_a_value_that_first_stands_alone_in_the_last_part_is_found() -> None:
    column = ["a"] * coding._CHUNK + ["b"]
    found = coded(column)
    assert (found.values, found.codes[-2:].tolist()) == (["a", "b"], [0, 1])


@pytest.mark.parametrize("kind", ["int8", "int32", "int64"])
def test_looking_up_is_indexing(kind: str) -> None:
    table: Any = np.random.default_rng(6).normal(size=100)
    codes = np.random.default_rng(7).integers(-1, 100, size=ROWS).astype(kind)
    assert np.array_equal(looked_up(table, codes), table[codes])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_long_columns_are_counted_as_row_by_row(kind: str, weighted: bool) -> None:
    rng = np.random.default_rng(8)
    a = rng.integers(7, size=ROWS)
    b = (a + rng.integers(1, 7, size=ROWS)) % 7
    outcome = rng.integers(len(OUTCOMES), size=ROWS).astype(np.int8)
    weight = rng.uniform(0.5, 2.0, ROWS) if weighted else None
    # The dtype of the arrays must not matter, although encode makes those of 32 bits.
    votes = Votes(tuple("abcdefg"), (), (), a.astype(kind), b.astype(kind), outcome, None, None, weight)
    wins, ties, tally = np.zeros((7, 7)), np.zeros((7, 7)), np.zeros((7, 4), dtype=int)
    for one, other, said, mass in zip(a, b, outcome, np.ones(ROWS) if weight is None else weight, strict=True):
        if said < 2:
            wins[(one, other) if said == 0 else (other, one)] += mass
        else:
            ties[one, other] += mass
            ties[other, one] += mass
        tally[one, said] += 1
        tally[other, said if said >= 2 else 1 - said] += 1
    got_wins, got_ties = pair_counts(votes)
    assert got_wins == pytest.approx(wins, rel=1e-12)
    assert got_ties == pytest.approx(ties, rel=1e-12)
    assert votes.tally().tolist() == tally.tolist()
    again_wins, _ = pair_counts(votes)  # what was counted once stays as it was
    assert np.array_equal(again_wins, got_wins)
