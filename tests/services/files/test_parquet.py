"""Parquet is decoded apart, within limits; what has no place in a record is refused by column."""

from __future__ import annotations

import datetime
import io
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from arena.errors import BadInput
from arena.services.files import Limits, RawRecord, parquet, read_records
from tests.services.files.helping import SMALL, complaint, entries, questions


def stored(**columns: Iterable[object]) -> bytes:
    target = io.BytesIO()
    pl.DataFrame({name: pl.Series(name, values) for name, values in columns.items()}).write_parquet(target)
    return target.getvalue()


def test_rows_are_numbered_and_types_become_json() -> None:
    data = stored(
        id=[1, 2],
        text=["a", None],
        day=[datetime.date(2024, 5, 1), None],
        at=[datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.UTC)] * 2,
        naive=[datetime.datetime(2024, 5, 1, 12, 30)] * 2,  # noqa: DTZ001 - a column without zone is the point
        price=[Decimal("1.10")] * 2,
        must_have=[["x", "y"], []],
        nested=[{"k": [1.5]}, {"k": None}],
        kind=pl.Series(["u", "v"], dtype=pl.Categorical),
        nothing=[None, None],
    )
    first = {
        "id": 1,
        "text": "a",
        "day": "2024-05-01",
        "at": "2024-05-01T12:30:00+00:00",
        "naive": "2024-05-01T12:30:00",
        "price": "1.10",
        "must_have": ["x", "y"],
        "nested": {"k": [1.5]},
        "kind": "u",
        "nothing": None,
    }
    second = first | {"id": 2, "text": None, "day": None, "must_have": [], "nested": {"k": None}, "kind": "v"}
    assert entries(data, "parquet") == [RawRecord("row 1", first), RawRecord("row 2", second)]


def test_problems_name_row_and_column() -> None:
    data = stored(
        id=["q1", "q2", "q3", "q4", "q1", "q6", "q7"],
        text=["a", "b\0", "", "d" * 2001, "e", "f\x1b", "g"],
        score=[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, float("nan")],
    )
    assert complaint(data, "parquet", SMALL).splitlines() == [
        "f, row 2, text: holds a NUL character; remove it",
        "f, row 3, text: is missing or empty",
        "f, row 4, text: has 2,001 characters; at most 2,000 are allowed",
        "f, row 5, id: 'q1' stands in row 1 already",
        "f, row 6, text: holds the control character U+001B at character 2; remove it",
        "f, row 7, score: holds a number that cannot be kept: NaN, infinite or too large",
    ]


def test_floats_are_no_ids() -> None:
    assert complaint(stored(id=[1.0], text=["a"]), "parquet") == ("f, row 1, id: must be text or an integer, not 1.0")


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pl.Series([b"a"]), "holds binary data"),
        (pl.Series([[b"a"]]), "holds binary data"),
        (pl.Series([{"k": [b"a"]}]), "holds binary data"),
        (pl.Series([datetime.timedelta(1)]), "holds durations"),
    ],
)
def test_columns_without_a_place_in_a_record(column: pl.Series, reason: str) -> None:
    told = complaint(stored(id=[1], photo=column), "parquet")
    assert told.startswith(f"f, schema, photo: {reason}")


def test_nesting_is_limited() -> None:
    assert questions(stored(id=[1], text=["a"], deep=[[[[1]]]]), "parquet", SMALL)
    assert complaint(stored(id=[1], text=["a"], deep=[[[[[1]]]]]), "parquet", SMALL) == (
        "f, row 1: is nested more than 4 levels deep"
    )


def test_too_many_rows_are_refused_by_the_metadata() -> None:
    assert len(questions(stored(id=range(50), text=["a"] * 50), "parquet", SMALL)) == 50
    told = complaint(stored(id=range(51), text=["a"] * 51), "parquet", SMALL)
    assert told == "f, metadata: the file has more than 50 records; split it"


