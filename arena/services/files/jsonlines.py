"""JSON, strictly (RFC 8259), from sources that nobody vouches for; and JSON Lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

from arena.services.files.lines import decoded, too_many
from arena.services.files.raw import BadField, Entry, Limits, RawRecord, check_fields, field_name

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LONGEST_INTEGER = 40  # digits; far above any id, far below where int() becomes slow
_KINDS = {list: "an array", str: "a string", bool: "true or false", int: "a number", float: "a number"}


def loads(text: str, depth: int) -> object:
    """Parse one JSON value. Raises BadField for what is not JSON, doubled keys, and nesting deeper than `depth`.

    NaN, infinities and numbers too large come out as non-finite floats, which `check_fields` refuses by field.
    """
    _check_depth(text, depth)
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_integer, parse_constant=float)
    except json.JSONDecodeError as error:
        raise BadField(None, f"is not valid JSON: {error.msg} (character {error.pos + 1})") from None


def record_fields(text: str, limits: Limits) -> dict[str, object]:
    """Parse and check one record. Raises BadField."""
    value = loads(text, limits.depth)
    if not isinstance(value, dict):
        raise BadField(None, f"must be a JSON object, not {_KINDS.get(type(value), 'null')}")
    check_fields(value, limits)
    return value


def read_jsonl(lines: Iterator[tuple[int, bytes]], limits: Limits) -> Iterator[Entry]:
    """Yield one entry for each line that is not blank."""
    for count, (number, line) in enumerate(lines, 1):
        where = f"line {number}"
        if count > limits.rows:
            raise too_many(limits, where)
        if not line.strip():
            continue
        try:
            if b"\0" in line:
                _refuse_nul()
            yield RawRecord(where, record_fields(decoded(line.rstrip(b"\r\n")), limits))
        except BadField as problem:
            yield problem.at(where)


def _refuse_nul() -> NoReturn:
    raise BadField(None, "holds a NUL byte, which JSON does not allow; if the file is UTF-16, save it as UTF-8")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise BadField(field_name(key), "stands twice in one object")
        fields[key] = value
    return fields


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


def _check_depth(text: str, depth: int) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    if text.count("[") + text.count("{") <= depth:
        return
    level = 0
    for sign in re.findall(r"[\[{}\]]", _STRING.sub("", text)):
        level += 1 if sign in "[{" else -1
        if level > depth:
            raise BadField(None, f"is nested more than {depth} levels deep")
