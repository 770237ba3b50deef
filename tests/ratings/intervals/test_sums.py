"""Sums over groups and their products, beside a plain loop over the groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.ratings.comparisons import coding
from arena.ratings.intervals import sums as module
from arena.ratings.intervals.sums import cells, numbered, products, sums

WIDTH = 5


def added(rows: int, seed: int) -> tuple[module.Added, npt.NDArray[np.float64]]:
    """Two columns with values of each of so many rows, and one value in the last; also as a full matrix."""
    rng = np.random.default_rng(seed)
    one, other = rng.integers(WIDTH - 1, size=(2, rows))
    values = rng.normal(size=(3, rows))
    full = np.zeros((rows, WIDTH))
    for column, value in zip((one, other, np.full(rows, WIDTH - 1)), values, strict=True):
        full[np.arange(rows), column] += value

    def of_rows(some: Any) -> list[tuple[Any, Any]]:
        return [(one[some], values[0, some]), (other[some], values[1, some]), (WIDTH - 1, values[2, some])]

    return of_rows, full


def by_hand(full: npt.NDArray[np.float64], of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    total = np.zeros((WIDTH, WIDTH))
    for group in np.unique(of):
        whole = full[of == group].sum(axis=0)
        total += np.outer(whole, whole)
    return total


@given(rows=st.integers(1, 60), groups=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_sums_are_those_of_each_group(rows: int, groups: int, seed: int) -> None:
    of_rows, full = added(rows, seed)
    of = np.random.default_rng(seed + 1).integers(groups, size=rows)
    found = sums(of_rows, of, groups, WIDTH, np.float64)
    expected = [full[of == group].sum(axis=0) for group in range(groups)]
    assert found == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("dense", [1_000_000, 12, 0], ids=["dense", "some groups at a time", "one group at a time"])
@pytest.mark.parametrize(("few", "block"), [(16, 262_144), (3, 7), (1, 1), (0, 4)])
@given(rows=st.integers(1, 60), groups=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_products_are_the_same_on_every_way(
    dense: int, few: int, block: int, rows: int, groups: int, seed: int
) -> None:
    of_rows, full = added(rows, seed)
    of = np.random.default_rng(seed + 1).integers(groups, size=rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DENSE", dense)
        patch.setattr(module, "FEW", few)
        patch.setattr(module, "BLOCK", block)
        assert products(of_rows, of, groups, WIDTH) == pytest.approx(by_hand(full, of), abs=1e-9)


def test_the_numbers_of_groups_may_be_far_apart_and_of_any_width() -> None:
    of_rows, full = added(5, 3)
    of = np.array([7, 2**62, 7, 0, 2**62])
    assert products(of_rows, of, 2**62 + 1, WIDTH) == pytest.approx(by_hand(full, of), abs=1e-9)
    narrow = np.array([30_000, 2, 30_000, 0, 2], dtype=np.int16)
    assert products(of_rows, narrow, 2**40, WIDTH) == pytest.approx(by_hand(full, narrow.astype(np.int64)), abs=1e-9)


@pytest.mark.parametrize("dense", [1_000_000, 0], ids=["dense", "sorted"])
@pytest.mark.parametrize(("chunk", "far"), [(16_384, 0), (7, 0), (1, 2**31)])
@given(rows=st.integers(0, 60), groups=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_cells_are_the_places_of_the_sums_that_are_not_0(
    dense: int, chunk: int, far: int, rows: int, groups: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    of, size = rng.integers(groups, size=rows), groups
    column, value = rng.integers(WIDTH, size=(2, rows)), rng.integers(3, size=(2, rows))
    full = np.zeros((groups, WIDTH), dtype=int)
    for row in range(rows):
        for part in range(2):
            full[of[row], column[part, row]] += value[part, row]
    if far and not dense:
        of, size = of + far, groups + far
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DENSE", dense)
        patch.setattr(coding, "_CHUNK", chunk)
        at, found = cells(lambda some: [(column[part, some], value[part, some]) for part in range(2)], of, size, WIDTH)
    expected = np.flatnonzero(full)
    first = far * WIDTH if far and not dense else 0
    assert at.tolist() == (expected + first).tolist()
    assert found.tolist() == full.ravel()[expected].tolist()


@given(of=st.lists(st.integers(0, 2**40), min_size=1))
def test_groups_are_numbered_anew_in_their_order(of: list[int]) -> None:
    found, groups = numbered(np.array(of))
    distinct = sorted(set(of))
    assert (found.tolist(), groups) == ([distinct.index(group) for group in of], len(distinct))
