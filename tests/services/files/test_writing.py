"""Exports are whole or absent, safe in a spreadsheet, and the same bytes for the same rows."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from arena.domain.vocabulary import Choice
from arena.errors import BadInput, Incomplete
from arena.services.files import FileFormat, write_records
from tests.services.files.helping import written

FORMATS: list[FileFormat] = ["jsonl", "csv", "parquet"]
ROWS: list[dict[str, object]] = [
    {"id": "q1", "text": '=HYPERLINK("x")', "choice": Choice.TIE_GOOD, "n": 1, "score": 0.5, "flag": True},
    {"id": "q2", "text": "two\nlines, é", "at": datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))},
    {"id": "q3", "text": None, "names": ("a", "b"), "ignored": 1},
]
COLUMNS = ["id", "text", "choice", "n", "score", "flag", "at", "names"]


def test_jsonl_bytes() -> None:
    assert written(ROWS, ["id", "text", "choice"], "jsonl").decode() == (
        '{"id": "q1", "text": "=HYPERLINK(\\"x\\")", "choice": "tie_good"}\n'
        '{"id": "q2", "text": "two\\nlines, é", "choice": null}\n'
        '{"id": "q3", "text": null, "choice": null}\n'
    )


def test_csv_bytes() -> None:
    assert written(ROWS, COLUMNS, "csv").decode() == (
        "id,text,choice,n,score,flag,at,names\n"
        'q1,"\'=HYPERLINK(""x"")",tie_good,1,0.5,true,,\n'
        'q2,"two\nlines, é",,,,,2024-05-01T12:00:00+00:00,\n'
        'q3,,,,,,,"[""a"", ""b""]"\n'
    )


def test_no_cell_of_text_begins_as_a_formula_and_numbers_stay_numbers() -> None:
    texts = ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "＝1", "'=1"]
    data = written([{"text": text, "n": -1.5} for text in texts], ["text", "n"], "csv")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [row["text"] for row in rows] == [f"'{text}" for text in texts]
    assert {row["n"] for row in rows} == {"-1.5"}


def test_parquet_is_read_by_others() -> None:
    frame = pl.read_parquet(io.BytesIO(written(ROWS, [*COLUMNS, "never"], "parquet")))
    assert frame.columns == [*COLUMNS, "never"]
    assert frame["n"].to_list() == [1, None, None]
    assert frame["at"].to_list() == [None, "2024-05-01T12:00:00+00:00", None]
    assert frame["names"].to_list() == [None, None, ["a", "b"]]
    assert frame.schema["never"] == pl.String


@pytest.mark.parametrize("file_format", FORMATS)
def test_no_rows_give_a_file_that_can_be_opened(file_format: FileFormat) -> None:
    data = written([], ["id", "text"], file_format)
    assert data == {"jsonl": b"", "csv": b"id,text\n"}.get(file_format, data)
    if file_format == "parquet":
        assert pl.read_parquet(io.BytesIO(data)).columns == ["id", "text"]


AGAIN = """
import sys
from tests.services.files.helping import written
from tests.services.files.test_writing import COLUMNS, ROWS
sys.stdout.buffer.write(written(ROWS, COLUMNS, sys.argv[1]))
"""


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_bytes_in_another_process(file_format: FileFormat) -> None:
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", AGAIN, file_format]
    other = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True).stdout
    assert other == written(ROWS, COLUMNS, file_format)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, file_format: FileFormat) -> None:
    target = tmp_path / f"votes.{file_format}"
    target.write_bytes(b"old")

    def rows() -> Iterator[dict[str, object]]:
        yield {"id": 1}
        assert target.read_bytes() == b"old", "nothing is replaced while rows come"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(rows(), ["id"], target, file_format)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path, file_format: FileFormat) -> None:
    target = tmp_path / f"votes.{file_format}"
    target.write_bytes(b"old")
    target.chmod(0o600)
    write_records(ROWS, COLUMNS, target, file_format)
    assert target.read_bytes() == written(ROWS, COLUMNS, file_format)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_records(ROWS, COLUMNS, tmp_path / "a.csv", "csv")
    assert (tmp_path / "a.csv").stat().st_mode == usual.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "real" / "a.jsonl")
    write_records([{"id": 1}], ["id"], link, "jsonl")
    assert link.is_symlink()
    assert json.loads((tmp_path / "real" / "a.jsonl").read_text()) == {"id": 1}


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_records([{"id": 1}], ["id"], pipe, "csv")
        assert os.read(reader, 100) == b"id\n1\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a\.csv: cannot be written: No such file or directory"):
        write_records(ROWS, COLUMNS, tmp_path / "none" / "a.csv", "csv")
    with pytest.raises(BadInput, match="cannot be written: Is a directory"):
        write_records(ROWS, COLUMNS, tmp_path, "csv")
    with pytest.raises(BadInput, match=r"leave out \.gz"):
        write_records(ROWS, COLUMNS, tmp_path / "a.csv.gz", "csv")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Incomplete, match=r"a\.csv: was not written: No space left on device"):
        write_records(ROWS, COLUMNS, tmp_path / "a.csv", "csv")
    assert list(tmp_path.iterdir()) == []


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.csv"
    present: list[bool] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        present.append(target.exists())
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_records(ROWS, COLUMNS, target, "csv")
    assert present == [False, True], "the file is synced under its draft's name, the folder after the renaming"


def test_a_stream_gets_each_row_as_it_comes() -> None:
    target = io.BytesIO()

    def rows() -> Iterator[dict[str, object]]:
        for n in range(3):
            yield {"id": n}
            assert target.getvalue().count(b"\n") == n + 1

    write_records(rows(), ["id"], target, "jsonl")
    assert not target.closed


def test_times_are_written_in_utc() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert written([{"at": moment}], ["at"], "jsonl") == b'{"at": "2024-01-01T00:00:00+00:00"}\n'
