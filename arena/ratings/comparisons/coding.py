"""Columns as distinct values and integers: what a value means is asked once, not in every row.

Columns are sequences, NumPy arrays, and those of pandas, polars and pyarrow. None of the three is imported here: a
column of theirs can only be given where its library is loaded already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.signedinteger[Any]]

_Kind = TypeVar("_Kind", bound=np.generic)

_LIBRARIES = frozenset({"pandas", "polars", "pyarrow"})
_CHUNK = 16_384
_BYTES = 256  # what a byte can number


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of rows as `values[codes]`. `codes` of shape (rows,); -1 where the column has a null.

    Every one of `values` occurs in the column. Two of them may be equal.
    """

    values: Sequence[object]
    codes: Codes

    def value(self, row: int) -> object:
        """What stands in a row, counted from 0; None for a null."""
        code = int(self.codes[row])
        return self.values[code] if code >= 0 else None


def coded(column: Any) -> Coded:
    """The distinct values of a column, and for each row which of them it has. Never raises for a value."""
    match library(column):
        case "polars":
            return _coded_polars(column)
        case "pyarrow":
            return _coded_arrow(column)
        case "pandas":
            return _coded_pandas(column)
    return _coded_array(column) if isinstance(column, np.ndarray) else _coded_sequence(column)


def library(value: object) -> str | None:
    """Which of pandas, polars and pyarrow a table or column belongs to, if any; subclasses too."""
    roots = (base.__module__.partition(".")[0] for base in type(value).__mro__)
    return next((root for root in roots if root in _LIBRARIES), None)


def spans(rows: int) -> Iterator[slice]:
    """All rows, some at a time: what is made of so few stays in the processor's cache, and in memory already held."""
    for begin in range(0, rows, _CHUNK):
        yield slice(begin, min(begin + _CHUNK, rows))


def looked_up(table: npt.NDArray[_Kind], codes: npt.NDArray[Any]) -> npt.NDArray[_Kind]:
    """`table[codes]`, of shape (rows,); -1 finds the last of the table, which must hold something if there are rows."""
    found = np.empty(len(codes), dtype=table.dtype)
    held = np.empty(min(_CHUNK, len(codes)), dtype=np.intp)  # in which NumPy takes indices
    for rows in spans(len(codes)):
        at = held[: rows.stop - rows.start]
        at[:] = codes[rows]
        table.take(at, out=found[rows], mode="wrap")
    return found


def listed(column: npt.NDArray[Any]) -> list[Any]:
    """The values of an array as Python's own, masked ones as None. Times stay as they are: some would be numbers."""
    values: list[Any] = list(column) if column.dtype.kind in "mM" else column.tolist()
    return values


def _coded_sequence(column: Sequence[object]) -> Coded:
    try:
        values, codes = _numbered(column)
        if any(isinstance(value, int | float) for value in values) and len(set(map(type, column))) > 1:
            # 1, 1.0 and True are one key to a dict, and not one value to us.
            pairs, codes = _numbered(list(zip(map(type, column), column, strict=True)))
            values = [value for _, value in pairs]
    except TypeError:  # a list or the like among the values cannot be a key; each row stands for itself
        return Coded(column, np.arange(len(column), dtype=np.int32))
    return Coded(values, codes)


def _numbered(column: Any) -> tuple[list[Any], Codes]:
    """The distinct values of a sequence or array, as a dict tells them apart, and which of them each row has."""
    index: dict[Any, Any] = {}  # no subclass that numbers what is missing: looking up in one takes half as long again
    codes = np.empty(len(column), dtype=np.int32)
    for rows in spans(len(column)):
        chunk = column[rows]
        if isinstance(chunk, np.ndarray):
            chunk = chunk.tolist()
        try:
            found = _found(index, chunk)
        except KeyError:
            _number(index, chunk)
            found = _found(index, chunk)
        few = len(index) <= _BYTES
        codes[rows] = np.frombuffer(bytes(found) if few else b"".join(found), dtype=np.uint8 if few else np.int32)
    return list(index), codes


def _found(index: dict[Any, Any], values: Sequence[Any]) -> tuple[Any, ...]:
    return itemgetter(*values)(index) if len(values) > 1 else (index[values[0]],)


def _number(index: dict[Any, Any], values: Sequence[Any]) -> None:
    """Number those of the values that have no number yet, in their order.

    As Python integers while a byte holds them all, then as the bytes of an int32: NumPy takes over either in a fraction
    of the time that it needs for as many integers.
    """
    new, known = [value for value in dict.fromkeys(values) if value not in index], len(index)
    few = known + len(new) <= _BYTES
    if not few and known <= _BYTES:
        index.update({value: number.to_bytes(4, sys.byteorder) for value, number in index.items()})
    numbers = range(known, known + len(new))
    index.update(zip(new, numbers if few else [number.to_bytes(4, sys.byteorder) for number in numbers], strict=True))


