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


def cells(added: Added, of: Groups, size: int, width: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The sums of each group that are not 0, and where they are: group · width + column, ascending; (cells,) each.

    The values that are added are 0, 1 or 2.
    """
    if size * width <= DENSE:
        every = sums(added, of, size, width, np.int32).ravel()
        at = np.flatnonzero(every)
        return at, every[at]
    key = _keys(added, of, size, width)
    key.sort()
    return _totals(key)


def _keys(added: Added, of: Groups, size: int, width: int) -> npt.NDArray[Any]:
    """What is added, as numbers that sort by their place: four times the place and the value, where that is not 0."""
    kind: type[np.integer[Any]] = np.uint32 if 4 * size * width <= 2**32 else np.int64  # the shorter sorts sooner
    keys = [np.zeros(0, dtype=kind)]
    for rows in spans(len(of)):
        begin = of[rows].astype(np.int64) * width
        for column, value in added(rows):
            keys.append((4 * (begin + column) + value)[value > 0].astype(kind))
    return np.concatenate(keys)


def _totals(key: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The places that these sorted `_keys` speak of, each once, and the sums of their values."""
    at, found, before, written = [key[:0]], [np.zeros(0, dtype=np.int32)], 0, 0
    for rows in spans(len(key)):
        place, after = key[rows] >> 2, key[rows.start + 1 : rows.stop + 1] >> 2
        last = np.append(np.flatnonzero(place[: len(after)] != after), np.arange(len(after), len(place)))
        total = before + np.cumsum(key[rows] & 3, dtype=np.int64)
        at.append(place[last])
        found.append(np.diff(total[last], prepend=written).astype(np.int32))
        before, written = int(total[-1]), int(total[last[-1]]) if len(last) else written
    return np.concatenate(at), np.concatenate(found)


def numbered(of: Groups) -> tuple[IntArray, int]:
    """The groups of the rows, (rows,), numbered anew from 0 in their order, and how many there are."""
    order = _by_group(of)
    number = np.cumsum(np.diff(of[order], prepend=of[order[:1]]) > 0)
    found = np.empty(len(of), dtype=np.int64)
    found[order] = number
    return found, int(number[-1]) + 1


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
