"""Parquet, decoded in a process of its own.

A hostile Parquet file can make any decoder ask for far more memory than its metadata tells (page headers and
dictionaries multiply), panic, or abort. So polars runs in a child with a memory limit and its complaints go nowhere;
here come only its JSON lines, which pass the same checks and limits as a file of JSON lines.

What is bounded: the file's bytes, the rows (from the metadata, before decoding, and counted again), the decoded text,
each field, and on Linux the child's memory. What is not: the time that the child takes over a crafted file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from arena.services.files.jsonlines import loads, record_fields
from arena.services.files.lines import decoded, numbered_lines, too_many
from arena.services.files.raw import BadField, Entry, Limits, RawRecord, Unreadable, field_name

_MAGIC = b"PAR1"
_BASE_MEMORY = 512 * 1024 * 1024  # Python, polars and its threads take about 140 MB of it
_DECODER = Path(__file__).with_name("parquet_decoder.py")


def read_parquet(handle: BinaryIO, limits: Limits) -> Iterator[Entry]:
    """Yield one entry for each row of the file behind `handle`, which must be a real file. Raises Unreadable."""
    _check_frame(handle)
    os.lseek(handle.fileno(), 0, os.SEEK_SET)
    command = [sys.executable, "-I", str(_DECODER), str(_BASE_MEMORY + limits.decompressed_bytes)]
    with subprocess.Popen(command, stdin=handle, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            yield from _rows(cast("IO[bytes]", child.stdout), limits, child)
        finally:
            child.kill()


def _rows(output: IO[bytes], limits: Limits, child: subprocess.Popen[bytes]) -> Iterator[Entry]:
    expected, number = -1, 0
    for number, line in numbered_lines(cast("BinaryIO", output), limits, unit="row", first=0):
        if number == 0:
            expected = _row_count(line, limits)
        elif number > limits.rows:
            raise too_many(limits, f"row {number}")
        else:
            yield _entry(f"row {number}", line, limits)
    # polars may lose a panic of one of its threads and end well with rows missing: so they are counted.
    if child.wait() != 0 or number != expected:
        reason = "cannot be decoded: the file is broken, or a row group needs more memory than is allowed"
        raise Unreadable(reason, f"row {number + 1}" if expected >= 0 else None)


def _entry(where: str, line: bytes, limits: Limits) -> Entry:
    try:
        return RawRecord(where, record_fields(decoded(line), limits))
    except BadField as problem:
        return problem.at(where)


def _row_count(line: bytes, limits: Limits) -> int:
    head = loads(decoded(line), 1)
    if not isinstance(head, dict):
        raise Unreadable("cannot be decoded")
    if "refused" in head:
        raise Unreadable(str(head["refused"]), "schema", field_name(str(head["field"])))
    rows = int(head["rows"])
    if rows > limits.rows:
        raise too_many(limits, "metadata")
    return rows


def _check_frame(handle: BinaryIO) -> None:
    size = handle.seek(0, os.SEEK_END)
    handle.seek(0)
    start = handle.read(4)
    handle.seek(max(size - 4, 0))
    end = handle.read(4)
    if start == b"PARE" or end == b"PARE":
        raise Unreadable("is an encrypted Parquet file; decrypt it first")
    if size < 12 or start != _MAGIC:
        raise Unreadable("is not a Parquet file")
    if end != _MAGIC:
        raise Unreadable("is a Parquet file that is cut short or has something after its end")
