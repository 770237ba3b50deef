"""Files of counts: taken exactly from every format, or refused by line and field."""

from __future__ import annotations

import io
import json

import pytest

from arena.errors import BadInput, BadRecords
from arena.ratings.comparisons.votes import encode, pair_counts
from arena.services.files import FileFormat, parse_counts, read_records
from tests.services.files.helping import written

COLUMNS = ("model_a", "model_b", "wins_a", "wins_b", "ties", "both_bad", "question_id", "rater")
ROWS: list[dict[str, object]] = [
    dict(zip(COLUMNS, ("x", "y", 3, 0, 1, 2, "q1", "r"), strict=True)),
    dict(zip(COLUMNS, ("y", "x", 1, 0, 0, 0, "q1", None), strict=True)),
    dict(zip(COLUMNS, ("y", "z", 0, 5, 0, 0, None, None), strict=True)),
]
BASE: dict[str, object] = {"model_a": "x", "model_b": "y", "wins_a": 1, "wins_b": 0, "ties": 0}


def counts(data: bytes, file_format: FileFormat = "jsonl") -> dict[str, list[object]]:
    with read_records(io.BytesIO(data), name="f", file_format=file_format) as records:
        return parse_counts(records, name="f")


def line(**fields: object) -> bytes:
    return json.dumps(BASE | fields).encode() + b"\n"


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_every_format_gives_the_same_columns(file_format: FileFormat) -> None:
    columns = counts(written(ROWS, COLUMNS, file_format), file_format)
    assert columns == {name: [row[name] for row in ROWS] for name in COLUMNS}


def test_the_columns_are_what_the_ratings_take() -> None:
    votes = encode(counts(b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)))
    wins, ties = pair_counts(votes)
    assert votes.contenders == ("x", "y", "z")
    assert wins.tolist() == [[0, 3, 0], [1, 0, 0], [0, 5, 0]]
    assert ties.tolist() == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]
    assert (votes.questions, votes.raters) == (("q1",), ("r",))


def test_what_need_not_be_given() -> None:
    data = b"model_a,model_b,wins_a,wins_b,ties,judge,note\nx,y,3,0,1.0,j,good\n"
    assert counts(data, "csv") == {
        "model_a": ["x"],
        "model_b": ["y"],
        "wins_a": [3],
        "wins_b": [0],
        "ties": [1],
        "both_bad": [0],
        "question_id": [None],
        "rater": ["j"],
    }


@pytest.mark.parametrize("value", [-1, 0.5, True, "1,5", "-1", "two", "1e999", [1], 2**53])
@pytest.mark.parametrize("field", ["wins_a", "wins_b", "ties", "both_bad"])
def test_a_count_that_is_none_is_named_by_line_and_field(field: str, value: object) -> None:
    with pytest.raises(BadRecords) as caught:
        counts(line() + line(**{field: value}))
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"line 2, {field}: is ")
    assert problem.reason.endswith("; it must be a whole number from 0")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"wins_a": None}, "wins_a: is missing or empty; it must be a whole number from 0"),
        ({"ties": ""}, "ties: is missing or empty; it must be a whole number from 0"),
        ({"model_b": "x"}, "model_b: is 'x', as model_a is; a vote compares two contenders"),
        ({"model_a": ""}, "model_a: is missing or empty"),
        ({"model_a": 1.5}, "model_a: must be text or an integer, not 1.5"),
        ({"rater": "r", "judge": "s"}, "rater: differs from judge; they all say who voted"),
    ],
)
def test_bad_fields(fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadRecords) as caught:
        counts(line(**fields))
    assert [str(problem) for problem in caught.value.problems] == [f"line 1, {message}"]


def test_every_bad_line_is_told() -> None:
    with pytest.raises(BadRecords) as caught:
        counts(line(ties=-1) + b"{\n" + line() + line(model_b="x"))
    assert [problem.where for problem in caught.value.problems] == ["line 1", "line 2", "line 4"]


def test_nothing_but_zeros_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^f: every count is 0; there are no votes to rate$"):
        counts(line(wins_a=0))
