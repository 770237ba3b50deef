"""`arena leaderboard --by category --shrink`: shrunk ratings after the boards, which stay as they are."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.cli.material import jsonl
from tests.cli.running import Shell

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def files(tmp_path: Path) -> Shell:
    """Votes in a large category and in a small one, in a directory without a database."""
    rng = random.Random(2)
    shell = Shell(tmp_path, {"COLUMNS": "200"})
    votes = []
    for n in range(330):
        a, b = rng.sample(NAMES, 2)
        better = "model_a" if (a < b) == (rng.random() < 0.75) else "model_b"
        category = "heart" if n % 11 else "skin"
        vote = {"question_id": f"{category}{n % 40}", "model_a": a, "model_b": b, "winner": better}
        votes.append(vote | {"category": category})
    shell.write("votes.jsonl", jsonl(votes))
    return shell


def test_the_json_has_one_key_more(files: Shell) -> None:
    argv = ("leaderboard", "--votes", "votes.jsonl", "--by", "category", "--bootstrap", "50", "--format", "json")
    plain, with_shrunk = (json.loads(files.ok(*argv, *more).data) for more in ((), ("--shrink",)))
    shrunk = with_shrunk.pop("shrunk")
    assert with_shrunk == plain
    assert [(one["category"], one["votes"]) for one in shrunk["categories"]] == [("heart", 300), ("skin", 30)]
    assert [row["few"] for one in shrunk["categories"] for row in one["rows"]] == [False] * 3 + [True] * 3
    by_model = {row["model"]: row for row in shrunk["categories"][1]["rows"]}
    own = {row["model"]: row for row in plain["by"]["groups"][1]["rows"]}
    for name in NAMES:
        assert by_model[name]["high"] - by_model[name]["low"] < own[name]["high"] - own[name]["low"]


@pytest.mark.parametrize("form", ["table", "md"])
def test_the_text_stands_after_the_boards(files: Shell, form: str) -> None:
    argv = ("leaderboard", "--votes", "votes.jsonl", "--by", "category", "--bootstrap", "50", "--format", form)
    plain, with_shrunk = (files.ok(*argv, *more).out for more in ((), ("--shrink",)))
    assert with_shrunk.startswith(plain)
    rest = with_shrunk.removeprefix(plain)
    assert "Categories drawn towards the whole" in rest
    assert rest.rstrip().endswith("Not for clinical use.")
    assert sum("few" in line and "skin" in line for line in rest.splitlines()) == 3


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "--by category"),
        (("--by", "category", "--at", "3"), "without --at"),
        (("--by", "category", "--format", "csv"), "another --format"),
        (("--by", "category", "--output", "b.csv"), "another --format"),
    ],
)
def test_what_cannot_be_shrunk_is_refused(files: Shell, argv: tuple[str, ...], says: str) -> None:
    assert says in files.fails(2, "leaderboard", "--votes", "votes.jsonl", "--shrink", *argv)


def test_one_category_is_too_few(files: Shell) -> None:
    votes = [json.loads(line) for line in (files.folder / "votes.jsonl").read_text().splitlines()]
    files.write("one.jsonl", jsonl(vote for vote in votes if vote["category"] == "heart"))
    said = files.fails(2, "leaderboard", "--votes", "one.jsonl", "--by", "category", "--shrink", "--bootstrap", "20")
    assert "fewer than two categories" in said
