"""`arena fragility`: tables and JSON, of a study, a ledger and a file of votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.material import jsonl, load, vote
from tests.cli.running import Shell

Row = dict[str, Any]


def rows(first: str = "alpha", second: str = "beta") -> list[Row]:
    """5 of 8 votes for the first, of 2 raters on 4 questions."""
    names = {"model_a": first, "model_b": second}
    wins = [("model_a" if at < 5 else "model_b") for at in range(8)]
    return [
        {**names, "winner": winner, "question_id": f"q{at % 4}", "rater": f"r{at % 2}"}
        for at, winner in enumerate(wins)
    ]


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """A shell with a file of votes and no database."""
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    shell.write("votes.jsonl", jsonl(rows()))
    return shell


def test_the_table_says_what_it_takes_and_what_it_does_not_say(files: Shell) -> None:
    done = files.ok("fragility", "--votes", "votes.jsonl")
    lines = done.out.splitlines()
    assert lines[0] == "First place: alpha, 88.7 points above beta."
    cells = {line[: line.index("  ")]: line.split()[2:5] for line in lines if line.startswith(("votes ", "raters "))}
    assert cells["votes removed"] == ["3", "8", "37.5%"]
    assert cells["votes flipped"] == ["2", "8", "25%"]
    assert "Votes removed: 3 × alpha over beta." in lines
    assert "Without one of the 4 questions, each in turn." in lines
    assert lines[-1] == "Not for clinical use."
    assert any(line.startswith("Warning: This says nothing of sampling error") for line in lines)
    assert [line for line in done.lines if line.startswith("warning: ")] == done.lines


def test_json_holds_the_whole_analysis_and_goes_to_a_file(files: Shell) -> None:
    done = files.ok(
        "fragility", "--votes", "votes.jsonl", "--pair", "beta", "alpha", "--format", "json", "-o", "f.json"
    )
    assert done.out == ""
    content = json.loads((files.folder / "f.json").read_text())
    assert (content["study"], content["source"], content["ledger"]) == (None, "human", None)
    assert (content["votes"], content["contenders"]) == (8, 2)
    assert (content["pair"]["higher"], content["pair"]["lower"]) == ("alpha", "beta")
    flipped = content["first"]["changes"][1]
    assert (flipped["unit"], flipped["way"], flipped["number"], flipped["exact"]) == ("vote", "flip", 2, True)
    assert flipped["votes"] == [
        {"model_a": "alpha", "model_b": "beta", "winner": "model_a", "becomes": "model_b", "weight": 1.0, "number": 2}
    ]
    assert [left_out["units"] for left_out in content["leave_one_out"]] == [2, 4]


def test_a_study_and_its_ledger_say_the_same(shell: Shell) -> None:
    load(shell)
    vote(shell)
    names = [
        row["model"] for row in json.loads(shell.ok("leaderboard", "--study", "s", "--format", "json").out)["rows"]
    ]
    of_study = json.loads(shell.ok("fragility", "--study", "s", "--format", "json").out)
    assert [of_study["first"]["higher"], *(contest["lower"] for contest in of_study["neighbours"])] == names
    assert of_study["ledger"]["position"] > 0
    shell.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    assert json.loads(shell.ok("fragility", "--ledger", "ledger.jsonl", "--format", "json").out) == of_study


def test_hostile_names_act_on_no_terminal(files: Shell) -> None:
    files.write("hostile.jsonl", jsonl(rows("al\u202epha", "\x1b[31mred [bold]x[/bold]".replace("\x1b", "\u200b"))))
    out = files.ok("fragility", "--votes", "hostile.jsonl").out
    assert "al\\u202epha" in out
    assert "\u202e" not in out
    assert "\u200b" not in out
    assert "[bold]x[/bold]" in out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "say which votes"),
        (("--votes", "votes.jsonl", "--pair", "alpha", "gamma"), "'gamma' is none of the contenders"),
        (("--votes", "votes.jsonl", "--both-bad", "lose"), "'lose' is not one of"),
        (("--votes", "gone.jsonl"), "gone.jsonl"),
    ],
)
def test_what_cannot_be_asked_is_bad_input(files: Shell, argv: tuple[str, ...], told: str) -> None:
    assert told in " ".join(files.fails(2, "fragility", *argv).replace("│", "").split())


def test_votes_of_another_source_are_none(files: Shell) -> None:
    files.write("judged.jsonl", jsonl([{**row, "source": "judge:j"} for row in rows()]))
    assert "no vote to count" in files.fails(1, "fragility", "--votes", "judged.jsonl")
