"""`arena plan`: from a pilot and from assumptions, as a table and as JSON; what to show next; what is settled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.material import CONTENDERS, jsonl, load, vote
from tests.cli.running import Shell
from tests.cli.shells import MakeShell

HOSTILE = ("al\u202epha", "be\u200bta", "[red]gamma[/red]")


def cast(contenders: tuple[str, ...] = CONTENDERS, questions: int = 60) -> list[dict[str, object]]:
    """Two votes of different raters on each question, alike; the first contender mostly wins, the others share."""
    a, b, c = contenders
    rows: list[dict[str, object]] = []
    for number in range(questions):
        left, right = ((a, b), (c, a), (b, c))[number % 3]
        first = left == a or (left == b and number % 2 == 0)
        turned = number % 7 == 5
        for place in range(2):
            winner = "model_a" if first != turned else "model_b"
            rows.append(
                {
                    "id": f"v{number}-{place}",
                    "question_id": f"q{number}",
                    "model_a": left,
                    "model_b": right,
                    "winner": winner,
                    "rater": f"r{(number + place) % 9}",
                }
            )
    return [row | {"winner": "tie"} if number in (4, 9, 40) else row for number, row in enumerate(rows)]


@pytest.fixture
def files(make_shell: MakeShell) -> Shell:
    """A shell with a file of votes and no study."""
    shell = make_shell("sqlite")
    shell.write("votes.jsonl", jsonl(cast()))
    return shell


def plan(shell: Shell, *argv: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shell.ok("plan", *argv, "--format", "json").out)
    return content


def test_a_width_from_assumptions_needs_no_database(files: Shell) -> None:
    asked = ("width", "--within", "30", "--contenders", "2", "--raters", "2", "--votes-per-pairing", "1")
    [option] = plan(files, *asked, "--minutes", "6")["options"]
    assert (option["votes"], option["questions"], option["hours"]) == (129, 129, pytest.approx(12.9))
    table = files.ok("plan", *asked, "--minutes", "6").out
    assert "129" in table
    assert "hours in all" in table
    assert table.endswith("Not for clinical use.\n")
    assert "hours" not in files.ok("plan", *asked).out


def test_few_raters_are_said_to_be_too_few(files: Shell) -> None:
    done = files.ok("plan", "width", "--within", "30", "--rater-sd", "60", "--raters", "8", "--raters", "60")
    assert "With 8 raters no number of questions is enough: they stop at ±41 points." in done.out
    assert "Fewest votes:" in done.out
    few = files.ok("plan", "width", "--within", "30", "--rater-sd", "60", "--raters", "5")
    assert "speak of these raters only" in few.said


def test_a_pilot_says_how_far_contenders_questions_and_raters_are_apart(files: Shell) -> None:
    found = plan(files, "width", "--votes", "votes.jsonl", "--within", "40", "--raters", "12")
    assert (found["source"], found["contenders"]) == ("pilot", 3)
    assert found["question_sd"] > 0
    other = plan(files, "width", "--votes", "votes.jsonl", "--within", "40", "--raters", "12", "--question-sd", "0")
    assert other["question_sd"] == 0
    one = ("separate", "--votes", "votes.jsonl", "--between", "alpha", "--between", "beta", "--raters", "12")
    assert plan(files, *one)["between"] == ["alpha", "beta"]
    assert plan(files, *one, "--gap", "35")["target"] == 35


def test_a_study_is_a_pilot_and_its_next_pairs_and_settled_ones_are_told(shell: Shell) -> None:
    load(shell)
    vote(shell)
    following = plan(shell, "next", "--study", "s", "--floor", "0.3")
    assert sum(pair["probability"] for pair in following["pairs"]) == pytest.approx(1.0)
    assert min(pair["probability"] for pair in following["pairs"]) >= 0.3 / 3 * 0.999
    assert plan(shell, "settled", "--study", "s")["settled"] == 0
    exported = shell.ok("export", "ledger", "--study", "s").data
    shell.write("ledger.jsonl", exported)
    assert plan(shell, "settled", "--ledger", "ledger.jsonl") == plan(shell, "settled", "--study", "s")


def test_what_is_settled_is_told_with_its_question(files: Shell) -> None:
    found = plan(files, "settled", "--votes", "votes.jsonl", "--contender", "alpha", "--contender", "beta")
    [pair] = found["pairs"]
    assert (pair["a"], pair["b"], pair["questions"], pair["votes"]) == ("alpha", "beta", 20, 40)
    assert pair["better"] == "alpha"
    assert pair["settled_question"] == f"q{3 * (pair['settled_at'] - 1)}"
    done = files.ok("plan", "settled", "--votes", "votes.jsonl")
    assert "pairs settled at 95%" in done.out
    assert "chosen at random" in done.out
    assert "9 raters: what is settled is settled for these raters only" in done.said


def test_a_file_is_written_whole(files: Shell) -> None:
    done = files.ok("plan", "next", "--votes", "votes.jsonl", "--format", "json", "--output", "next.json")
    assert done.out == ""
    assert len(json.loads((files.folder / "next.json").read_text())["pairs"]) == 3


def test_hostile_names_do_nothing(files: Shell) -> None:
    files.write("hostile.jsonl", jsonl(cast(HOSTILE)))
    for argv in (
        ("settled",),
        ("next",),
        ("separate", "--between", HOSTILE[0], "--between", HOSTILE[1]),
    ):
        done = files.ok("plan", *argv, "--votes", "hostile.jsonl")
        assert not {"\u202e", "\u200b", "\x1b"} & set(done.out + done.said)
        assert "\\u202e" in done.out
    assert "\x1b" not in files.fails(2, "plan", "settled", "--votes", "hostile.jsonl", "--contender", "\x1b[31m")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("width", "--within", "0"), "above 0 Elo points"),
        (("width", "--within", "nan"), "above 0 Elo points"),
        (("width", "--within", "30", "--question-sd", "900"), "at most"),
        (("width", "--within", "30", "--raters", "2", "--votes-per-pairing", "3"), "fewer raters"),
        (("width", "--within", "30", "--votes", "votes.jsonl", "--gap", "10"), "leave --gap out"),
        (("width", "--within", "30", "--votes", "votes.jsonl", "--ties", "0.1"), "leave --ties out"),
        (("separate",), "--gap"),
        (("separate", "--gap", "50", "--between", "x"), "--between names contenders of a pilot"),
        (("separate", "--votes", "votes.jsonl", "--between", "alpha"), "which two"),
        (("separate", "--votes", "votes.jsonl", "--between", "alpha", "--between", "x"), "no counted vote on 'x'"),
        (("next",), "say which votes"),
        (("next", "--votes", "votes.jsonl", "--floor", "0"), "floor"),
        (("settled", "--votes", "votes.jsonl", "--contender", "x"), "'x'"),
        (("settled", "--votes", "votes.jsonl", "--level", "95"), "level"),
    ],
)
def test_what_cannot_be_planned_is_exit_status_2(files: Shell, argv: tuple[str, ...], told: str) -> None:
    assert told in files.fails(2, "plan", *argv)


def test_simulated_votes_are_said_to_be_so(shell: Shell) -> None:
    shell.ok("simulate", "--questions", "40", "--output", "votes.csv")
    for command in (("settled",), ("next",), ("width", "--within", "40")):
        done = shell.ok("plan", *command, "--votes", "votes.csv")
        assert "votes are simulated" in done.said, command
    assert "votes are simulated" in shell.ok("plan", "settled", "--votes", "votes.csv").out
