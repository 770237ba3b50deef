"""Bounds of the numbers and texts that a truth is stated in, and the sentences for what is out of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import field, fields
from typing import Any

from arena.errors import BadInput

NAME_CHARS = 200
_HUGE = 1e6


def bounded(default: float, *, least: float = -_HUGE, most: float = _HUGE) -> Any:
    """A dataclass field for a number within these bounds; whole where its annotation is `int`."""
    return field(default=default, metadata={"least": least, "most": most})


def check_numbers(made: Any) -> None:
    """Raise BadInput, naming the first field of a dataclass that holds no number within its bounds."""
    for each in fields(made):
        if "least" in each.metadata:
            check_number(
                each.name, getattr(made, each.name), each.metadata["least"], each.metadata["most"], each.type == "int"
            )


def check_number(name: str, value: Any, least: float = -_HUGE, most: float = _HUGE, whole: bool = False) -> None:
    """Raise BadInput where `value` is no finite number, or no whole one, from `least` to `most`."""
    kinds = int if whole else (int, float)
    fits = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value) and least <= value <= most
    if not fits:
        kind = "a whole number" if whole else "a number"
        raise BadInput(f"{name}: must be {kind} from {least:,g} to {most:,g}, not {value!r}")


def check_name(name: str, value: Any) -> None:
    """Raise BadInput where `value` cannot name something in an exchange file."""
    fits = isinstance(value, str) and value.splitlines() == [value] and len(value) <= NAME_CHARS
    if not fits or value != value.strip() or any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in value):
        raise BadInput(f"{name}: must be a text of 1 to {NAME_CHARS} characters on one line, not {value!r}")


def check_distinct(what: str, names: list[str]) -> None:
    """Raise BadInput where two of the names are the same."""
    twice, times = next(iter(Counter(names).most_common(1)), ("", 0))
    if times > 1:
        raise BadInput(f"{what}: two have the name {twice!r}; each needs its own")


def check_known(where: str, given: Any, names: list[str]) -> None:
    """Raise BadInput where `given` is no table of numbers by contender."""
    if not hasattr(given, "items"):
        raise BadInput(f"{where}: must be a table of contenders and logits, such as {{ name = 0.3 }}, not {given!r}")
    for name, value in given.items():
        if name not in names:
            raise BadInput(f"{where}: there is no contender {name!r}; there are {', '.join(map(repr, names[:20]))}")
        check_number(f"{where}.{name}", value)
