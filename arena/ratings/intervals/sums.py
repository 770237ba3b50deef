"""Sums over groups of rows, and the products of these sums: what clustered variances are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.ratings.comparisons.coding import spans

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Groups = npt.NDArray[np.signedinteger[Any]]
Added = Callable[[Any], Sequence[tuple[Any, Any]]]
"""What each of some rows (a slice, or their indices) adds to its group: at which columns, (rows,), which values."""

DENSE = 8_000_000
"""Numbers up to which the sums of all groups are held as a full matrix."""
FEW = 16
"""Rows up to which a group's products are taken pair by pair. They are fewer then than the places of its sums."""
BLOCK = 262_144
"""Rows whose pairs are taken at a time."""


def sums(added: Added, of: Groups, size: int, width: int, kind: type[np.number[Any]]) -> npt.NDArray[Any]:
    """The sums of each group, (size, width), as numbers of this kind; `of`, (rows,), is the group of each row."""
    found = np.zeros(size * width, dtype=kind)
    for rows in spans(len(of)):
        begin = of[rows] * width
        for column, value in added(rows):
            np.add.at(found, begin + column, value)
    return found.reshape(size, width)


def products(added: Added, of: Groups, size: int, width: int) -> FloatArray:
    """The sum over all groups of s · sᵀ, (width, width), where s, (width,), are the sums of a group."""
    if size * width <= DENSE:
        found = sums(added, of, size, width, np.float64)
        return np.asarray(found.T @ found, dtype=np.float64)
    order = _by_group(of)
    group = of[order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    lengths = np.diff(begins, append=len(of))
    group = np.repeat(np.arange(len(begins)), lengths)
    result, large = np.zeros((width, width)), np.repeat(lengths > FEW, lengths)
    for some in _blocks(order[~large], group[~large]):
        result += _pairs(added, *some, width)
    return result + _large(added, order[large], group[large], width) if large.any() else result


def _large(added: Added, order: IntArray, group: IntArray, width: int) -> FloatArray:
    """The same as `products` for rows sorted by group, from the sums of as many groups at a time as DENSE allows."""
    number = np.cumsum(np.diff(group, prepend=group[0]) > 0)
    result, most = np.zeros((width, width)), max(1, DENSE // width)
    for begin in range(0, int(number[-1]) + 1, most):
        rows = slice(*np.searchsorted(number, [begin, begin + most]).tolist())
        found = sums(partial(_among, added, order[rows]), number[rows] - begin, most, width, np.float64)
        result += found.T @ found
    return result


def _among(added: Added, order: IntArray, some: Any) -> Sequence[tuple[Any, Any]]:
    return added(order[some])


def _by_group(of: Groups) -> IntArray:
    """The rows by group, and within it in their order."""
    rows = len(of)
    if (int(of.max()) + 1) * rows >= 2**63:
        return np.argsort(of, kind="stable")
    key = of.astype(np.int64) * rows  # sorting numbers is several times as fast as sorting indices by them
    key += np.arange(rows)
    key.sort()
    return key % rows


def _blocks(order: IntArray, group: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """About BLOCK rows at a time, with their groups; those of a group together."""
    begin = 0
    while begin < len(order):
        last = group[min(begin + BLOCK, len(order)) - 1]
        end = int(np.searchsorted(group, last, side="right"))
        yield order[begin:end], group[begin:end]
        begin = end


def _pairs(added: Added, order: IntArray, group: IntArray, width: int) -> FloatArray:
    """The same as `products` for rows sorted by group: each row by itself, and with each that follows in its group."""
    parts = [(np.broadcast_to(column, len(order)), value) for column, value in added(order)]
    own, others = np.zeros(width * width), np.zeros(width * width)
    for lag in range(len(order)):
        one = np.flatnonzero(group[lag:] == group[: len(group) - lag])
        if not len(one):
            break
        other = one + lag
        for column, value in parts:
            at, factor = column[one].astype(np.intp) * width, value[one]
            for second, worth in parts:
                np.add.at(others if lag else own, at + second[other], factor * worth[other])
    crossed = others.reshape(width, width)
    return own.reshape(width, width) + crossed + crossed.T
