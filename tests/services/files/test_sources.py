"""Where records come from: files by their ending, gzip, standard input; the digest; and no more memory than needed."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import os
import threading
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from arena.errors import BadInput, BadRecords
from arena.services.files import FileFormat, Limits, RawRecord, format_by_ending, parse_votes, read_records
from tests.services.files.helping import written

LINE = b'{"id":1,"text":"a"}\n'


def read(path: Path, file_format: FileFormat | None = None, limits: Limits | None = None) -> list[object]:
    with read_records(path, name=path.name, file_format=file_format, limits=limits) as records:
        return list(records)


def message(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        read(path, limits=limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", ("jsonl", False)),
        ("a.NDJSON", ("jsonl", False)),
        ("a.b.csv", ("csv", False)),
        ("a.parquet", ("parquet", False)),
        ("a.jsonl.gz", ("jsonl", True)),
        ("a.csv.gz", ("csv", True)),
    ],
)
def test_the_ending_tells_the_format(name: str, expected: tuple[str, bool]) -> None:
    assert format_by_ending(name) == expected


@pytest.mark.parametrize("name", ["a.json", "a", "a.gz", "a.parquet.gz", "a.xlsx", ".csv", ""])
def test_an_ending_that_tells_nothing(name: str) -> None:
    with pytest.raises(BadInput, match="the ending tells no format"):
        format_by_ending(name)


def test_gzip_is_read_by_its_ending_and_the_digest_is_of_the_file_as_given(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl.gz"
    path.write_bytes(gzip.compress(LINE) + gzip.compress(LINE))
    with read_records(path, name="q") as records:
        assert records.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert list(records) == [RawRecord(f"line {n}", {"id": 1, "text": "a"}) for n in (1, 2)]


def test_standard_input_needs_a_format_and_gives_the_same_digest() -> None:
    with pytest.raises(BadInput, match=r"standard input: .* give --format jsonl, csv or parquet"):
        read_records(io.BytesIO(LINE), name="standard input")
    records = read_records(io.BytesIO(LINE), name="standard input", file_format="jsonl")
    assert records.digest == hashlib.sha256(LINE).hexdigest()
    assert len(list(records)) == 1


def test_a_pipe_is_read_once_for_digest_and_records(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    data = b"id,text\n1,a\n"
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    with read_records(pipe, name="pipe") as records:
        writer.join()
        assert records.digest == hashlib.sha256(data).hexdigest()
        assert list(records) == [RawRecord("line 2", {"id": "1", "text": "a"})]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert message(tmp_path / "none.csv") == "none.csv: cannot be read: No such file or directory"
    assert message(folder) == "folder.csv: cannot be read: Is a directory"
    assert message(empty) == "empty.csv: is empty"


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE * 10)
    assert message(path, Limits(file_bytes=199)) == "a.jsonl: has more than 199 bytes; split it"
    assert len(read(path, limits=Limits(file_bytes=200))) == 10
    assert "line 10: holds more than 199 bytes in all" in message(path, Limits(decompressed_bytes=199))


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda data: data[:-9], 4),  # the last block's end and the checksum are missing
        (lambda data: data[:-1], 4),
        (lambda data: data[:-8] + b"\0" + data[-7:], 4),  # the checksum is another
        (lambda data: data + b"junk", 4),
        (lambda data: data[:2] + b"\x07" + data[3:], 1),  # an unknown method
        (lambda data: data[:10] + b"\xff" * 20, 1),
        (lambda _: LINE, 1),
    ],
)
def test_broken_gzip_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes], line: int) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(spoil(gzip.compress(LINE * 3)))
    told = message(path)
    assert "the gzip data is broken or cut short here" in told
    assert int(told.split("line ")[1].split(":")[0]) <= line


@pytest.mark.parametrize("unit", [b"\0", b"\n", b"a,b\n", b'"\n', b"x" * 5000 + b"\n"])
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_compressed_bomb_is_stopped_at_the_limit_in_little_memory(tmp_path: Path, unit: bytes, ending: str) -> None:
    path = tmp_path / f"bomb.{ending}.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"id,text\n" if ending == "csv" else LINE)
        for _ in range(64):
            file.write(unit * (1_000_000 // len(unit)))  # 64 MB in all, from which 2 MB may be taken
    limits = Limits(decompressed_bytes=2_000_000, rows=10_000, field_chars=10_000)
    tracemalloc.start()
    try:
        with (
            pytest.raises(BadInput, match=r"more than|longer than|never closed"),
            read_records(path, name="bomb", limits=limits) as records,
        ):
            for _ in records:
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_a_large_file_is_streamed(tmp_path: Path, file_format: FileFormat) -> None:
    path = tmp_path / f"large.{file_format}"
    path.write_bytes(written(({"id": n, "text": "a" * 1000} for n in range(20_000)), ["id", "text"], file_format))
    assert path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with read_records(path, name="large") as records:
            assert sum(isinstance(entry, RawRecord) for entry in records) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_a_file_left_half_read_or_not_read_at_all_is_let_go(tmp_path: Path, file_format: FileFormat) -> None:
    path = tmp_path / f"a.{file_format}"
    path.write_bytes(written([{"id": n, "text": "a"} for n in range(5000)], ["id", "text"], file_format))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_before = sum(1 for _ in Path("/dev/fd").iterdir())
        unread = read_records(path, name="a")
        half = read_records(path, name="a")
        next(half)
        del unread, half
        gc.collect()
        assert sum(1 for _ in Path("/dev/fd").iterdir()) == open_before


def test_the_file_fault_comes_after_the_records_before_it() -> None:
    data = b'id,model_a,model_b,winner\n1,a,b,maybe\n2,a,b,tie\n3,a\n4,a,b,tie,\n5,"a,b,tie\n'
    with (
        read_records(io.BytesIO(data), name="v.csv", file_format="csv") as records,
        pytest.raises(BadRecords) as caught,
    ):
        parse_votes(records, name=records.name, digest=records.digest)
    assert [(p.where, p.field) for p in caught.value.problems] == [
        ("line 2", "winner"),
        ("line 4", None),
        ("line 5", None),
        ("line 6", None),
    ]
