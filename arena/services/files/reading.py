"""Open an exchange file, take its digest, and read it record by record."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from arena.errors import BadInput, BadRecords, Problem
from arena.services.files.csvfiles import read_csv
from arena.services.files.jsonlines import read_jsonl
from arena.services.files.lines import numbered_lines
from arena.services.files.parquet import read_parquet
from arena.services.files.raw import Entry, FileFormat, Limits, Unreadable

_BLOCK = 1024 * 1024
_TOLD_EVERY = 1000
_ENDINGS: dict[str, FileFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}


class Records(Iterator[Entry]):
    """The records of one file, once through; a bad one comes as a Problem, and what ends the reading is raised.

    `name` is the file's name in messages; `digest` the SHA-256 of its bytes as given, in hex. `on_read` is told now and
    then how many records were read. The file is closed after the last record, after an error, by `close()` and at the
    end of a `with` block.
    """

    def __init__(self, name: str, digest: str, entries: Generator[Entry], resources: ExitStack) -> None:
        self.name = name
        self.digest = digest
        self.on_read: Callable[[int], None] | None = None
        self._read = 0
        self._entries = entries
        self._resources = resources

    def __next__(self) -> Entry:
        try:
            entry = next(self._entries)
        except BaseException:
            self.close()
            raise
        self._read += 1
        if self.on_read and self._read % _TOLD_EVERY == 0:
            self.on_read(self._read)
        return entry

    def close(self) -> None:
        """Let go of the file, and of the decoding process where there is one."""
        self._entries.close()
        self._resources.close()

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def format_by_ending(name: str, *, option: str = "--format") -> tuple[FileFormat, bool]:
    """The format that a file's name tells, and whether it is compressed with gzip.

    Raises BadInput, which names the `option` that states a format.
    """
    plain = name.lower().removesuffix(".gz")
    compressed = plain != name.lower()
    file_format = _ENDINGS.get(Path(plain).suffix)
    if file_format is None or (compressed and file_format == "parquet"):
        raise BadInput(
            f"{name}: the ending tells no format; use .jsonl, .ndjson, .csv or .parquet (.jsonl.gz and .csv.gz too), "
            f"or give {option}"
        )
    return file_format, compressed


def read_records(
    source: Path | BinaryIO,
    *,
    name: str,
    file_format: FileFormat | None = None,
    limits: Limits | None = None,
    option: str = "--format",
) -> Records:
    """Open `source` and read it within `limits`; standard input is any open binary stream.

    `option` is the one that states a format, as messages name it.

    The whole is read once for its size and digest before the first record is given; a stream is kept in a temporary
    file meanwhile. Raises BadInput here for what cannot be opened; while iterating, BadRecords for a fault with a
    place in the file and BadInput for one without.
    """
    limits = limits or Limits()
    compressed = False
    if isinstance(source, Path):
        if file_format is None:
            file_format, compressed = format_by_ending(str(source), option=option)
        else:
            compressed = source.name.lower().endswith(".gz")
    elif file_format is None:
        raise BadInput(f"{name}: its format cannot be told without a file name; give {option} jsonl, csv or parquet")
    with ExitStack() as opening:
        try:
            handle, digest = opened(source, name, limits, opening)
        except OSError as error:
            raise BadInput(f"{name}: cannot be read: {error.strerror or error}") from None
        resources = opening.pop_all()
    return Records(name, digest, told(_reader(handle, file_format, compressed, limits), name), resources)


def opened(source: Path | BinaryIO, name: str, limits: Limits, opening: ExitStack) -> tuple[BinaryIO, str]:
    """A handle at the file's beginning, which `opening` closes, and the digest of its bytes."""
    if isinstance(source, Path):
        source = opening.enter_context(source.open("rb"))
        if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            digest = _digest(source, None, name, limits)
            source.seek(0)
            return source, digest
    copy = opening.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    digest = _digest(source, copy, name, limits)
    copy.seek(0)
    return copy, digest


def _digest(source: BinaryIO, copy: BinaryIO | None, name: str, limits: Limits) -> str:
    digest = hashlib.sha256()
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > limits.file_bytes:
            raise BadInput(f"{name}: has more than {limits.file_bytes:,} bytes; split it")
        digest.update(block)
        if copy is not None:
            copy.write(block)
    if size == 0:
        raise BadInput(f"{name}: is empty")
    return digest.hexdigest()


def told(entries: Iterator[Entry], name: str) -> Generator[Entry]:
    """The same entries; what ends the reading is told as an error of the file `name`, and so is a file of none."""
    empty = True
    try:
        for entry in entries:
            empty = False
            yield entry
    except Unreadable as error:
        if error.where is None:
            raise BadInput(f"{name}: {error.reason}") from None
        raise BadRecords(name, [Problem(error.where, error.field, error.reason)]) from None
    if empty:
        raise BadInput(f"{name}: holds no records")


def _reader(handle: BinaryIO, file_format: FileFormat, compressed: bool, limits: Limits) -> Iterator[Entry]:
    if file_format == "parquet":
        return read_parquet(handle, limits)
    lines = numbered_lines(handle, limits, compressed=compressed)
    return read_jsonl(lines, limits) if file_format == "jsonl" else read_csv(lines, limits)
