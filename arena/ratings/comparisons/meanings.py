"""What the values of a column mean, and what is said of the first row whose value means nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.coding import Coded, coded, looked_up
from arena.ratings.comparisons.columns import numbers, value_at

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
Columns = Mapping[str, Any]

MOST = 2**53
"""Below it, and not beyond, every whole number is a floating-point number of its own."""
WIDEST = 1e8
"""How many times the smallest weight the largest may be: with more, sums and fits lose the small ones to rounding."""

_LONGEST_ID = 4096  # bits; Python refuses to write out integers much longer


def sides(columns: Columns) -> tuple[tuple[str, ...], IntArray, IntArray]:
    """The names in `model_a` and `model_b`, sorted, and both columns, shape (rows,), as indices of these.

    Raises BadInput for a name that is no text or blank, and for a contender compared with itself.
    """
    side_a = coded(columns["model_a"])
    names_a = _meant(side_a, _name, "model_a", _not_a_name)
    side_b = coded(columns["model_b"])
    names_b = _meant(side_b, _name, "model_b", _not_a_name)
    contenders = tuple(sorted({*names_a, *names_b}))
    a, b = _placed(side_a, names_a, contenders), _placed(side_b, names_b, contenders)
    if (same := a == b).any():
        row = int(np.argmax(same))
        name = repr(contenders[b[row]])
        raise BadInput(f"row {row + 1}, model_b: {name} is compared with itself; remove the row or correct a name")
    return contenders, a, b


def labels(columns: Columns, name: str, known: Sequence[str]) -> npt.NDArray[np.int8]:
    """A column of labels, shape (rows,), as indices of the known ones. Raises BadInput for any other."""
    column = coded(columns[name])
    given = _meant(
        column,
        lambda value: str.__str__(value) if isinstance(value, str) and value in known else None,
        name,
        lambda value: f"{_shown(value)} is none of {', '.join(known)}",
    )
    return looked_up(np.array([known.index(label) for label in given], dtype=np.int8), column.codes)


def ids(columns: Columns, name: str) -> tuple[tuple[str, ...], IntArray | None]:
    """The ids of a column, sorted as text, and the column, shape (rows,), as indices of these; -1 where there is none.

    None in place of the array where no row has one. Raises BadInput for what is neither text nor a whole number.
    """
    if name not in columns:
        return (), None
    column = coded(columns[name])
    given = _meant(column, _id, name, lambda value: f"{_shown(value)} is neither text nor a whole number", nulls=True)
    known = tuple(sorted({key for key in given if key}))
    return known, _placed(column, given, known) if known else None


def weights(columns: Columns) -> FloatArray | None:
    """The column `weight`, shape (rows,); None where it is absent or 1 everywhere.

    Raises BadInput for what is no finite number above 0, and where the largest is more than WIDEST times the smallest.
    """
    if "weight" not in columns:
        return None
    weight = numbers(columns["weight"])
    good = (weight > 0) & np.isfinite(weight)
    _check_rows(good, columns, "weight", "is not a finite number above 0; remove the row or correct its weight")
    if weight.max() / WIDEST > weight.min():
        row = int(np.argmin(weight))
        smallest, largest = _shown(value_at(columns["weight"], row)), _shown(float(weight.max()))
        raise BadInput(
            f"row {row + 1}, weight: {smallest} is too small beside the largest weight, {largest}, which may be at most"
            f" {WIDEST:,.0f} times the smallest; remove the row or correct a weight"
        )
    return None if (weight == 1).all() else weight


def counts(columns: Columns, names: Sequence[str]) -> FloatArray:
    """Columns of whole numbers from 0 and below MOST, shape (rows, names); an absent one is 0. Raises BadInput."""
    result = np.zeros((len(columns[names[0]]), len(names)))
    for at, name in enumerate(names):
        if name in columns:
            result[:, at] = count = numbers(columns[name])
            good = (count >= 0) & (count < MOST) & (count == np.floor(count))
            _check_rows(good, columns, name, "is not a count; it must be a whole number from 0")
    return result


def _check_rows(good: npt.NDArray[np.bool_], columns: Columns, name: str, reason: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise BadInput(f"row {row + 1}, {name}: {_shown(value_at(columns[name], row))} {reason}")


def _meant(
    column: Coded,
    meaning: Callable[[object], str | None],
    name: str,
    reason: Callable[[object], str],
    *,
    nulls: bool = False,
) -> list[str]:
    """What each distinct value means, in the order of `column.values`. Raises BadInput with the first bad row."""
    meant = [meaning(value) for value in column.values]
    if None in meant or (not nulls and column.codes.min() < 0):
        bad = np.array([*(value is None for value in meant), not nulls])  # the -1 of a null points to the last
        row = int(np.argmax(bad[column.codes]))
        raise BadInput(f"row {row + 1}, {name}: {reason(column.value(row))}")
    return [value for value in meant if value is not None]


def _placed(column: Coded, names: Sequence[str], known: Sequence[str]) -> IntArray:
    place = {name: index for index, name in enumerate(known)}
    return looked_up(np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int32), column.codes)


def _name(value: object) -> str | None:
    return str.__str__(value) if isinstance(value, str) and value.strip() else None


def _not_a_name(value: object) -> str:
    return f"{_shown(value)} is not the name of a contender; it must be non-empty text"


def _id(value: object) -> str | None:
    """The text of an id, empty for what stands for none; None where it is no id."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas' own, which equal nothing
        return ""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float | np.floating):
        return _whole(float(value))
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
        return None
    return str(int(value)) if int(value).bit_length() <= _LONGEST_ID else None


def _whole(value: float) -> str | None:
    """Beside missing ones, some tables turn whole numbers to floating-point numbers."""
    if np.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < MOST else None


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer too long to be written out
        text = f"this {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"
