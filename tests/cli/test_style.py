"""`arena style`: from votes and answers to ratings at equal style, whichever way they are given."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.material import jsonl
from tests.cli.running import Shell

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """Votes on answers of which the longer one is mostly preferred, in a directory without a database."""
    rng = random.Random(1)
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    texts = {(f"q{n}", name): "word " * rng.randint(5, 60) + "." for n in range(20) for name in NAMES}
    answers = [{"question_id": q, "contender": name, "text": text} for (q, name), text in texts.items()]
    votes: list[dict[str, Any]] = []
    for n in range(300):
        a, b = rng.sample(NAMES, 2)
        question = f"q{n % 20}"
        first, second = (len(texts[question, name]) for name in (a, b))
        a_wins = (first > second) if rng.random() < 0.75 else (a < b)
        vote = {"question_id": question, "model_a": a, "model_b": b, "winner": "model_a" if a_wins else "model_b"}
        votes.append(vote | {"judge": f"r{n % 4}", "length_a": first, "length_b": second, "kind": "x"})
    shell.write("votes.jsonl", jsonl(votes))
    shell.write("answers.jsonl", jsonl(answers))
    return shell


def report(shell: Shell, *argv: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.ok("style", *argv, "--format", "json").data)
    return found


def test_lengths_from_columns_and_from_answers_are_the_same(files: Shell) -> None:
    control = ("--votes", "votes.jsonl", "--control", "length,position")
    by_column = report(files, *control)
    by_answer = report(files, *control, "--answers", "answers.jsonl")
    assert by_answer == by_column
    effect = by_column["effects"][0]
    assert (effect["covariate"], effect["low"] > 0) == ("length", True)
    assert list(by_column) == [
        *("study", "source", "ledger", "rows", "effects", "votes", "cluster", "level", "warnings", "settings")
    ]


def test_the_table_names_both_ratings_and_is_not_for_clinical_use(files: Shell) -> None:
    done = files.ok("style", "--votes", "votes.jsonl", "--control", "length", "--output", "style.txt")
    assert done.data == b""
    text = (files.folder / "style.txt").read_text()
    assert text.splitlines()[0].split("  ")[0] == "Rank"
    assert "Controlled" in text
    assert text.endswith("Not for clinical use.\n")
    assert files.ok("style", "--votes", "votes.jsonl", "--control", "length").out == text


def test_a_study_s_answers_are_counted(shell: Shell, files: Shell) -> None:
    questions = [{"id": f"q{n}", "text": f"Question {n}?"} for n in range(20)]
    files.write("questions.jsonl", jsonl(questions))
    shell.ok("study", "create", "s", "--title", "S")
    shell.ok("import", "questions", "questions.jsonl", "--study", "s")
    shell.ok("import", "answers", "answers.jsonl", "--study", "s")
    shell.ok("study", "open", "s")
    votes = [json.loads(line) for line in (files.folder / "votes.jsonl").read_text().splitlines()]
    files.write("plain.jsonl", jsonl({k: v for k, v in vote.items() if k != "kind"} for vote in votes))
    shell.ok("import", "votes", "plain.jsonl", "--study", "s")
    found = report(shell, "--study", "s", "--control", "length,position")
    by_file = report(files, "--votes", "votes.jsonl", "--control", "length,position")
    assert found["effects"] == by_file["effects"]
    assert found["study"] == "s"
    assert found["ledger"]["position"] > 0
    assert "error" in shell.fails(2, "style", "--study", "s", "--answers", "answers.jsonl")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--control", "lists"), "--answers FILE"),
        (("--control", "charm"), "charm_a and charm_b"),
        (("--control", "kind"), "'x' is no number"),
        (("--control", "length,,lists"), "is not a list of different names"),
        (("--control", "length", "--level", "2"), "level"),
        (("--control", "lists", "--answers", "answers.jsonl"), "lists does not vary"),
        (("--control", "length", "--study", "s"), "one of --study NAME"),
    ],
)
def test_what_cannot_be_controlled_for_is_refused(files: Shell, argv: tuple[str, ...], says: str) -> None:
    assert says in files.fails(2, "style", "--votes", "votes.jsonl", *argv)


def test_a_vote_without_its_answer_is_named(files: Shell) -> None:
    lines = (files.folder / "answers.jsonl").read_text().splitlines(keepends=True)
    files.write("fewer.jsonl", "".join(lines[1:]))
    said = files.fails(2, "style", "--votes", "votes.jsonl", "--answers", "fewer.jsonl", "--control", "length")
    assert "there is no answer of 'alpha' to the question 'q0'" in said


def test_by_default_what_can_be_is_controlled_for(shell: Shell) -> None:
    shell.ok("simulate", "--questions", "60", "--output", "votes.csv")
    done = shell.ok("style", "--votes", "votes.csv", "--format", "json")
    assert [effect["covariate"] for effect in json.loads(done.out)["effects"]] == ["position"]
    assert any("Left out" in line and "length, lists, headings, bold" in line for line in done.lines)
