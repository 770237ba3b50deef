"""From bytes to physical lines, numbered as an editor shows them, within the limits and without reading ahead."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from arena.services.files.raw import BadField, Limits, Unreadable

_UTF8_BOM = b"\xef\xbb\xbf"
_MISTAKEN = {
    b"\xff\xfe": "byte 1 begins a UTF-16 file; save it as UTF-8",
    b"\xfe\xff": "byte 1 begins a UTF-16 file; save it as UTF-8",
    b"\x1f\x8b": "is compressed with gzip; give it an ending such as .jsonl.gz or .csv.gz",
    b"PAR1": "is a Parquet file; give it the ending .parquet, or say that its format is parquet",
}


def numbered_lines(
    handle: BinaryIO, limits: Limits, *, compressed: bool = False, unit: str = "line", first: int = 1
) -> Iterator[tuple[int, bytes]]:
    """Yield (number, bytes with their line end). Memory holds one line, never more than `limits.record_bytes`.

    Raises Unreadable for a line too long, for more than `limits.decompressed_bytes` in all (counted as they are
    decompressed, so that a bomb is stopped at the limit) and for broken compression.
    """
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=handle)) if compressed else handle
    total = 0
    number = first
    while line := _read_line(stream, limits, f"{unit} {number}"):
        total += len(line)
        if total > limits.decompressed_bytes:
            raise Unreadable(f"holds more than {limits.decompressed_bytes:,} bytes in all", f"{unit} {number}")
        if number == 1 == first:
            line = _without_mark(line)
        yield number, line
        number += 1


def _read_line(stream: BinaryIO, limits: Limits, where: str) -> bytes:
    try:
        line = stream.readline(limits.record_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Unreadable("the gzip data is broken or cut short here; copy or download it again", where) from None
    if len(line) > limits.record_bytes:
        raise Unreadable(f"is longer than {limits.record_bytes:,} bytes", where)
    return line


def _without_mark(line: bytes) -> bytes:
    for start, reason in _MISTAKEN.items():
        if line.startswith(start):
            raise Unreadable(reason, "line 1")
    return line.removeprefix(_UTF8_BOM)


def decoded(line: bytes) -> str:
    """The line as text. Raises BadField that names the first byte that is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise BadField(
            None, f"byte {error.start + 1} of the line (0x{byte:02X}) is not UTF-8; save the file as UTF-8"
        ) from None


def too_many(limits: Limits, where: str) -> Unreadable:
    """The error for one record more than the limit."""
    return Unreadable(f"the file has more than {limits.rows:,} records; split it", where)
