"""Read bytes as a file and say what came of it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from arena.domain.records import AnswerRecord, Located, QuestionRecord, VoteRecord
from arena.errors import BadInput
from arena.services.files import (
    Entry,
    FileFormat,
    Limits,
    parse_answers,
    parse_questions,
    parse_votes,
    read_records,
    write_records,
)

SMALL = Limits(file_bytes=200_000, decompressed_bytes=400_000, rows=50, field_chars=2_000, depth=4)


def entries(data: bytes, file_format: FileFormat = "jsonl", limits: Limits | None = None) -> list[Entry]:
    with read_records(io.BytesIO(data), name="f", file_format=file_format, limits=limits) as records:
        return list(records)


def questions(
    data: bytes, file_format: FileFormat = "jsonl", limits: Limits | None = None, limit: int = 10
) -> list[Located[QuestionRecord]]:
    with read_records(io.BytesIO(data), name="f", file_format=file_format, limits=limits) as records:
        return parse_questions(records, name="f", limit=limit)


def answers(data: bytes, file_format: FileFormat = "jsonl") -> list[Located[AnswerRecord]]:
    with read_records(io.BytesIO(data), name="f", file_format=file_format) as records:
        return parse_answers(records, name="f")


def votes(data: bytes, file_format: FileFormat = "jsonl") -> list[Located[VoteRecord]]:
    with read_records(io.BytesIO(data), name="f", file_format=file_format) as records:
        return parse_votes(records, name="f", digest=records.digest)


def complaint(data: bytes, file_format: FileFormat = "jsonl", limits: Limits | None = None) -> str:
    """The whole message about a file of questions, which must be refused."""
    try:
        good = questions(data, file_format, limits)
    except BadInput as error:
        return str(error)
    raise AssertionError(f"was taken: {good}")


def written(rows: Iterable[Mapping[str, object]], columns: Sequence[str], file_format: FileFormat) -> bytes:
    target = io.BytesIO()
    write_records(rows, columns, target, file_format)
    return target.getvalue()
