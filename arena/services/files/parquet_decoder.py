"""Decode the Parquet file on standard input to JSON lines on standard output: run by `parquet.py` as a process.

Usage: parquet_decoder.py MEMORY_BYTES. The first line is {"rows": N}, read from the file's metadata before anything
is decoded, or {"field": NAME, "refused": REASON} for a column of a type that has no place in a record.
It imports nothing of the arena, so that it can run isolated and starts fast.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import polars as pl

_REFUSED = {
    "Binary": "holds binary data; write it as text",
    "Object": "holds values of no known type; write them as text",
    "Duration": "holds durations; write them as numbers or text",
}


def main(memory_bytes: int) -> int:
    """Decode and return the exit status. A file that polars refuses, or dies of, ends the process otherwise."""
    _limit_memory(memory_bytes)
    os.environ["POLARS_MAX_THREADS"] = "2"  # each thread decodes a column of its own: fewer threads, less memory
    import polars as pl

    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as output:
        frame = pl.scan_parquet(sys.stdin.buffer, glob=False, hive_partitioning=False)
        for name, kind in frame.collect_schema().items():
            if reason := refusal(kind):
                _write(output, {"field": name, "refused": reason})
                return 0
        _write(output, {"rows": frame.select(pl.len()).collect().item()})
        output.flush()  # the reader may refuse the file now, before anything is decoded
        for batch in frame.collect_batches(chunk_size=1000, maintain_order=True):
            for row in batch.iter_rows(named=True):
                _write(output, row)
    return 0


def refusal(kind: pl.DataType) -> str | None:
    """Why a column of this type, or one with it nested inside, cannot be taken; None where it can."""
    inner = getattr(kind, "inner", None)
    if inner is not None:
        return refusal(inner)
    for field in getattr(kind, "fields", ()):
        if reason := refusal(field.dtype):
            return reason
    return _REFUSED.get(type(kind).__name__)


def _write(output: TextIO, value: dict[str, object]) -> None:
    output.write(json.dumps(value, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    """Dates and times in ISO 8601; decimals as text, so that no digit is lost."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


def _limit_memory(limit: int) -> None:
    # Linux counts all private writable memory against RLIMIT_DATA. Elsewhere the limit may have no effect, or not
    # exist (Windows): then only the rows and the output are bounded.
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
