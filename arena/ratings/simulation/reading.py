"""A truth from plain values, as a TOML file has them: every refusal names the table and the key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from arena.errors import BadInput
from arena.ratings.simulation.checks import check_number
from arena.ratings.simulation.truth import Assignment, Category, Contender, Judge, Questions, Raters, Riggers, Truth

_TABLES: dict[str, type] = {"questions": Questions, "raters": Raters, "assignment": Assignment, "riggers": Riggers}
_LISTS: dict[str, type] = {"contenders": Contender, "categories": Category, "judges": Judge}


def from_mapping(stated: Mapping[str, Any]) -> Truth:
    """The truth that a mapping of tables states. A contender has a `strength` in logits or `elo` (1000 is 0 logits).

    Raises BadInput naming the key for what is unknown, of another kind, or out of bounds.
    """
    known = {**_LISTS, **_TABLES}
    made: dict[str, Any] = {}
    for key, value in stated.items():
        if key not in known:
            raise BadInput(f"'{key}' is not part of a truth; its tables are {', '.join(known)}")
        made[key] = _list(key, value) if key in _LISTS else _made(f"{key}.", _TABLES[key], value)
    return Truth(**made)


def with_setting(stated: Mapping[str, Any], assignment: str) -> dict[str, Any]:
    """`stated` with one `TABLE.KEY=VALUE` more; the value is TOML, or a bare word taken as text. Raises BadInput."""
    path, equals, value = assignment.partition("=")
    table, dot, key = path.strip().partition(".")
    if not (equals and dot and key) or table not in _TABLES:
        raise BadInput(
            f"'{assignment}' is not of the form TABLE.KEY=VALUE, such as questions.sd=0.5, with a table of"
            f" {', '.join(_TABLES)}; contenders, categories and judges are stated in a file"
        )
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    before = stated.get(table, {})
    return {**stated, table: {**(before if isinstance(before, Mapping) else {}), key: parsed}}


def _list(key: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise BadInput(f"{key}: must be a list of tables, each under [[{key}]]")
    return tuple(
        _made(f"{key} {place}, ", _LISTS[key], _in_logits(place, table) if key == "contenders" else table)
        for place, table in enumerate(value, 1)
    )


def _in_logits(place: int, table: Any) -> Any:
    """A contender's `elo` as its `strength`."""
    where = f"contenders {place}, "
    if not isinstance(table, Mapping) or "elo" not in table:
        return table
    if "strength" in table:
        raise BadInput(f"{where}elo: is given beside strength; state one of them")
    check_number(f"{where}elo", table["elo"])
    rest = {key: value for key, value in table.items() if key != "elo"}
    return {**rest, "strength": (table["elo"] - 1000.0) * math.log(10.0) / 400.0}


def _made(where: str, made: type, table: Any) -> Any:
    if not isinstance(table, Mapping):
        raise BadInput(f"{where.rstrip('., ')}: must be a table of settings, not {table!r}")
    known = [each.name for each in fields(made)]
    for key in table:
        if key not in known:
            raise BadInput(f"{where}{key}: there is no such setting; there are {', '.join(known)}")
    if "name" in known and "name" not in table:
        raise BadInput(f"{where}name: is missing")
    try:
        return made(**table)
    except BadInput as error:
        raise BadInput(f"{where}{error}") from None
