"""The fields of one record: each call takes one out by its meaning, and what is left is kept as JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from arena.services.files.jsonlines import loads
from arena.services.files.raw import MAX_NAME_CHARS, BadField, Limits, check_fields, shown

E = TypeVar("E", bound=StrEnum)

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_MOST = 2**53  # from here on, a number that some other program wrote may have lost its last digits
_LATEST_SECONDS = 1e11  # the year 5138; a larger number counts milliseconds


class Fields:
    """What is left of a record's fields. An absent field, null and empty text are the same: not given.

    Each method raises BadField with the field's name.
    """

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._left = dict(fields)

    def _take(self, field: str) -> object:
        value = self._left.pop(field, None)
        return None if value == "" else value

    def rest(self) -> str:
        """The fields not taken, as JSON with sorted keys and without spaces."""
        return _JSON.encode(self._left) if self._left else "{}"

    def optional_text(self, field: str) -> str | None:
        """Any text."""
        value = self._take(field)
        if value is None or isinstance(value, str):
            return value
        raise BadField(field, f"must be text, not {shown(value)}")

    def text(self, field: str) -> str:
        """Text that says something."""
        value = self.optional_text(field)
        if value is None or not value.strip():
            raise BadField(field, "is missing or empty")
        return value

    def label(self, field: str, limit: int = MAX_NAME_CHARS) -> str | None:
        """A short text on one line, such as a category."""
        value = self.optional_text(field)
        if value is not None:
            _check_line(field, value, limit)
        return value

    def optional_name(self, field: str) -> str | None:
        """What identifies something: text on one line, or an integer, which is taken as its decimal digits."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise BadField(field, f"must be text or an integer, not {shown(value)}")
        _check_line(field, value, MAX_NAME_CHARS)
        if value != value.strip():
            raise BadField(field, f"begins or ends with white space: {shown(value)}")
        return value

    def name(self, field: str) -> str:
        """A name that must be given."""
        value = self.optional_name(field)
        if value is None:
            raise BadField(field, "is missing or empty")
        return value

    def word(self, field: str, words: type[E]) -> E | None:
        """One of the words of an enumeration, written exactly so."""
        value = self._take(field)
        if value is None:
            return None
        if not isinstance(value, str) or value not in set(words):
            raise BadField(field, f"is {shown(value)}; it must be one of {', '.join(words)}")
        return words(value)

    def flag(self, field: str) -> bool:
        """True or false; not given is false."""
        value = self._take(field)
        if value is None or isinstance(value, bool):
            return bool(value)
        if value in ("true", "True", "false", "False"):
            return value in ("true", "True")
        raise BadField(field, f"must be true or false, not {shown(value)}")

    def count(self, field: str) -> int | None:
        """A whole number from 0."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 <= value < _MOST
            and value == int(value)
        ):
            return int(value)
        raise BadField(field, f"is {shown(value)}; it must be a whole number from 0")

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts; in CSV it is written as JSON."""
        value = self._take(field)
        reason = 'must be a list of texts (in CSV as JSON: ["…", "…"])'
        if value is None:
            return ()
        if isinstance(value, str):
            value = _json(field, value, reason)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadField(field, reason)
        return tuple(value)

    def moment(self, field: str) -> datetime | None:
        """A time in UTC, from Unix seconds or ISO 8601; one without a zone is taken as UTC."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_seconds(field, value)
        try:
            moment = datetime.fromisoformat(value if isinstance(value, str) else "")
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadField(field, f"is {shown(value)}; it must be Unix seconds or a time in ISO 8601") from None


def _from_seconds(field: str, seconds: float) -> datetime:
    if seconds > _LATEST_SECONDS:
        raise BadField(field, f"is {shown(seconds)}: too large for seconds; if it is in milliseconds, divide by 1000")
    if seconds < 0:
        raise BadField(field, f"is {shown(seconds)}; Unix seconds are not negative")
    return datetime.fromtimestamp(seconds, UTC)


def _check_line(field: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise BadField(field, f"has {len(value):,} characters; at most {limit} are allowed")
    if value.splitlines() != [value]:
        raise BadField(field, "must be on one line")


def _json(field: str, text: str, reason: str) -> object:
    """JSON inside a field passes the checks that a record passes."""
    try:
        value = loads(text, 2)
        check_fields({field: value}, Limits())
    except BadField as problem:
        raise BadField(field, reason if problem.field is None else problem.reason) from None
    return value
