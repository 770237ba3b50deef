"""The whole job by commands: from nothing to a board, exports and an audit, and on to another database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.material import CONTENDERS, answers, jsonl, load, questions, vote, votes
from tests.cli.running import Shell
from tests.cli.shells import KINDS, MakeShell

DRAFT = [
    "restored the study 's'",
    "note: a draft's plan is not in its ledger; set it again with `arena study plan set s …`",
]


def test_creating_a_study_creates_the_database_and_says_so_once(bare: Shell) -> None:
    first = bare.ok("study", "create", "one", "--title", "One")
    assert first.lines[0].startswith("created the database ")
    assert "arena import questions FILE --study one" in first.lines[1]
    second = bare.ok("study", "create", "two", "--title", "Two")
    assert len(second.lines) == 1
    assert bare.ok("study", "list").out == "one\tdraft\tOne\ntwo\tdraft\tTwo\n"


def test_the_database_can_be_made_alone_and_making_it_again_changes_nothing(bare: Shell) -> None:
    assert bare.ok("db", "upgrade").lines[0].startswith("created the database ")
    assert bare.ok("db", "upgrade").lines == ["the database is up to date"]
    done = bare.ok("study", "list")
    assert done.out == ""
    assert "arena study create NAME" in done.said


@pytest.mark.parametrize(
    "argv",
    [
        ("study", "list"),
        ("study", "show", "s"),
        ("study", "open", "s"),
        ("study", "plan", "show", "s"),
        ("import", "votes", "votes.jsonl", "--study", "s"),
        ("export", "votes", "--study", "s"),
        ("invite", "--study", "s", "--role", "rater", "--name", "A"),
        ("seat", "list", "--study", "s"),
        ("token", "list"),
        ("leaderboard", "--study", "s"),
        ("audit",),
        ("serve", "--port", "0"),
    ],
    ids=" ".join,
)
def test_without_a_database_the_way_to_one_is_named_and_none_is_left_behind(argv: tuple[str, ...], bare: Shell) -> None:
    bare.write("votes.jsonl", jsonl(votes()))
    assert "`arena db upgrade`" in bare.fails(1, *argv)
    assert not (bare.folder / "arena.db").exists()


def test_the_database_of_an_upper_folder_is_not_taken(tmp_path: Path) -> None:
    """The default is a file of the working directory, whichever that is."""
    Shell(tmp_path, {}).ok("study", "create", "s", "--title", "S")
    below = tmp_path / "below"
    below.mkdir()
    assert (tmp_path / "arena.db").exists()
    Shell(below, {}).fails(1, "study", "list")


def test_the_whole_loop(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "plan", "set", "s", "raters_per_pairing=2")
    assert "18 pairings" in shell.ok("study", "open", "s").said
    link = shell.ok("invite", "--study", "s", "--role", "rater", "--name", "Dr A").out
    assert link.startswith("http://127.0.0.1:8000/join/")
    vote(shell)
    shown = shell.ok("study", "show", "s").out
    assert "state       open\n" in shown
    assert "content     6 questions, 3 contenders, 18 answers\n" in shown
    assert "plan        18 pairings, 0 of 36 places voted on\n" in shown
    assert "votes       72 votes from human (0 could not judge)\n" in shown
    shell.ok("study", "close", "s")
    shell.ok("study", "publish", "s")
    assert shell.ok("study", "list").out == "s\tpublished\tA study\n"
    board = json.loads(shell.ok("leaderboard", "--study", "s", "--bootstrap", "20", "--format", "json").out)
    assert {row["model"] for row in board["rows"]} == set(CONTENDERS)
    assert board["votes"] == 72
    passed = shell.ok("audit").out.splitlines()
    assert [line.split("\t")[:2] for line in passed] == [["instance", "ok"], ["s", "ok"]]
    position, _, head = passed[1].rpartition("\t")[2].partition(":")
    assert board["ledger"] == {"position": int(position), "head": head}


def test_what_was_imported_comes_out_again(shell: Shell) -> None:
    load(shell)
    vote(shell)
    exported = [json.loads(line) for line in shell.ok("export", "questions", "--study", "s").out.splitlines()]
    assert [{key: row[key] for key in ("id", "text", "category")} for row in exported] == questions()
    exported = [json.loads(line) for line in shell.ok("export", "answers", "--study", "s").out.splitlines()]
    assert exported == answers()
    done = shell.ok("export", "votes", "--study", "s", "--output", "out.csv")
    assert done.out == ""
    with (shell.folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{key: row[key] for key in votes()[0]} for row in rows] == votes()


def test_the_same_files_twice_change_nothing_and_say_so(shell: Shell) -> None:
    load(shell)
    vote(shell)
    before = shell.ok("study", "show", "s").out
    for kind, count in (("questions", 6), ("answers", 18), ("votes", 72)):
        again = shell.ok("import", kind, f"{kind}.jsonl", "--study", "s")
        assert again.lines == [f"'s' has these {count} {kind} already: nothing changed"]
    assert shell.ok("study", "show", "s").out == before


def test_a_longer_file_adds_only_what_is_new(shell: Shell) -> None:
    load(shell)
    more = shell.write("more.jsonl", jsonl(questions(8)))
    said = shell.ok("import", "questions", more, "--study", "s").said
    assert said == "imported 2 questions into 's'; it had 6 of them already\n"


def test_standard_input_is_a_file_like_any_other(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    shell.ok("import", "questions", "-", "--format", "jsonl", "--study", "s", stdin=jsonl(questions()).encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, ["question_id", "contender", "text"])
    writer.writeheader()
    writer.writerows(answers())
    shell.ok("import", "answers", "-", "--format", "csv", "--study", "s", stdin=table.getvalue().encode())
    assert "6 questions, 3 contenders, 18 answers" in shell.ok("study", "show", "s").out
    said = shell.fails(2, "import", "questions", "-", "--study", "s", stdin=b"{}")
    assert "--format jsonl, csv or parquet" in said


def test_one_export_becomes_the_others_import_in_every_format(shell: Shell) -> None:
    load(shell)
    vote(shell)
    for ending in ("jsonl", "csv", "parquet"):
        study = f"from-{ending}"
        shell.ok("study", "create", study, "--title", "Again")
        for kind in ("questions", "answers", "votes"):
            shell.ok("export", kind, "--study", "s", "--output", f"{kind}.{ending}")
            shell.ok("import", kind, f"{kind}.{ending}", "--study", study)
    boards = [
        json.loads(shell.ok("leaderboard", "--study", study, "--bootstrap", "20", "--format", "json").out)["rows"]
        for study in ("s", "from-jsonl", "from-csv", "from-parquet")
    ]
    assert boards[0] == boards[1] == boards[2] == boards[3]


@pytest.mark.parametrize(("first", "second"), [KINDS, KINDS[::-1]])
def test_a_ledger_moves_a_study_to_the_other_kind_of_database(
    first: str, second: str, make_shell: MakeShell, bare: Shell
) -> None:
    old, new = make_shell(first), make_shell(second)
    load(old)
    old.ok("study", "open", "s")
    vote(old)
    old.ok("export", "ledger", "--study", "s", "--output", "s-ledger.jsonl")
    ledger = (old.folder / "s-ledger.jsonl").read_bytes()
    assert old.ok("export", "ledger", "--study", "s").data == ledger
    assert new.ok("import", "ledger", "s-ledger.jsonl").lines == ["restored the study 's'"]
    assert new.ok("import", "ledger", "-", stdin=ledger).lines == ["'s' is here already: nothing changed"]
    assert new.ok("export", "ledger", "--study", "s").data == ledger
    assert new.ok("audit", "--study", "s").out == old.ok("audit", "--study", "s").out
    board = ("leaderboard", "--bootstrap", "20", "--format", "json")
    expected = old.ok(*board, "--study", "s").data
    assert new.ok(*board, "--study", "s").data == expected
    assert bare.ok(*board, "--ledger", "s-ledger.jsonl").data == expected
    assert bare.ok("audit", "--ledger", "-", stdin=ledger).out.startswith("s\tok\t")


def test_a_ledger_makes_the_database_that_it_goes_into(bare: Shell, make_shell: MakeShell) -> None:
    old = make_shell("sqlite")
    load(old)
    old.ok("export", "ledger", "--study", "s", "--output", "s-ledger.jsonl")
    assert bare.ok("import", "ledger", "s-ledger.jsonl").lines[-2:] == DRAFT
    assert bare.ok("study", "list").out == "s\tdraft\tA study\n"


def test_votes_of_people_and_of_a_judge_are_exported_apart_and_come_back(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    rows = [{"model_a": "alpha", "model_b": "beta", "winner": "tie", "question_id": "q0"}]
    shell.ok("import", "votes", shell.write("h.jsonl", jsonl(rows)), "--study", "s")
    shell.ok("import", "votes", shell.write("j.jsonl", jsonl([*rows, *rows])), "--study", "s", "--as", "judge:one")
    shell.ok("export", "votes", "--study", "s", "--source", "human", "--output", "human.csv")
    shell.ok("export", "votes", "--study", "s", "--source", "judge:one", "--output", "judge.csv")
    assert "nothing changed" in shell.ok("import", "votes", "human.csv", "--study", "s").said
    assert "these 2 votes" in shell.ok("import", "votes", "judge.csv", "--study", "s", "--as", "judge:one").said


def test_the_format_of_a_board_is_that_of_its_ending(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    rows = [{"model_a": "alpha", "model_b": "beta", "winner": winner} for winner in ("model_a", "model_b")]
    shell.write("v.jsonl", jsonl(rows))
    board = ("leaderboard", "--votes", "v.jsonl", "--bootstrap", "10")
    for ending, file_format in (("csv", "csv"), ("json", "json"), ("md", "md"), ("txt", "table")):
        shell.ok(*board, "--output", f"board.{ending}")
        assert (shell.folder / f"board.{ending}").read_bytes() == shell.ok(*board, "--format", file_format).data


def test_a_ledger_beyond_the_limits_is_not_imported(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    shell.ok("export", "ledger", "--study", "s", "--output", "k.jsonl")
    for variable, value in (("ARENA_IMPORT_FILE_BYTES", "2000"), ("ARENA_IMPORT_ROWS", "5")):
        small = Shell(shell.folder, {"ARENA_DATABASE_URL": "sqlite:///other.db", "COLUMNS": "200", variable: value})
        small.ok("db", "upgrade")
        assert variable in small.fails(2, "import", "ledger", "k.jsonl")
        assert small.ok("study", "list").data == b""
