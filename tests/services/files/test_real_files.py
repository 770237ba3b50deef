"""The real study and the real votes are read as they come."""

from __future__ import annotations

import csv
import json

import pytest

from arena.errors import BadRecords
from arena.services.files import parse_answers, parse_questions, parse_votes, read_records
from tests.services.files.helping import votes, written
from tests.shared_data import shared_data


def test_kqa_questions() -> None:
    path = shared_data("kqa_study/questions.jsonl")
    with read_records(path, name=path.name) as records:
        questions = parse_questions(records, name=path.name)
    raw = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(questions) == len(raw) == 201
    assert sum(found.record.category is None for found in questions) == 95
    for found, line in zip(questions, raw, strict=True):
        assert (found.record.text, list(found.record.must_have)) == (line["text"], line["must_have"])
        assert json.loads(found.record.extra) == {"nice_to_have": line["nice_to_have"]}


def test_kqa_answers() -> None:
    path = shared_data("kqa_study/answers.jsonl")
    with read_records(path, name=path.name) as records:
        answers = parse_answers(records, name=path.name)
    counts: dict[str, int] = {}
    for found in answers:
        counts[found.record.contender] = counts.get(found.record.contender, 0) + 1
    assert len(answers) == 250
    assert sorted(counts.values()) == [10, 10, 14, 15, 201]


def test_llmfao_votes() -> None:
    """8,931 crowd votes, brought into the columns of the field."""
    with shared_data("llmfao/crowd-comparisons.csv").open(newline="", encoding="utf-8") as file:
        crowd = list(csv.DictReader(file))
    winners = {"left": "model_a", "right": "model_b", "tie": "tie"}
    rows = [
        {
            "question_id": row["prompt"],
            "model_a": row["left"],
            "model_b": row["right"],
            "winner": winners[row["winner"]],
            "worker": row["worker"],
        }
        for row in crowd
    ]
    read = votes(written(rows, list(rows[0]), "csv"), "csv")
    assert len(read) == len({found.record.key for found in read}) == 8931
    assert [found.record.choice.winner for found in read] == [row["winner"] for row in rows]


def test_the_crowd_file_as_it_is_lacks_the_columns() -> None:
    path = shared_data("llmfao/crowd-comparisons.csv")
    with (
        read_records(path, name=path.name) as records,
        pytest.raises(BadRecords, match=r"^crowd-comparisons\.csv, line 2, model_a: is missing or empty$"),
    ):
        parse_votes(records, name=path.name, digest=records.digest, limit=1)
