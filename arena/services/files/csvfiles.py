"""CSV by RFC 4180: commas, double quotes, a header line. Stricter than Python's `csv`, which guesses at bad quoting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arena.domain.text import csv_restore
from arena.errors import Problem
from arena.services.files.lines import decoded, too_many
from arena.services.files.raw import BadField, Entry, Limits, RawRecord, Unreadable, check_fields, field_name

_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_NOT_PLAIN = re.compile(r'["\r\n]')
_FIELD = re.compile(r'"((?:[^"]++|"")*+)"(?=,|\Z)|([^",\r\n]*+)(?=,|\Z)')


def read_csv(lines: Iterator[tuple[int, bytes]], limits: Limits) -> Iterator[Entry]:
    """Yield one entry for each record under the header; an empty cell is None.

    `where` is the physical line on which the record starts. An apostrophe that protects a spreadsheet from a
    formula is taken away (`csv_restore`). Raises Unreadable where the rest can no longer be told into fields.
    """
    records = _records(lines, limits)
    header: list[str] | None = None
    for count, (number, text) in enumerate(records):
        where = f"line {number}"
        if count > limits.rows:
            raise too_many(limits, where)
        if not text.strip("\r\n"):
            continue
        cells = _cells(text, where)
        if "'" in text:
            cells = [csv_restore(cell) for cell in cells]
        if header is None:
            header = _header(cells, limits, where)
        else:
            yield _entry(where, header, cells, limits)


def _entry(where: str, header: list[str], cells: list[str], limits: Limits) -> Entry:
    if len(cells) != len(header):
        return Problem(where, None, f"has {len(cells)} fields where the header names {len(header)}")
    fields: dict[str, object] = {name: cell or None for name, cell in zip(header, cells, strict=True)}
    try:
        check_fields(fields, limits)
    except BadField as problem:
        return problem.at(where)
    return RawRecord(where, fields)


def _records(lines: Iterator[tuple[int, bytes]], limits: Limits) -> Iterator[tuple[int, str]]:
    """Join lines while a quotation mark is open: a well-formed record has an even number of them."""
    parts: list[str] = []
    start = size = quotes = 0
    for number, line in lines:
        start = start if parts else number
        size += len(line)
        if size > limits.record_bytes:
            raise Unreadable(
                f"is longer than {limits.record_bytes:,} bytes; is a quotation mark open?", f"line {start}"
            )
        try:
            parts.append(decoded(line))
        except BadField as problem:
            raise Unreadable(problem.reason, f"line {number}") from None
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield start, "".join(parts)
            parts, size, quotes = [], 0, 0
    if parts:  # an odd number of quotation marks: _cells says what is wrong
        yield start, "".join(parts)


def _cells(text: str, where: str) -> list[str]:
    text = text.removesuffix("\n").removesuffix("\r")
    if not _NOT_PLAIN.search(text):
        return text.split(",")
    cells: list[str] = []
    position = 0
    while True:
        found = _FIELD.match(text, position)
        if found is None:
            raise Unreadable(f"field {len(cells) + 1} {_fault(text, position)}", where)
        quoted, plain = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if found.end() == len(text):
            return cells
        position = found.end() + 1


def _fault(text: str, position: int) -> str:
    if text.startswith('"', position):
        if not _QUOTED.match(text, position):
            return "opens a quotation mark that is never closed"
        return "has text after its closing quotation mark; write a quotation mark inside a field twice"
    plain = re.compile(r"[^,]*").match(text, position)
    if plain and '"' not in plain[0]:
        return "holds a carriage return alone; end lines with LF or CRLF, or quote the field"
    return "holds a quotation mark and is not quoted; quote the whole field and write the mark twice"


def _header(names: list[str], limits: Limits, where: str) -> list[str]:
    if len(names) == 1 and re.search(r"[;\t]", names[0]):
        raise Unreadable("the columns must be separated by commas", where)
    seen: set[str] = set()
    for column, name in enumerate(names, 1):
        if not name.strip():
            raise Unreadable(f"column {column} has no name in the header", where)
        if name in seen:
            raise Unreadable("stands twice in the header", where, field_name(name))
        seen.add(name)
    try:
        check_fields(dict.fromkeys(names), limits)
    except BadField as problem:
        raise Unreadable(f"in the header: {problem.reason}", where, problem.field) from None
    return names
