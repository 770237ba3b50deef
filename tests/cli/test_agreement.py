"""`arena agreement`: a study with people and judges, files of votes, and the llmfao data set's figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import llmfao
from tests.cli.material import jsonl, load, vote, votes
from tests.cli.running import Shell
from tests.cli.shells import MakeShell

QUICK = ("--bootstrap", "30")
HOSTILE = "an\u202en [red]<b>"


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """A shell with files of votes and no database."""
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    shell.write("people.jsonl", jsonl(votes()))
    shell.write("judge.jsonl", jsonl({**row, "winner": "model_a"} for row in votes() if row["judge"] == "rater-0"))
    return shell


def told(shell: Shell, *argv: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shell.ok("agreement", *argv, *QUICK, "--format", "json").out)
    return content


def kinds(part: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    return [(each["kind"], each["judge"], each["units"]) for each in part["comparisons"]]


def test_people_and_a_judge_of_a_study(shell: Shell) -> None:
    load(shell)
    vote(shell)
    shell.write("judge.jsonl", jsonl({**row, "winner": "tie"} for row in votes() if row["judge"] == "rater-0"))
    shell.ok("import", "votes", "judge.jsonl", "--study", "s", "--as", "judge:j")
    found = told(shell, "--study", "s", "--by", "category")
    assert kinds(found["overall"]) == [("human-human", None, 18), ("human-judge", "judge:j", 18)]
    assert [(part["value"], kinds(part)[0][2]) for part in found["parts"]] == [("heart", 9), ("lung", 9)]
    assert [side["source"] for side in found["position"]] == ["human"], "a judge that only ties prefers no side"
    shown = shell.ok("study", "show", "s").out.split()[-1]
    assert f"{found['ledger']['position']}:{found['ledger']['head']}" == shown
    assert found["study"] == "s"
    assert found["votes"] == 18 * 5


def test_the_keys_are_the_contract(files: Shell) -> None:
    found = told(files, "--votes", "people.jsonl", "--votes", "judge:j=judge.jsonl")
    assert list(found) == [
        *("study", "ledger", "votes", "unit", "labels", "overall", "parts"),
        *("position", "consistency", "warnings", "settings"),
    ]
    assert list(found["overall"]) == ["field", "value", "comparisons", "plurality"]
    for comparison in found["overall"]["comparisons"]:
        assert comparison["labels"] == ["low", "tie", "high"]
        assert list(comparison["figures"]) == [
            *("tie_rate", "raw", "cohen", "fleiss", "randolph", "gwet_ac1"),
            *("krippendorff_nominal", "krippendorff_ordinal", "gwet_ac2"),
        ]
        assert all(list(figure) == ["value", "low", "high"] for figure in comparison["figures"].values())


def test_the_same_votes_from_a_study_and_from_files_say_the_same(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    vote(shell)
    shell.write("judge.jsonl", jsonl(reversed(votes())))
    shell.ok("import", "votes", "judge.jsonl", "--study", "s", "--as", "judge:j")
    parts = ("overall", "position", "consistency")
    of_study = told(shell, "--study", "s")
    of_files = told(shell, "--votes", "human=votes.jsonl", "--votes", "judge:j=judge.jsonl")
    shell.ok("export", "votes", "--study", "s", "--output", "all.csv")
    of_export = told(shell, "--votes", "all.csv")
    for name in parts:
        assert of_study[name] == of_files[name] == of_export[name]
    only = told(shell, "--votes", "judge:j=all.csv")
    assert "all.csv: 72 of its votes state another source and are left out." in only["warnings"]
    assert only["votes"] == 72


def test_the_labels_are_those_of_the_plan_and_without_one_those_of_the_files(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "plan", "set", "s", 'choices=["a_better", "b_better", "cannot_judge"]')
    told_of = {"people": "model_a", "more": "tie"}
    for name, winner in told_of.items():
        rows = [{**row, "winner": winner if row["winner"] in ("tie", "both_bad") else row["winner"]} for row in votes()]
        shell.write(f"{name}.jsonl", jsonl(rows))
    shell.ok("import", "votes", "people.jsonl", "--study", "s")
    of_study, of_files = told(shell, "--study", "s"), told(shell, "--votes", "people.jsonl")
    with_ties = told(shell, "--votes", "more.jsonl")
    assert [found["labels"] for found in (of_study, of_files)] == [["low", "high"]] * 2
    assert with_ties["labels"] == ["low", "tie", "high"]
    assert [found["settings"]["labels"] for found in (of_study, of_files)] == ["offered", "given"]
    assert [any("none was offered" in said for said in found["warnings"]) for found in (of_study, of_files)] == [0, 1]
    table = shell.ok("agreement", "--study", "s", *QUICK).out
    assert re.search(r"Labels \(K\) +2\n", table)
    load(shell, "t")
    shell.ok("import", "votes", "people.jsonl", "--study", "t")
    assert told(shell, "--study", "t")["labels"] == ["low", "tie", "high"], "as the plan offers ties"


def test_axes_of_a_file_are_told_apart(files: Shell) -> None:
    rows = [{**row, "axis": axis} for axis in ("harm", "recall") for row in votes()]
    found = told(files, "--votes", files.write("axes.jsonl", jsonl(rows)))
    assert [(part["field"], part["value"]) for part in found["parts"]] == [("axis", "harm"), ("axis", "recall")]
    assert found["overall"]["comparisons"][0]["units"] == 36
    assert found["consistency"] == []


def test_the_table_holds_the_figures_and_nothing_acts(files: Shell) -> None:
    files.write("hostile.jsonl", jsonl({**row, "judge": f"{row['judge']} {HOSTILE}"} for row in votes()))
    done = files.ok("agreement", "--votes", "hostile.jsonl", *QUICK)
    assert "\u202e" not in done.out + done.said
    assert "rater-0 an\\u202en [red]<b>" in done.out
    assert "Krippendorff's alpha, ordinal" in done.out
    assert "tie and both_bad are one label" in done.out
    assert done.out.endswith("Not for clinical use.\n")
    own = files.ok("agreement", "--votes", "people.jsonl", "--both-bad", "label", *QUICK).out
    assert "both_bad is a label of its own" in own


def test_repeats_are_shown_with_the_sides(files: Shell) -> None:
    row = {"question_id": "q", "model_a": "x", "model_b": "y", "winner": "model_a", "judge": "r"}
    turned = {**row, "model_a": "y", "model_b": "x", "winner": "model_b"}
    more = [{**each, "question_id": "p"} for each in (row, turned)]
    files.write("repeats.jsonl", jsonl([row, turned, *more]))
    out = files.ok("agreement", "--votes", "repeats.jsonl", *QUICK).out
    line = next(line for line in out.splitlines() if line.startswith("human") and "2:" in line)
    assert line.split() == [
        "human",
        "2",
        "2",
        *("100.0%", "(15.8", "to", "100.0)"),
        "0:",
        "–",
        "2:",
        *("100.0%", "(15.8", "to", "100.0)"),
    ]


def test_a_file_is_written_whole_and_the_seed_decides(files: Shell) -> None:
    files.ok("agreement", "--votes", "people.jsonl", *QUICK, "--format", "json", "--output", "a.json", "--seed", "3")
    files.ok("agreement", "--votes", "people.jsonl", *QUICK, "--format", "json", "--output", "b.json", "--seed", "3")
    files.ok("agreement", "--votes", "people.jsonl", *QUICK, "--format", "json", "--output", "c.json", "--seed", "4")
    first, second, other = ((files.folder / name).read_bytes() for name in ("a.json", "b.json", "c.json"))
    assert first == second != other


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "either --study NAME or --votes FILE"),
        (("--study", "s", "--votes", "people.jsonl"), "either --study NAME or --votes FILE"),
        (("--votes", "gone.jsonl"), "gone.jsonl: cannot be read"),
        (("--votes", "judge:=people.jsonl"), "'judge:' is not a source of votes"),
        (("--votes", "people.jsonl", "--by", "category"), "no vote states a category"),
        (("--votes", "people.jsonl", "--level", "95"), "level must lie between 0 and 1"),
        (("--votes", "people.jsonl", "--output", "gone/a.json"), "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_refused(argv: tuple[str, ...], said: str, files: Shell) -> None:
    assert said in files.fails(2, "agreement", *argv, *QUICK)


def test_a_study_without_votes_is_told(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    assert "there is no vote to compare yet" in shell.fails(1, "agreement", "--study", "s")


def test_the_crowd_and_two_judges_of_llmfao(tmp_path: Path) -> None:
    """Published by the data set's author: GPT-4 agrees with most of the crowd in 44.6%, GPT-3.5 in 37.7%."""
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    for name, file in (
        ("crowd", llmfao.CROWD),
        ("gpt4", "gpt4-crowd-comparisons.csv"),
        ("gpt3", "gpt3-crowd-comparisons.csv"),
    ):
        shell.write(f"{name}.jsonl", jsonl(llmfao.votes(file)))
    found = told(
        shell, *("--votes", "crowd.jsonl", "--votes", "judge:gpt-4=gpt4.jsonl", "--votes", "judge:gpt-3.5=gpt3.jsonl")
    )
    most = {each["judge"]: each for each in found["overall"]["plurality"]}
    assert {judge: (each["agreeing"], each["pairings"]) for judge, each in most.items()} == {
        "judge:gpt-4": (817, 1831),
        "judge:gpt-3.5": (691, 1831),
    }
    assert round(most["judge:gpt-4"]["agrees"]["value"], 3) == 0.446
    assert round(most["judge:gpt-3.5"]["agrees"]["value"], 3) == 0.377
    beside = {
        judge: (each["beside"], round(each["judge_agrees"]["value"], 3), round(each["human_agrees"]["value"], 3))
        for judge, each in most.items()
    }
    assert beside == {"judge:gpt-4": (7307, 0.447, 0.617), "judge:gpt-3.5": (7307, 0.379, 0.617)}
    sides = {side["source"]: (side["left"], side["votes"] - side["left"]) for side in found["position"]}
    assert sides == {"human": (2911, 2549), "judge:gpt-4": (943, 1130), "judge:gpt-3.5": (1352, 593)}
    units = {each["judge"] or each["kind"]: (each["raters"], each["units"]) for each in found["overall"]["comparisons"]}
    assert units["human-human"] == (124, 2124)
    assert units["judge:gpt-4"] == (125, 2139)
    assert len(found["position"][0]["raters"]) == 124
