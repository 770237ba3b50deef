"""JSON files of other programs: a whole array, or lines whose texts are not yet checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from arena.errors import BadInput, Problem
from arena.services.files.jsonlines import loads
from arena.services.files.lines import decoded, numbered_lines, too_many
from arena.services.files.raw import BadField, Entry, Limits, RawRecord, Unreadable, check_fields
from arena.services.files.reading import Records, opened, told


def read_array(source: Path | BinaryIO, *, name: str, limits: Limits) -> Records:
    """The objects of a JSON array, `item 1` the first. The whole file is held in memory. Raises as `read_records`."""
    handle, digest, resources = _opened(source, name, limits)
    return Records(name, digest, told(_items(handle, limits), name), resources)


def read_unchecked(source: Path | BinaryIO, *, name: str, limits: Limits) -> Records:
    """The objects of a JSON Lines file, whose texts may hold what no text here may. Raises as `read_records`."""
    handle, digest, resources = _opened(source, name, limits)
    return Records(name, digest, told(_lines(handle, limits), name), resources)


def _opened(source: Path | BinaryIO, name: str, limits: Limits) -> tuple[BinaryIO, str, ExitStack]:
    with ExitStack() as opening:
        try:
            handle, digest = opened(source, name, limits, opening)
        except OSError as error:
            raise BadInput(f"{name}: cannot be read: {error.strerror or error}") from None
        return handle, digest, opening.pop_all()


def _items(handle: BinaryIO, limits: Limits) -> Iterator[Entry]:
    try:
        found = loads(decoded(handle.read().removeprefix(b"\xef\xbb\xbf")), limits.depth + 1)
    except BadField as problem:
        raise Unreadable(problem.reason) from None
    if not isinstance(found, list):
        raise Unreadable("must be a JSON array of objects")
    for number, item in enumerate(found, 1):
        where = f"item {number}"
        if number > limits.rows:
            raise too_many(limits, where)
        yield _checked(where, item, limits)


def _checked(where: str, item: object, limits: Limits) -> Entry:
    try:
        record = _object(where, item)
        check_fields(record.fields, limits)
    except BadField as problem:
        return problem.at(where)
    return record


def _lines(handle: BinaryIO, limits: Limits) -> Iterator[Entry]:
    for count, (number, line) in enumerate(numbered_lines(handle, limits), 1):
        where = f"line {number}"
        if count > limits.rows:
            raise too_many(limits, where)
        if line.strip():
            yield _parsed(where, line, limits)


def _parsed(where: str, line: bytes, limits: Limits) -> RawRecord | Problem:
    try:
        return _object(where, loads(decoded(line.rstrip(b"\r\n")), limits.depth))
    except BadField as problem:
        return problem.at(where)


def _object(where: str, value: object) -> RawRecord:
    if not isinstance(value, dict):
        raise BadField(None, "must be a JSON object")
    return RawRecord(where, value)
