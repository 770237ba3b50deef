"""`arena raters`: the report, its keys, its careful words."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.material import jsonl
from tests.cli.running import Shell

NAMES = ("alpha", "beta", "gamma", "delta")


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """Eight raters who mostly agree and one, `r-odd`, who always votes against alpha; no database."""
    rng = random.Random(4)
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    votes = []
    for n in range(900):
        a, b = rng.sample(NAMES, 2)
        better = a if (NAMES.index(a) < NAMES.index(b)) == (rng.random() < 0.8) else b
        rater = f"r{n % 9}" if n % 9 else "r-odd"
        if rater == "r-odd" and "alpha" in (a, b):
            better = b if a == "alpha" else a
        winner = "model_a" if better == a else "model_b"
        votes.append({"question_id": f"q{n % 50}", "model_a": a, "model_b": b, "winner": winner, "judge": rater})
    shell.write("votes.jsonl", jsonl(votes))
    shell.write("two.jsonl", jsonl(vote for vote in votes if vote["judge"] in ("r1", "r2")))
    return shell


def report(shell: Shell, *argv: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.ok("raters", *argv, "--format", "json").data)
    return found


def test_the_json_contract_to_the_key(files: Shell) -> None:
    found = report(files, "--votes", "votes.jsonl", "--rounds", "300", "--seed", "3")
    assert list(found) == [
        *("study", "source", "ledger", "rows", "votes", "slope_sd", "side_sd", "taste_sd", "question_sd"),
        *("level", "threshold", "rounds", "seed", "warnings", "settings"),
    ]
    assert list(found["rows"][0]) == [
        *("rater", "votes", "tie_rate", "slope", "slope_low", "slope_high", "side", "side_low", "side_high"),
        *("likelihood", "lean", "leans", "towards", "probability", "unlike"),
    ]
    assert (found["votes"], found["rounds"], found["seed"], found["threshold"]) == (900, 300, 3, 0.01)


def test_who_votes_against_one_contender_is_named_with_it_and_only_that_rater(files: Shell) -> None:
    rows = report(files, "--votes", "votes.jsonl")["rows"]
    assert [(row["rater"], row["leans"], row["towards"]) for row in rows if row["unlike"]] == [
        ("r-odd", "away", "alpha")
    ]


def test_the_table_is_careful_and_not_for_clinical_use(files: Shell) -> None:
    text = files.ok("raters", "--votes", "votes.jsonl").out
    assert "unlike the others'" in next(line for line in text.splitlines() if line.startswith("r-odd"))
    assert "no accusation" in text
    assert "by chance alone 0.1 are expected" in text
    assert text.endswith("Not for clinical use.\n")
    for word in ("cheat", "fraud", "rigg", "suspicious"):
        assert word not in text.lower()


def test_the_seed_decides_and_the_file_is_what_was_shown(files: Shell) -> None:
    argv = ("raters", "--votes", "votes.jsonl", "--rounds", "200")
    first = files.ok(*argv, "--seed", "1").data
    assert files.ok(*argv, "--seed", "1", "--output", "r.txt").data == b""
    assert (files.folder / "r.txt").read_bytes() == first
    assert files.ok(*argv, "--seed", "2").data != first


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--votes", "two.jsonl"), "at least three"),
        (("--votes", "votes.jsonl", "--level", "1"), "level"),
        (("--votes", "votes.jsonl", "--study", "s"), "one of --study NAME"),
        (("--votes", "votes.jsonl", "--rounds", "50"), "--rounds"),
    ],
)
def test_what_cannot_be_used_is_refused(files: Shell, argv: tuple[str, ...], says: str) -> None:
    assert says in files.fails(2, "raters", *argv)