GOOD = stored(id=list(range(40)), text=["some text"] * 40)
BROKEN = {
    "text": (b"id,text\n1,a\n", "f: is not a Parquet file"),
    "only the magic": (b"PAR1PAR1", "f: is not a Parquet file"),
    "cut short": (GOOD[:-1], "f: is a Parquet file that is cut short or has something after its end"),
    "something after": (GOOD + b"\n", "f: is a Parquet file that is cut short or has something after its end"),
    "encrypted": (b"PARE" + GOOD[4:-4] + b"PARE", "f: is an encrypted Parquet file"),
    "empty frame": (b"PAR1" + b"\0" * 4 + b"PAR1", "f: cannot be decoded"),
    "footer longer than the file": (GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", "f: cannot be decoded"),
    "pages overwritten": (GOOD[:4] + b"\xee" * 60 + GOOD[64:], "f, row 1: cannot be decoded"),
    "no rows": (stored(id=[], text=[]), "f: holds no records"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told(data: bytes, message: str) -> None:
    assert complaint(data, "parquet").startswith(message)


def test_a_panic_of_the_decoder_does_not_reach_the_reader(capfd: pytest.CaptureFixture[str]) -> None:
    # One byte of GOOD overwritten makes polars panic, print a backtrace and (in some places) end as if all was well.
    index = next(n for n in range(len(GOOD)) if _panics(GOOD[:n] + b"\xff" + GOOD[n + 1 :]))
    capfd.readouterr()
    assert "cannot be decoded" in complaint(GOOD[:index] + b"\xff" + GOOD[index + 1 :], "parquet")
    assert capfd.readouterr() == ("", "")


def _panics(data: bytes) -> bool:
    try:
        pl.scan_parquet(io.BytesIO(data)).collect()
    except pl.exceptions.PanicException:
        return True
    except pl.exceptions.PolarsError:
        return False
    return False


BOMB = """
import sys
from pathlib import Path
from arena.errors import BadInput
from arena.services.files import Limits, read_records
limits = Limits(decompressed_bytes=int(sys.argv[2]), field_chars=2_000_000)
try:
    with read_records(Path(sys.argv[1]), name="bomb", limits=limits) as records:
        print(sum(1 for _ in records), "records")
except BadInput as error:
    print(error)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024)
"""


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of 150 texts, one million characters each: 150 MB when decoded, in one row group."""
    path = tmp_path_factory.mktemp("bomb") / "bomb.parquet"
    pl.DataFrame({"text": ["a" * 1_000_000 + str(n) for n in range(150)]}).write_parquet(path, row_group_size=1000)
    assert path.stat().st_size < 1_000_000
    return path


@pytest.mark.parametrize(("allowed", "told"), [(1_000_000, "more than 1,000,000 bytes in all"), (10**9, "150 records")])
def test_a_bomb_is_stopped_at_the_limit(bomb: Path, allowed: int, told: str) -> None:
    """The second case is the control: with the room that the file needs, it is read."""
    lines = _read_in_a_process(bomb, allowed)
    assert told in lines[0]
    assert int(lines[1]) < 150_000_000, "the reading process itself holds one record"


def test_the_decoder_cannot_take_more_memory_than_its_limit(bomb: Path) -> None:
    limited = [sys.executable, "-I", str(Path(parquet.__file__).with_name("parquet_decoder.py"))]
    with bomb.open("rb") as file:
        run = subprocess.run([*limited, str(200_000_000)], stdin=file, capture_output=True, check=False)
    assert run.returncode != 0
    with bomb.open("rb") as file:
        run = subprocess.run([*limited, str(1_000_000_000)], stdin=file, capture_output=True, check=False)
    assert run.returncode == 0, "the control: the limit alone stopped it"


def _read_in_a_process(path: Path, allowed: int) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", BOMB, str(path), str(allowed)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_decoder_that_dies_is_told(bomb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BASE_MEMORY", 200_000_000)
    told = complaint(bomb.read_bytes(), "parquet", Limits(decompressed_bytes=1_000_000))
    assert re.fullmatch(r"f, row 1: cannot be decoded: the file is broken, or a row group needs .*", told)


ENDLESS = """
import sys, time
from pathlib import Path
print('{"rows": 2}\\n{"id": 1}', flush=True)
time.sleep(5)
Path(__file__).with_suffix(".late").touch()
"""


def test_a_decoder_that_never_ends_is_ended_with_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = tmp_path / "decoder.py"
    decoder.write_text(ENDLESS)
    monkeypatch.setattr(parquet, "_DECODER", decoder)
    with read_records(io.BytesIO(GOOD), name="f", file_format="parquet") as records:
        assert next(records) == RawRecord("row 1", {"id": 1})
    assert not decoder.with_suffix(".late").exists(), "closing waits for the decoder: it must have been ended"


def test_the_limit_is_the_childs_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    entries(GOOD, "parquet")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_gzip_around_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the ending tells no format"):
        read_records(tmp_path / "a.parquet.gz", name="a.parquet.gz")
