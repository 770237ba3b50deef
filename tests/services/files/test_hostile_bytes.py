"""Whatever bytes are given, the end is a list of records or an error for people: nothing else is raised."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arena.domain.records import Located
from arena.errors import BadInput
from arena.services.files import FileFormat, Records, parse_answers, parse_questions, parse_votes, read_records
from tests.services.files.helping import SMALL, written

ROWS: list[dict[str, object]] = [
    {"id": 1, "text": 'Is it, "safe"?', "must_have": ["a", "b"], "question_id": "q", "contender": "c", "n": 1.5},
    {"id": 2, "text": "=two\nlines é😀", "must_have": [], "question_id": "r", "contender": "c", "n": None},
]
VOTES: list[dict[str, object]] = [
    {"id": "1", "model_a": "x", "model_b": "y", "winner": "tie", "tstamp": 1.7e9, "simulated": True},
    {"id": "2", "model_a": "x", "model_b": "y", "winner": "model_a", "tstamp": 1.6e9, "simulated": False},
]
FORMATS: list[FileFormat] = ["jsonl", "csv", "parquet"]
VALID = {
    (file_format, kind): written(rows, list(rows[0]), file_format)
    for file_format in FORMATS
    for kind, rows in (("content", ROWS), ("votes", VOTES))
}

Parser = Callable[[Records], object]


def _parse_votes(records: Records) -> list[Located[object]]:
    return [Located(v.where, v.record) for v in parse_votes(records, name="f", digest=records.digest)]


PARSERS: list[Parser] = [
    lambda records: parse_questions(records, name="f"),
    lambda records: parse_answers(records, name="f"),
    _parse_votes,
]


def survives(data: bytes, file_format: FileFormat, parsers: list[Parser] = PARSERS) -> None:
    """Only BadInput (and its kind, BadRecords) may come, and its lines are such that a terminal can show them."""
    for parse in parsers:
        try:
            with read_records(io.BytesIO(data), name="f", file_format=file_format, limits=SMALL) as records:
                parse(records)
        except BadInput as error:
            lines = str(error).split("\n")
            assert len(lines) <= 10
            assert all(line.isprintable() and len(line) < 400 for line in lines)


Edit = tuple[str, int, bytes]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "insert", "cut", "end"]),
        st.integers(0, 4000),
        st.binary(min_size=1, max_size=4)
        | st.sampled_from(
            [b"\0", b'"', b"\\", b"\\u0000", b"[", b"{", b"NaN", b"1e999", b"\xff\xfe", b"\r", b",", b"'"]
        ),
    ),
    min_size=1,
    max_size=5,
)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    for kind, place, piece in edits:
        at = place % (len(data) + 1)
        if kind == "replace":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + len(piece) :]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
@pytest.mark.parametrize("kind", ["content", "votes"])
def test_mutated_text_files(file_format: FileFormat, kind: str) -> None:
    @settings(max_examples=300, deadline=None)
    @given(EDITS)
    def check(edits: list[Edit]) -> None:
        survives(edited(VALID[file_format, kind], edits), file_format)

    check()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["jsonl", "csv", "parquet"]))
@example(b"\xef\xbb\xbf", "csv")
@example(b'"', "csv")
@example(b"\r", "csv")
@example(b'{"\\ud800":1}', "jsonl")
@example(b'{"":1}', "jsonl")
@example(b"-" * 300, "jsonl")
@example(b"9" * 9000, "jsonl")
def test_random_bytes(data: bytes, file_format: FileFormat) -> None:
    survives(data, file_format)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "id",
    "text",
    "must_have",
    "tstamp",
    "winner",
    "choice",
    "reason",
    "simulated",
    "rater",
    "model_a",
    "contender",
]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), JSON, max_size=8))
def test_any_value_in_any_field(fields: dict[str, object]) -> None:
    import json

    base = {"id": 1, "text": "a", "question_id": "q", "contender": "c", "model_a": "x", "model_b": "y", "winner": "tie"}
    survives(json.dumps(base | fields).encode(), "jsonl")


@settings(max_examples=25, deadline=None)
@given(EDITS, st.booleans())
def test_mutated_parquet(edits: list[Edit], framed: bool) -> None:
    data = edited(VALID["parquet", "content"], edits)
    survives(b"PAR1" + data[4:-4] + b"PAR1" if framed else data, "parquet", PARSERS[:1])


@settings(max_examples=100, deadline=None)
@given(EDITS)
def test_mutated_gzip(tmp_path_factory: pytest.TempPathFactory, edits: list[Edit]) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "mutated.csv.gz"
    path.write_bytes(edited(gzip.compress(VALID["csv", "content"], mtime=0), edits))
    try:
        with read_records(path, name="f", limits=SMALL) as records:
            parse_questions(records, name="f")
    except BadInput:
        pass


def test_the_valid_files_are_valid() -> None:
    """The control: mutation starts from files that are taken."""
    for (file_format, kind), data in VALID.items():
        with read_records(io.BytesIO(data), name="f", file_format=file_format, limits=SMALL) as records:
            parse = PARSERS[0] if kind == "content" else PARSERS[2]
            assert len(list(parse(records))) == 2  # type: ignore[call-overload]
