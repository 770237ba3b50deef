"""Write exchange files: the same rows give the same bytes, and a file is there whole or not at all."""

from __future__ import annotations

import io
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from arena.domain.text import csv_safe
from arena.errors import BadInput, Incomplete
from arena.services.files.raw import FileFormat

_QUOTED = frozenset(',"\r\n')


def write_records(
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[str],
    target: Path | BinaryIO,
    file_format: FileFormat,
) -> None:
    """Write the `columns` of `rows`; a missing one is null. A stream is written to as the rows come.

    A file is replaced only after all of the new one is on the disk; if anything fails it stays as it was. Times are
    written in ISO 8601, aware ones in UTC. JSON Lines and CSV take one row at a time; Parquet holds all in memory.
    In CSV null is an empty cell, lists are JSON text, and text that a spreadsheet could take for a formula gets an
    apostrophe (`arena.domain.text.csv_safe`), which our import takes away. Raises BadInput or Incomplete.
    """
    plain = ({column: _plain(row.get(column)) for column in columns} for row in rows)
    if not isinstance(target, Path):
        _write(plain, columns, target, file_format)
        target.flush()
        return
    if target.name.lower().endswith(".gz"):
        raise BadInput(f"{target}: files are written without compression; leave out .gz")
    with replacing(target) as handle:
        _write(plain, columns, handle, file_format)


def _write(
    rows: Iterable[dict[str, object]], columns: Sequence[str], handle: BinaryIO, file_format: FileFormat
) -> None:
    match file_format:
        case "jsonl":
            for row in rows:
                handle.write(f"{_json(row)}\n".encode())
        case "csv":
            handle.write(_csv_line(columns))
            for row in rows:
                handle.write(_csv_line(row.values()))
        case "parquet":
            handle.write(_parquet(rows, columns))


def _plain(value: object) -> object:
    """The value as every format can hold it."""
    match value:
        case Enum():
            return value.value
        case datetime() if value.tzinfo:
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return _json({str(key): _plain(item) for key, item in value.items()})
        case _:
            return value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _csv_line(values: Iterable[object]) -> bytes:
    line = ",".join(map(_cell, values)) or '""'  # a blank line would be no record
    return f"{line}\n".encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = csv_safe(value) if isinstance(value, str) else _json(value)
    needs_quotes = not _QUOTED.isdisjoint(text) or text != text.strip()
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if needs_quotes else text


def _parquet(rows: Iterable[dict[str, object]], columns: Sequence[str]) -> bytes:
    import polars as pl

    table = list(rows)
    series = [pl.Series(column, [row[column] for row in table], strict=True) for column in columns]
    frame = pl.DataFrame(series).with_columns(pl.col(pl.Null).cast(pl.String))
    output = io.BytesIO()
    frame.write_parquet(output, compression="zstd")
    return output.getvalue()


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target` that takes its name when all went well. Devices and pipes are written to as such."""
    draft, mode, handle = _draft(target.resolve())
    try:
        with handle:
            yield handle
            handle.flush()
            if draft is not None:
                os.fsync(handle.fileno())
        if draft is not None:
            if mode is not None:
                draft.chmod(mode)
            draft.replace(target.resolve())
            _sync_folder(draft.parent)
    except OSError as error:
        raise Incomplete(f"{target}: was not written: {error.strerror or error}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _draft(target: Path) -> tuple[Path | None, int | None, BinaryIO]:
    """Open the draft of `target` (None where it is written to directly); the mode is that of the file it replaces."""
    try:
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            return None, None, target.open("wb")
        draft = target.with_name(f".{target.name[:50]}.{secrets.token_hex(8)}.part")
        return draft, None if mode is None else stat.S_IMODE(mode), draft.open("xb")
    except OSError as error:
        raise BadInput(f"{target}: cannot be written: {error.strerror or error}") from None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
