"""What is written is read back as it was, in all three formats."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.services.files import FileFormat, RawRecord
from tests.services.files.helping import answers, entries, questions, votes, written

# Texts that a file may hold: no surrogates and no control characters but tab and line ends.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32) if chr(n) not in "\t\n\r"])
    | st.sampled_from("'=+-@\t\r\n,\"é😀＝"),
    max_size=20,
)
SAID = TEXT.filter(str.strip)
NAME = SAID.filter(lambda text: text.strip() == text and text.splitlines() == [text])
LABEL = st.none() | NAME
OPTIONAL = st.none() | SAID

FORMATS: list[FileFormat] = ["jsonl", "csv", "parquet"]
# A decoder process is started for each Parquet example.
MANY = {"jsonl": 100, "csv": 150, "parquet": 15}
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much]

QUESTION = st.fixed_dictionaries(
    {
        "text": SAID,
        "context": OPTIONAL,
        "task": LABEL,
        "category": LABEL,
        "language": LABEL,
        "source": LABEL,
        "reference": OPTIONAL,
        "must_have": st.lists(TEXT, max_size=3),
        "unknown": OPTIONAL,
    }
)
ANSWER = st.fixed_dictionaries({"question_id": NAME, "contender": NAME, "text": SAID, "model": OPTIONAL})
MOMENT = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
VOTE = st.fixed_dictionaries(
    {
        "pair": st.lists(NAME, min_size=2, max_size=2, unique=True),
        "choice": st.sampled_from(Choice),
        "question_id": st.none() | NAME,
        "rater": st.none() | NAME,
        "tstamp": st.none() | MOMENT,
        "reason": st.sampled_from(CannotJudgeReason),
        "comment": OPTIONAL,
        "simulated": st.booleans(),
        "unknown": OPTIONAL,
    }
)


@pytest.mark.parametrize("file_format", FORMATS)
def test_questions(file_format: FileFormat) -> None:
    @settings(max_examples=MANY[file_format], deadline=None, suppress_health_check=QUIET)
    @given(st.lists(QUESTION, min_size=1, max_size=4))
    def check(drawn: list[dict[str, object]]) -> None:
        rows = [{"id": f"q{n}"} | fields for n, fields in enumerate(drawn)]
        read = questions(written(rows, list(rows[0]), file_format), file_format)
        for row, found in zip(rows, read, strict=True):
            known = {field: getattr(found.record, field) for field in row if field != "unknown"}
            assert known | {"must_have": list(found.record.must_have)} == {k: row[k] for k in row if k != "unknown"}
            assert json.loads(found.record.extra) == {"unknown": row["unknown"]}

    check()


@pytest.mark.parametrize("file_format", FORMATS)
def test_answers(file_format: FileFormat) -> None:
    @settings(max_examples=MANY[file_format], deadline=None, suppress_health_check=QUIET)
    @given(
        st.lists(ANSWER, min_size=1, max_size=4, unique_by=lambda answer: (answer["question_id"], answer["contender"]))
    )
    def check(rows: list[dict[str, object]]) -> None:
        read = answers(written(rows, list(rows[0]), file_format), file_format)
        assert [
            {
                "question_id": found.record.question_id,
                "contender": found.record.contender,
                "text": found.record.text,
                **json.loads(found.record.provenance),
            }
            for found in read
        ] == rows

    check()


@pytest.mark.parametrize("file_format", FORMATS)
def test_votes(file_format: FileFormat) -> None:
    @settings(max_examples=MANY[file_format], deadline=None, suppress_health_check=QUIET)
    @given(st.lists(VOTE, min_size=1, max_size=4))
    def check(drawn: list[dict[str, object]]) -> None:
        rows = [_vote_row(number, fields) for number, fields in enumerate(drawn)]
        read = votes(written(rows, list(rows[0]), file_format), file_format)
        for row, found in zip(rows, read, strict=True):
            vote = found.record
            assert vote.key == f"id:{row['id']}"
            again = {
                "id": row["id"],
                "model_a": vote.model_a,
                "model_b": vote.model_b,
                "winner": vote.choice.winner,
                "choice": vote.choice,
                "question_id": vote.question_id,
                "rater": vote.rater,
                "tstamp": vote.voted_at,
                "reason": vote.reason,
                "comment": vote.comment,
                "simulated": vote.simulated,
                "unknown": json.loads(vote.extra)["unknown"],
            }
            assert again == row

    check()


def _vote_row(number: int, fields: dict[str, object]) -> dict[str, object]:
    choice, pair = fields["choice"], fields["pair"]
    assert isinstance(choice, Choice)
    assert isinstance(pair, list)
    row: dict[str, object] = {"id": f"v{number}", "model_a": pair[0], "model_b": pair[1], "winner": choice.winner}
    row |= {field: value for field, value in fields.items() if field != "pair"}
    return row | {"reason": fields["reason"] if choice is Choice.CANNOT_JUDGE else None}


@given(st.lists(st.lists(TEXT | st.none(), min_size=2, max_size=2), min_size=1, max_size=5))
@settings(deadline=None, suppress_health_check=QUIET)
def test_every_cell_of_a_csv_file(rows: list[list[str | None]]) -> None:
    data = written([{"=a": a, "b": b} for a, b in rows], ["=a", "b"], "csv")
    read = [entry.fields for entry in entries(data, "csv") if isinstance(entry, RawRecord)]
    assert read == [{"=a": a or None, "b": b or None} for a, b in rows]


@given(st.lists(TEXT | st.none(), min_size=1, max_size=5))
@settings(deadline=None)
def test_a_single_column_loses_no_row(cells: list[str | None]) -> None:
    read = entries(written([{"a": cell} for cell in cells], ["a"], "csv"), "csv")
    assert [entry.fields["a"] for entry in read if isinstance(entry, RawRecord)] == [cell or None for cell in cells]
