"""`arena simulate`: files and studies by one command, the same bytes again, refusals, and its page."""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from arena.ratings.simulation import from_mapping
from arena.ratings.simulation.reading import _LISTS, _TABLES
from tests.cli.running import Shell

PAGE = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
SMALL = ("--questions", "30")


@pytest.fixture
def anywhere(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path, {"ARENA_DATABASE_URL": "sqlite:///arena.db", "COLUMNS": "200"})


def test_votes_need_no_database_and_nothing_but_a_name(anywhere: Shell) -> None:
    done = anywhere.ok("simulate", "--output", "votes.csv")
    assert done.out == ""
    assert "wrote 2,000 simulated votes on 200 questions: nobody cast them. Not for clinical use." in done.said
    assert sorted(path.name for path in anywhere.folder.iterdir()) == ["votes.csv"]
    board = anywhere.ok("leaderboard", "--votes", "votes.csv", "--interval", "sandwich").out
    assert "Warning: 2000 of the 2000 votes are simulated." in board


def test_the_board_is_near_the_truth_that_is_written_beside(anywhere: Shell) -> None:
    anywhere.ok("simulate", "--questions", "1000", "--output", "votes.csv", "--truth-out", "truth.json", "--seed", "4")
    truth = json.loads((anywhere.folder / "truth.json").read_text(encoding="utf-8"))
    asked = ("leaderboard", "--votes", "votes.csv", "--interval", "sandwich", "--format", "json")
    board = {row["model"]: row for row in json.loads(anywhere.ok(*asked).out)["rows"]}
    assert len(board) == len(truth["ratings"]) == 8
    for each in truth["ratings"]:
        assert board[each["contender"]]["rating"] == pytest.approx(each["estimand"]["human"], abs=40)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(anywhere: Shell) -> None:
    first = anywhere.ok("simulate", *SMALL, "--seed", "7").data
    assert first == anywhere.ok("simulate", *SMALL, "--seed", "7").data
    assert first != anywhere.ok("simulate", *SMALL, "--seed", "8").data
    anywhere.ok("simulate", *SMALL, "--seed", "7", "--output", "votes.jsonl")
    assert (anywhere.folder / "votes.jsonl").read_bytes() == first


def test_a_truth_comes_from_a_file_or_standard_input_and_options_are_laid_over_it(anywhere: Shell) -> None:
    text = "[questions]\nnumber = 5\n[raters]\ntie_share = 1.0\n"
    anywhere.write("t.toml", text)
    rows = anywhere.ok("simulate", "--truth", "t.toml").out.splitlines()
    assert [json.loads(row)["winner"] for row in rows] == ["tie"] * 50
    assert anywhere.ok("simulate", "--truth", "-", stdin=text.encode()).out.splitlines() == rows
    more = ("--questions", "2", "--contenders", "3", "--set", "assignment.pairs=3", "--set", "raters.both_bad=1.0")
    rows = anywhere.ok("simulate", "--truth", "t.toml", *more, "--raters", "1").out.splitlines()
    assert [json.loads(row)["winner"] for row in rows] == ["both_bad"] * 6
    assert {json.loads(row)["judge"] for row in rows} == {"sim-rater-1"}


def test_a_whole_study_stands_in_the_database_and_passes_the_audit(bare: Shell) -> None:
    done = bare.ok(
        "simulate", *SMALL, "--as", "study", "--study", "trial", "--truth-out", "-", "--set", "raters.sd=0.4"
    )
    assert "made the study 'trial', a draft with 300 simulated votes on 30 questions" in done.said
    assert json.loads(done.out)["truth"]["raters"]["sd"] == 0.4
    assert "300 votes from human (0 could not judge, 300 simulated)" in bare.ok("study", "show", "trial").out
    board = bare.ok("leaderboard", "--study", "trial", "--interval", "sandwich")
    assert "300 of the 300 votes are simulated." in board.out
    assert "trial\tok" in bare.ok("audit").out
    bare.ok("simulate", *SMALL, "--set", "raters.sd=0.4", "--output", "votes.csv")
    alone = ("leaderboard", "--votes", "votes.csv", "--interval", "sandwich", "--format", "json")
    stored = ("leaderboard", "--study", "trial", "--interval", "sandwich", "--format", "json")
    assert json.loads(bare.ok(*alone).out)["rows"] == json.loads(bare.ok(*stored).out)["rows"]
    bare.ok("export", "ledger", "--study", "trial", "--output", "ledger.jsonl")
    from_ledger = bare.ok("leaderboard", "--ledger", "ledger.jsonl", "--interval", "sandwich").out
    assert "300 of the 300 votes are simulated." in from_ledger
    assert "choose another name" in bare.fails(1, "simulate", *SMALL, "--as", "study", "--study", "trial")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--as", "study"), "give --study NAME, and no --output or --format"),
        (("--as", "study", "--study", "s", "--output", "f.csv"), "and no --output or --format"),
        (("--study", "s"), "give --as study with it"),
        (("--as", "study", "--study", "S S"), "'S S' cannot name a study"),
        (("--truth-out", "-"), "votes and truth cannot both go to standard output"),
        (("--output", "votes.txt"), "the ending tells no format"),
        (("--output", "votes.csv.gz"), "written without compression"),
        (("--output", "no/such/votes.csv"), "cannot be written"),
        (("--truth", "absent.toml"), "error: absent.toml: cannot be read"),
        (("--truth", "bad.toml"), "error: bad.toml: raters.number: must be a whole number"),
        (("--truth", "latin.toml"), "error: latin.toml: is not UTF-8 text (byte 5)"),
        (("--set", "raters.count=3"), "error: raters.count: there is no such setting; there are number, sd"),
        (("--set", "judges.slope=3"), "contenders, categories and judges are stated in a file"),
        (("--raters", "0"), "state raters or judges"),
    ],
)
def test_refusals_say_what_to_do_and_leave_nothing(argv: tuple[str, ...], told: str, anywhere: Shell) -> None:
    anywhere.write("bad.toml", "[raters]\nnumber = 'x\x1b'\n".replace("\x1b", "\\u001b"))
    anywhere.write("latin.toml", "# gef\xfcllt\n".encode("latin-1"))
    said = anywhere.fails(2, "simulate", *SMALL, *argv)
    assert told in said
    assert "\x1b" not in said
    assert {path.name for path in anywhere.folder.iterdir()} == {"bad.toml", "latin.toml"}


def test_the_page_has_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    real = {
        f"{table}.{each.name}": each
        for table, made in {**_LISTS, **_TABLES}.items()
        for each in dataclasses.fields(made)
    }
    assert set(rows) == set(real)
    for name, stated in rows.items():
        default = real[name].default
        if name.endswith(".name"):
            assert stated == "needed"
        elif default is None or default is dataclasses.MISSING:
            assert stated == "none"
        else:
            assert stated == f"`{json.dumps(default)}`"


def test_the_page_s_truth_is_one() -> None:
    block = PAGE.partition("## A truth with a bit of everything")[2].partition("## ")[0]
    truth = from_mapping(tomllib.loads(textwrap.dedent(block.strip("\n"))))
    assert [judge.name for judge in truth.judges] == ["north-1"]
    assert truth.riggers.number == 3
