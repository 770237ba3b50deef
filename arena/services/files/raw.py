"""Records as a file gives them, the limits they must keep to, and the check that every value passes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from arena.domain.text import refused_character
from arena.errors import Problem

FileFormat = Literal["jsonl", "csv", "parquet"]

MAX_NAME_CHARS = 200
"""Longest id, contender, category or field name, in characters."""


@dataclass(frozen=True)
class Limits:
    """How much of a file is taken before it is refused. `depth` counts the record itself as 1."""

    file_bytes: int = 256 * 1024 * 1024
    decompressed_bytes: int = 1024 * 1024 * 1024
    rows: int = 5_000_000
    field_chars: int = 200_000
    depth: int = 20

    @property
    def record_bytes(self) -> int:
        """The longest record in bytes: a field at its limit in four-byte characters, and as much again as a quarter."""
        return 5 * self.field_chars


@dataclass(frozen=True)
class RawRecord:
    """One record: where it stands ("line 3", "row 7") and its fields, not yet told apart by meaning."""

    where: str
    fields: Mapping[str, object]


Entry: TypeAlias = RawRecord | Problem
"""What a reader gives for one record: the record, or what is wrong with it."""


class Unreadable(Exception):
    """The file cannot be read any further. Turned into an error for people where the file's name is known."""

    def __init__(self, reason: str, where: str | None = None, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.where, self.field = reason, where, field


class BadField(Exception):
    """One record is wrong, in `field` or (None) as a whole; the records after it can still be read."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason

    def at(self, where: str) -> Problem:
        """The problem that is reported, at its place in the file."""
        return Problem(where, self.field, self.reason)


def shown(value: object) -> str:
    """A value from a file as a message may hold it: short, on one line, nothing a terminal would act upon."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:60] + "…")
    return repr(value) if isinstance(value, bool | int | float) else type(value).__name__


def field_name(name: str) -> str:
    """A field's name as a message may hold it: as it is where that is harmless, else quoted and escaped."""
    return name if name.isprintable() and 0 < len(name) <= 60 else shown(name)


def check_fields(fields: Mapping[str, object], limits: Limits) -> None:
    """Check each value of a record, nested ones too. Raises BadField with the name of the record's own field."""
    if _is_plain(fields, limits):
        return
    for name, value in fields.items():
        label = field_name(name)
        if len(name) > MAX_NAME_CHARS:
            raise BadField(label, f"a field's name may have at most {MAX_NAME_CHARS} characters")
        for text in _texts(label, {name: value}):
            _check_text(label, text, limits)


def _is_plain(fields: Mapping[str, object], limits: Limits) -> bool:
    """Whether all is text without fault, told in one look, as of nearly every record; False says nothing."""
    texts = [value for value in fields.values() if isinstance(value, str)]
    if len(texts) < len(fields) and any(value is not None and not isinstance(value, str) for value in fields.values()):
        return False
    text = "".join([*fields, *texts])
    fits = len(text) <= limits.field_chars and max(map(len, fields), default=0) <= MAX_NAME_CHARS
    return fits and not refused_character(text)


def _texts(label: str, value: object) -> list[str]:
    """All strings within a JSON value (keys as well). Its nesting was limited when it was read."""
    texts: list[str] = []
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                texts.append(text)
            case float() as number if not math.isfinite(number):
                raise BadField(label, "holds a number that cannot be kept: NaN, infinite or too large")
            case list() as items:
                pending.extend(items)
            case dict() as inner:
                pending.extend(inner.keys())
                pending.extend(inner.values())
    return texts


def _check_text(label: str, text: str, limits: Limits) -> None:
    if len(text) > limits.field_chars:
        raise BadField(label, f"has {len(text):,} characters; at most {limits.field_chars:,} are allowed")
    if not (found := refused_character(text)):
        return
    code = ord(found[0])
    if code == 0:
        raise BadField(label, "holds a NUL character; remove it")
    kind = "half of a surrogate pair" if code >= 0xD800 else "the control character"
    raise BadField(label, f"holds {kind} U+{code:04X} at character {found.start() + 1}; remove it")
