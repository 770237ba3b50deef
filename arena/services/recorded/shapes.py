"""Values of a JSON record taken by their shape; what has another is refused by the field's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arena.services.files.raw import BadField, field_name, shown


@dataclass(frozen=True)
class Recorded:
    """One answer as a file records it. `question` is its id, where the file has one; `texts` are those by which it may
    be found; `contender` is None where the file does not say. `rest` are all other fields."""

    text: str
    rest: Mapping[str, object]
    question: str | int | None = None
    texts: tuple[str, ...] = ()
    contender: str | None = None


def said(fields: Mapping[str, object], field: str) -> str:
    """A text that says something."""
    value = fields.get(field)
    if not isinstance(value, str):
        raise BadField(field, "is missing" if value is None else f"must be text, not {shown(value)}")
    if not value.strip():
        raise BadField(field, "is empty")
    return value


def identity(fields: Mapping[str, object], field: str) -> str | int:
    """What a question is known by: text or an integer."""
    value = fields.get(field)
    if value is None or value == "":
        raise BadField(field, "is missing or empty")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadField(field, f"must be text or an integer, not {shown(value)}")
    return value


def only(value: object, field: str, what: str) -> Any:
    """The one item of a list."""
    if not isinstance(value, list):
        raise BadField(field, f"must be a list of one {what}")
    if len(value) != 1:
        raise BadField(field, f"must be a list of one {what}, and has {len(value)}")
    return value[0]


def mapping(value: object, field: str) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadField(field, "must be a JSON object" if value is not None else "is missing")
    return value


def without(fields: Mapping[str, object], *taken: str) -> dict[str, object]:
    """The fields that were not taken."""
    return {name: value for name, value in fields.items() if name not in taken}


def known_only(fields: Mapping[str, object], needed: tuple[str, ...]) -> None:
    """Refuse a record that lacks one of the fields by which its format is known."""
    for name in needed:
        if name not in fields:
            raise BadField(field_name(name), "is missing; is the file in the format that --from names?")