def _coded_array(column: npt.NDArray[Any]) -> Coded:
    kind = column.dtype.kind
    if kind == "O" or isinstance(column, np.ma.MaskedArray) or kind not in "iufUT":
        return _coded_sequence(listed(column))
    if kind in "UT":
        return Coded(*_numbered(column))
    if kind == "f":
        return _sorted(column)
    return _coded_integers(column)


def _coded_integers(column: npt.NDArray[Any]) -> Coded:
    low, high = int(column.min()), int(column.max())
    if high - low > 4 * len(column) + 1000:  # far apart: sorting costs less than a table of all between
        return _sorted(column)
    occurs = np.zeros(high - low + 1, dtype=np.bool_)
    for rows in spans(len(column)):
        occurs[_beyond(low, column[rows])] = True
    values = [low + at for at in np.flatnonzero(occurs).tolist()]
    if low == 0 and len(values) == len(occurs) and column.dtype.kind == "i":  # they number themselves
        return Coded(values, column)
    table, codes = (np.cumsum(occurs) - 1).astype(np.int32), np.empty(len(column), dtype=np.int32)
    for rows in spans(len(column)):
        codes[rows] = table[_beyond(low, column[rows])]
    return Coded(values, codes)


def _beyond(low: int, column: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    # In 64 bits, since the distances of 8-bit integers can exceed 8 bits; that of signs is settled by their span.
    wide = np.uint64 if column.dtype.kind == "u" else np.int64
    beyond: npt.NDArray[np.int64] = np.subtract(column, low, dtype=wide).view(np.int64)
    return beyond


def _sorted(column: npt.NDArray[Any]) -> Coded:
    start = column[:_CHUNK]
    if column.dtype.kind != "f" and 2 * len(np.unique_values(start)) < len(start):
        # Few values, many times each: finding them by hash and each row by bisection takes half the time of sorting.
        found = np.sort(np.unique_values(column))
        return Coded(found.tolist(), np.searchsorted(found, column))
    values, codes = np.unique(column, return_inverse=True)
    return Coded(values.tolist(), codes)


def _coded_polars(column: Any) -> Coded:
    polars: Any = sys.modules["polars"]
    kind = column.dtype
    if kind in (polars.String, polars.Categorical, polars.Enum):
        distinct = column.drop_nulls().unique().cast(polars.String)
        codes = column.cast(polars.Enum(distinct)).to_physical().cast(polars.Int32).fill_null(-1).to_numpy()
        return Coded(distinct.to_list(), codes)
    if kind.is_integer() and not column.null_count():
        return _coded_array(column.to_numpy())
    return _coded_array(column.to_numpy()) if kind.is_float() else _coded_sequence(column.to_list())


def _coded_arrow(column: Any) -> Coded:
    pyarrow: Any = sys.modules["pyarrow"]
    types = pyarrow.types
    kind = column.type
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    if is_text:
        column = column.dictionary_encode()
    if types.is_dictionary(column.type):
        if hasattr(column, "combine_chunks"):  # gives the chunks one dictionary
            column = column.combine_chunks()
        indices = column.indices.cast(pyarrow.int32())
        if indices.null_count:
            indices = indices.fill_null(-1)
        values, codes = column.dictionary.to_pylist(), indices.to_numpy(zero_copy_only=False)
        return Coded(values, codes) if is_text else _of_categories(values, codes)
    if types.is_floating(kind) or (types.is_integer(kind) and not column.null_count):
        return _coded_array(column.to_numpy(zero_copy_only=False))
    return _coded_sequence(column.to_pylist())


def _coded_pandas(column: Any) -> Coded:
    array = getattr(column, "array", column)
    if hasattr(array, "categories") and hasattr(array, "codes"):
        return _of_categories(array.categories.tolist(), np.asarray(array.codes))
    if hasattr(array, "__arrow_array__") and "pyarrow" in sys.modules:
        return _coded_arrow(array.__arrow_array__())
    return _coded_array(np.asarray(column))


def _of_categories(values: Sequence[object], codes: Codes) -> Coded:
    """Without the categories that no row has."""
    occurs = np.zeros(len(values) + 1, dtype=np.bool_)
    for rows in spans(len(codes)):
        occurs[codes[rows]] = True
    occurs = occurs[:-1]  # without where -1 points to
    if occurs.all():
        return Coded(values, codes)
    table = np.append(np.cumsum(occurs) - 1, -1).astype(np.int32)
    return Coded([values[at] for at in np.flatnonzero(occurs).tolist()], looked_up(table, codes))
