"""`arena combine`: a study, a ledger and files; formats, refusals, and hostile names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.material import jsonl
from tests.cli.running import Shell
from tests.ratings.prediction_powered.worlds import BASE, Columns, world

QUICK = ("--bootstrap", "30")
FILES = ("--votes", "people.jsonl", "--judge-votes", "judge.jsonl", "--judge", "j")
HOSTILE = {"contender-0": "al\u202epha", "contender-1": "[red]be|ta[/red]", "contender-2": "=1+1"}


def rows(votes: Columns) -> list[dict[str, object]]:
    """Votes as records."""
    return [dict(zip(votes, values, strict=True)) for values in zip(*votes.values(), strict=True)]


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """A shell with files of votes and no database."""
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    human, judge = world()
    shell.write("people.jsonl", jsonl(rows(human)))
    shell.write("judge.jsonl", jsonl(rows(judge)))
    return shell


def told(shell: Shell, *argv: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shell.ok("combine", *argv, *QUICK, "--format", "json").out)
    return content


def test_files_of_votes(files: Shell) -> None:
    found = told(files, *FILES)
    assert (found["method"], found["judge"]) == ("prediction-powered", "judge:j")
    assert (found["human_votes"], found["judge_votes"]) == (180, 1800)
    assert [row["rank"] for row in found["rows"]] == [1, 2, 3, 4, 5, 6]
    assert 0 < found["judge_weight"] < 1
    assert found["effective_votes"] > 180


def test_a_study_and_its_ledger_give_the_same_numbers(shell: Shell) -> None:
    human, judge = world(0, BASE._replace(share=0.5, questions=40))
    questions = sorted(set(judge["question_id"]))
    names = sorted({*judge["model_a"], *judge["model_b"]})
    shell.ok("study", "create", "s", "--title", "A study")
    parts = ("heart", "lung")
    shell.write("q.jsonl", jsonl({"id": q, "text": f"{q}?", "category": parts[int(q[1:]) % 2]} for q in questions))
    shell.write("a.jsonl", jsonl({"question_id": q, "contender": c, "text": f"{c}."} for q in questions for c in names))
    shell.ok("import", "questions", "q.jsonl", "--study", "s")
    shell.ok("import", "answers", "a.jsonl", "--study", "s")
    shell.ok("import", "votes", shell.write("people.jsonl", jsonl(rows(human))), "--study", "s", "--as", "human")
    shell.ok("import", "votes", shell.write("judge.jsonl", jsonl(rows(judge))), "--study", "s", "--as", "judge:j")
    shell.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    of_study, of_ledger = (
        told(shell, "--study", "s", "--judge", "j"),
        told(shell, "--ledger", "ledger.jsonl", "--judge", "judge:j"),
    )
    assert of_study == of_ledger
    assert of_study["study"] == "s"
    of_files = told(shell, *FILES)
    assert of_files["rows"] == of_study["rows"]
    assert of_study["choice"]["p_value"] != of_files["choice"]["p_value"], "a study's categories are tested too"
    assert "no vote to count from 'judge:other'" in shell.fails(1, "combine", "--study", "s", "--judge", "other")


def test_a_table_says_what_was_done(files: Shell) -> None:
    shown = files.ok("combine", *FILES, *QUICK).out
    lines = shown.splitlines()
    assert lines[0].split()[:5] == ["Rank", "At", "once", "Contender", "Combined"]
    assert "The 180 human votes are worth" in shown
    assert "taken as a random sample of all (a test finds p = " in shown
    assert lines[-1] == "Not for clinical use."


def test_pooled_votes_are_named_so(files: Shell) -> None:
    done = files.ok("combine", *FILES, *QUICK, "--pool-as-equals")
    assert "Pooled" in done.out.splitlines()[0]
    assert "Warning: POOLED AS EQUALS" in done.out
    assert done.said.startswith("warning: POOLED AS EQUALS")
    assert "are worth" not in done.out


def test_the_same_bytes_on_standard_output_and_in_a_file(files: Shell) -> None:
    shown = files.ok("combine", *FILES, *QUICK).data
    assert files.ok("combine", *FILES, *QUICK, "--output", "board.txt").data == b""
    assert (files.folder / "board.txt").read_bytes() == shown
    assert files.ok("combine", *FILES, *QUICK).data == shown


def test_probabilities_from_files_of_any_kind(files: Shell) -> None:
    questions = sorted(set(world()[1]["question_id"]))
    chances = [(question, 0.2 + 0.1 * (int(question[1:]) % 2)) for question in questions]
    files.write("p.csv", "question_id,probability\n" + "".join(f"{q},{p}\n" for q, p in chances))
    files.write("p.jsonl", jsonl({"question_id": q, "probability": p} for q, p in chances))
    found = told(files, *FILES, "--probabilities", "p.csv")
    assert found == told(files, *FILES, "--probabilities", "p.jsonl")
    assert found["choice"]["taken_as"] == "given probabilities"
    assert found["rows"] != told(files, *FILES)["rows"]
    assert "inverse of the given probabilities" in files.ok("combine", *FILES, *QUICK, "--probabilities", "p.csv").out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("question_id,probability\nq0001,often\n", "line 2, probability: is 'often'"),
        ("question_id,probability\nq0001,\n", "line 2, probability: is NoneType"),
        ("question_id,chance\nq0001,0.5\n", "line 2, probability: "),
        ("question_id,probability\n,0.5\n", "line 2, question_id: is missing"),
        ("question_id,probability\nq1,0.5\nq1,0.6\n", "line 3, question_id: "),
        ("question_id,probability\nq0000,0.5\n", "has human votes, and no probability"),
        ("question_id,probability\nq0000,nan\n", "has human votes, and no probability"),
    ],
)
def test_probabilities_that_are_none(files: Shell, content: str, reason: str) -> None:
    files.write("p.csv", content)
    assert reason in files.fails(2, "combine", *FILES, "--probabilities", "p.csv")


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("--judge", "j"), "say which votes"),
        (("--votes", "people.jsonl", "--judge", "j"), "give --votes and --judge-votes"),
        (("--judge-votes", "judge.jsonl", "--judge", "j"), "give --votes and --judge-votes"),
        ((*FILES, "--ledger", "x.jsonl"), "say which votes"),
        ((*FILES[:4], "--judge", "a b"), "source"),
        (FILES[:4], "--judge"),
        ((*FILES, "--level", "1"), "level"),
    ],
)
def test_what_cannot_be_done_is_said(files: Shell, argv: tuple[str, ...], reason: str) -> None:
    assert reason in files.fails(2, "combine", *argv)


def test_a_choice_that_is_not_random_is_refused(files: Shell) -> None:
    _, judge = world()
    won: dict[str, int] = {}
    for a, winner, question in zip(judge["model_a"], judge["winner"], judge["question_id"], strict=True):
        won[question] = won.get(question, 0) + (a == "contender-0" and winner == "model_a")
    best = sorted(won, key=lambda question: -won[question])[:30]
    votes = [{**row, "winner": ("model_a", "tie", "model_b")[n % 3]} for n, row in enumerate(rows(judge))]
    files.write("people.jsonl", jsonl(row for row in votes if row["question_id"] in best))
    assert "no random sample of all" in files.fails(2, "combine", *FILES)


def test_hostile_names_do_not_act(files: Shell) -> None:
    renamed = [
        {name: [HOSTILE.get(value, value) for value in column] for name, column in votes.items()} for votes in world()
    ]
    for name, votes in zip(("people.jsonl", "judge.jsonl"), renamed, strict=True):
        files.write(name, jsonl(rows(votes)))
    shown = files.ok("combine", *FILES, *QUICK).out
    assert "\u202e" not in shown
    assert "[red]be|ta[/red]" in shown
    assert {row["model"] for row in told(files, *FILES)["rows"]} >= set(HOSTILE.values())
