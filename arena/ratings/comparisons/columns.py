"""Tables of any kind as columns by name, and columns of numbers.

Tables are mappings of columns, NumPy record arrays, and the frames of pandas, polars and pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.coding import library, listed

FloatArray = npt.NDArray[np.float64]


def columns_of(table: object, wanted: Iterable[str]) -> dict[str, Any]:
    """Those of the wanted columns that the table has, each with a length. A column given as None is absent.

    Raises BadInput where `table` is no table, and where a column is text, a single value, or has two dimensions.
    """
    names = _names(table)
    held: Any = table
    given = {name: held[name] for name in wanted if name in names}
    return {name: _sized(column, name) for name, column in given.items() if column is not None}


def numbers(column: Any) -> FloatArray:
    """A column of numbers, shape (rows,); NaN where a row holds none. True and False are no numbers."""
    if library(column) or (isinstance(column, np.ndarray) and not isinstance(column, np.ma.MaskedArray)):
        column = np.asarray(column)
        if column.dtype.kind in "iuf":
            with np.errstate(over="ignore"):  # what is too large for 64 bits becomes infinite, and is refused as such
                return np.asarray(column, dtype=np.float64)
    values = listed(column) if isinstance(column, np.ndarray) else column
    if set(map(type, values)) <= {int, float, np.int64, np.float64}:
        try:
            return np.fromiter(values, np.float64, len(values))
        except OverflowError:
            pass
    return np.fromiter(map(_number, values), np.float64, len(values))


def value_at(column: Any, row: int) -> object:
    """What stands in a row of a column, counted from 0, as Python's own kind of value where there is one."""
    value = column.iloc[row] if hasattr(column, "iloc") else column[row]
    if isinstance(value, np.generic):
        return value.item()
    return value.as_py() if library(value) == "pyarrow" else value


def _names(table: object) -> Iterable[object]:
    kind = type(table)
    if isinstance(table, Mapping):
        return table.keys()
    if isinstance(table, np.ndarray) and table.dtype.names:
        return tuple(table.dtype.names)
    if library(table) and hasattr(kind, "__len__") and hasattr(kind, "columns"):  # a lazy frame has no rows yet
        frame: Any = table
        names = frame.column_names if hasattr(kind, "column_names") else frame.columns
        return tuple(names)
    raise BadInput(f"votes must be a mapping of columns or a frame of pandas, polars or pyarrow, not {kind.__name__}")


def _sized(column: Any, name: str) -> Any:
    if isinstance(column, str | bytes) or getattr(column, "ndim", 1) != 1:
        raise BadInput(f"column {name} is not one column of values; give a sequence with a value for each row")
    if isinstance(column, list | tuple | np.ndarray) or library(column):
        return column
    try:
        return list(column)
    except TypeError:
        raise BadInput(f"column {name} is a single {type(column).__name__}; give one value for each row") from None


def _number(value: object) -> float:
    # A length of time is an integer to NumPy, and no number to us.
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | float | np.integer | np.floating):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf")
