"""`arena leaderboard`: formats, settings, sources, and the same bytes wherever it is computed."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.cli.material import CONTENDERS, jsonl, load, vote, votes
from tests.cli.running import Shell
from tests.cli.shells import MakeShell

QUICK = ("--bootstrap", "30")
COLUMNS = [
    *("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "flag", "component"),
    *("votes", "wins", "losses", "ties", "both_bad", "win_rate"),
    *("rank_set_low", "rank_set_high", "tier", "first"),
]
HOSTILE = ("al\u202epha", "be\u200bta", '=HYPERLINK("http://x")', "[red]gamma[/red] | <b>")


@pytest.fixture
def voted(shell: Shell) -> Shell:
    """A shell with a study that has votes."""
    load(shell)
    vote(shell)
    return shell


@pytest.fixture
def files(make_shell: MakeShell) -> Shell:
    """A shell with a file of votes and no study."""
    shell = make_shell("sqlite")
    shell.write("votes.jsonl", jsonl(votes()))
    return shell


def board(shell: Shell, *argv: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shell.ok("leaderboard", *argv, *QUICK, "--format", "json").out)
    return content


def ratings(content: dict[str, Any]) -> dict[str, float]:
    return {row["model"]: row["rating"] for row in content["rows"]}


def counted() -> dict[str, dict[str, int]]:
    """Each contender's counts, by hand from the votes."""
    counts = {name: dict.fromkeys(("votes", "wins", "losses", "ties", "both_bad"), 0) for name in CONTENDERS}
    for row in votes():
        for side, other in (("model_a", "model_b"), ("model_b", "model_a")):
            mine = counts[str(row[side])]
            mine["votes"] += 1
            mine[{side: "wins", other: "losses", "tie": "ties", "both_bad": "both_bad"}[str(row["winner"])]] += 1
    return counts


def test_the_json_is_the_contract(voted: Shell) -> None:
    content = board(voted, "--study", "s")
    contract = ["study", "method", "scale", "anchor", "interval", "votes", "ledger", "rows", "warnings"]
    assert list(content)[: len(contract)] == contract
    assert (content["study"], content["method"], content["anchor"]) == ("s", "bradley-terry", {"mean": 1000.0})
    assert content["interval"] == {
        "method": "bootstrap",
        "cluster": "question",
        "rounds": 30,
        "level": 0.95,
        "seed": 0,
        "estimand": "questions-like-these",
    }
    assert [list(row) for row in content["rows"]] == [COLUMNS] * 3
    assert {row["model"]: {key: row[key] for key in counted()[row["model"]]} for row in content["rows"]} == counted()
    assert sum(ratings(content).values()) == pytest.approx(3000, abs=1e-3)
    for row in content["rows"]:
        assert row["low"] <= row["rating"] <= row["high"]


def test_csv_table_and_markdown_hold_what_the_json_holds(voted: Shell) -> None:
    rows = board(voted, "--study", "s")["rows"]
    table = list(csv.reader(io.StringIO(voted.ok("leaderboard", "--study", "s", *QUICK, "--format", "csv").out)))
    assert table[0] == COLUMNS
    assert table[1:] == [["" if value is None else str(value) for value in row.values()] for row in rows]
    for form in ("table", "md"):
        text = voted.ok("leaderboard", "--study", "s", *QUICK, "--format", form).out
        places = [text.index(row["model"]) for row in rows]
        assert places == sorted(places)
        assert all(f"{row['rating']:.0f}" in text for row in rows)
        assert "Not for clinical use." in text
    assert voted.ok("leaderboard", "--study", "s", *QUICK).out == text_of_table(voted)


def text_of_table(shell: Shell) -> str:
    return shell.ok("leaderboard", "--study", "s", *QUICK, "--format", "table").out


def test_a_file_gets_the_bytes_that_standard_output_gets(voted: Shell) -> None:
    for form in ("table", "csv", "json", "md"):
        argv = ("leaderboard", "--study", "s", *QUICK, "--format", form)
        done = voted.ok(*argv, "--output", "board")
        assert done.data == b""
        assert (voted.folder / "board").read_bytes() == voted.ok(*argv).data


def test_the_seed_decides_the_intervals_and_nothing_else(files: Shell) -> None:
    def run(seed: str) -> dict[str, Any]:
        return board(files, "--votes", "votes.jsonl", "--seed", seed)

    assert run("5") == run("5")
    assert run("5")["rows"] != run("6")["rows"]
    assert ratings(run("5")) == ratings(run("6"))


def test_a_lower_level_gives_narrower_intervals(files: Shell) -> None:
    wide = board(files, "--votes", "votes.jsonl", "--level", "0.99")
    narrow = board(files, "--votes", "votes.jsonl", "--level", "0.5")
    for outer, inner in zip(wide["rows"], narrow["rows"], strict=True):
        assert outer["low"] < inner["low"] < inner["high"] < outer["high"]
    assert narrow["interval"]["level"] == 0.5


def test_an_anchor_shifts_all_ratings_alike(files: Shell) -> None:
    plain = ratings(board(files, "--votes", "votes.jsonl"))
    anchored = board(files, "--votes", "votes.jsonl", "--anchor", "beta=1500.5")
    assert anchored["anchor"] == {"name": "beta", "value": 1500.5}
    shift = 1500.5 - plain["beta"]
    assert ratings(anchored) == pytest.approx({name: value + shift for name, value in plain.items()}, abs=2e-4)


def test_each_category_has_a_board_of_its_own_votes(voted: Shell, files: Shell) -> None:
    grouped = board(voted, "--study", "s", "--by", "category")
    assert grouped["by"]["field"] == "category"
    parts = {part["value"]: part for part in grouped["by"]["groups"]}
    assert {value: part["votes"] for value, part in parts.items()} == {"heart": 36, "lung": 36}
    even = [row for row in votes() if int(str(row["question_id"])[1:]) % 2 == 0]
    files.write("heart.jsonl", jsonl(even))
    assert ratings(parts["heart"]) == ratings(board(files, "--votes", "heart.jsonl"))
    with_category = [{**row, "category": "heart" if row in even else "lung"} for row in votes()]
    files.write("all.jsonl", jsonl(with_category))
    of_file = board(files, "--votes", "all.jsonl", "--by", "category")
    assert [ratings(part) for part in of_file["by"]["groups"]] == [ratings(parts[key]) for key in ("heart", "lung")]


def test_judges_votes_have_a_board_of_their_own(voted: Shell) -> None:
    before = board(voted, "--study", "s")
    turned = [{**row, "winner": "model_a"} for row in votes()] + [{**votes()[0], "winner": "model_b"}] * 3
    voted.write("judge.jsonl", jsonl(turned))
    voted.ok("import", "votes", "judge.jsonl", "--study", "s", "--as", "judge:gpt-4")
    after = board(voted, "--study", "s")
    assert (after["rows"], after["votes"]) == (before["rows"], before["votes"])
    judged = board(voted, "--study", "s", "--source", "judge:gpt-4")
    assert (judged["votes"], judged["rows"][0]["model"]) == (75, "alpha")
    said = voted.fails(1, "leaderboard", "--study", "s", "--source", "judge:other")
    assert said == (
        "error: there is no vote to count from 'judge:other' yet; there are votes from human, judge:gpt-4\n"
    )
    for source in ("judge:", "judge:a b", "model", "judge:" + "x" * 101, "judge:\x1b[31m"):
        assert "is not a source of votes" in voted.fails(
            2, "import", "votes", "judge.jsonl", "--study", "s", "--as", source
        )


def test_an_export_of_both_sources_is_never_pooled(voted: Shell, files: Shell) -> None:
    voted.write("judge.jsonl", jsonl([{**row, "winner": "model_a"} for row in votes()]))
    voted.ok("import", "votes", "judge.jsonl", "--study", "s", "--as", "judge:gpt-4")
    voted.ok("export", "votes", "--study", "s", "--output", "both.csv")
    human = board(files, "--votes", "both.csv")
    assert (human["votes"], ratings(human)) == (72, ratings(board(voted, "--study", "s")))
    judged = board(files, "--votes", "both.csv", "--source", "judge:gpt-4")
    assert (judged["votes"], ratings(judged)) == (72, ratings(board(voted, "--study", "s", "--source", "judge:gpt-4")))
    assert "judge:gpt-4" in files.fails(1, "leaderboard", "--votes", "both.csv", "--source", "judge:other")
    load(voted, "t")
    said = voted.fails(2, "import", "votes", "both.csv", "--study", "t")
    assert said.splitlines()[0].startswith("error: both.csv, line 74, source: is judge:gpt-4, and these votes are")
    assert "votes " not in voted.ok("study", "show", "t").out


def test_the_board_as_it_was_at_a_ledger_position(voted: Shell) -> None:
    before = board(voted, "--study", "s")
    position = str(before["ledger"]["position"])
    voted.write("more.jsonl", jsonl([{**votes()[0], "winner": "model_b"}] * 9))
    voted.ok("import", "votes", "more.jsonl", "--study", "s")
    assert board(voted, "--study", "s")["votes"] == 81
    assert board(voted, "--study", "s", "--at", position) == before
    voted.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    assert board(voted, "--ledger", "ledger.jsonl", "--at", position) == before
    assert "--at 9999: the ledger has the positions 1 to " in voted.fails(
        2, "leaderboard", "--study", "s", "--at", "9999"
    )
    voted.fails(1, "leaderboard", "--study", "s", "--at", "1")


def test_elo_and_dropped_votes_are_other_numbers_under_their_own_name(files: Shell) -> None:
    plain = board(files, "--votes", "votes.jsonl")
    online = board(files, "--votes", "votes.jsonl", "--method", "elo")
    dropped = board(files, "--votes", "votes.jsonl", "--both-bad", "drop")
    assert online["method"] == "elo"
    assert ratings(online) != ratings(plain) != ratings(dropped)
    assert [row["both_bad"] for row in dropped["rows"]] == [row["both_bad"] for row in plain["rows"]]


def test_the_same_bytes_in_another_process_and_on_the_other_database(make_shell: MakeShell) -> None:
    first, second = make_shell("sqlite"), make_shell("postgresql")
    load(first)
    vote(first)
    first.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    second.ok("import", "ledger", "ledger.jsonl")
    argv = ("leaderboard", "--study", "s", "--by", "category", *QUICK, "--format")
    for form in ("json", "csv"):
        expected = first.ok(*argv, form).data
        assert second.ok(*argv, form).data == expected
        process = first.spawn(*argv, form, PYTHONHASHSEED="4", TZ="Asia/Tokyo", LANG="C", COLUMNS="40")
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, expected)


def test_a_narrow_terminal_neither_wraps_nor_cuts(files: Shell) -> None:
    names = ("a contender with a name much longer than forty columns, " + "x" * 100, "beta", "gamma")
    files.write("long.jsonl", jsonl(votes(contenders=names)))
    for form in ("table", "csv", "json", "md"):
        argv = ("leaderboard", "--votes", "long.jsonl", *QUICK, "--format", form)
        narrow = files.ok(*argv, COLUMNS="40", TERM="dumb").data
        assert narrow == files.ok(*argv, COLUMNS="400").data
        assert names[0].encode() in narrow
        assert b"\x1b" not in narrow


def test_hostile_names_come_out_as_harmless_text(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell, contenders=HOSTILE)
    vote(shell, contenders=HOSTILE)
    table = shell.ok("leaderboard", "--study", "s", *QUICK)
    markdown = shell.ok("leaderboard", "--study", "s", *QUICK, "--format", "md")
    for text in (table.out, table.said, markdown.out):
        assert not set("\x1b\u202e\u200b") & set(text)
    assert "al\\u202epha" in table.out
    assert "be\\u200bta" in table.out
    assert "<b>" not in markdown.out
    cells = shell.ok("leaderboard", "--study", "s", *QUICK, "--format", "csv").out
    assert ",\"'=HYPERLINK(" in cells
    assert set(ratings(board(shell, "--study", "s"))) == set(HOSTILE)
    said = shell.fails(2, "leaderboard", "--study", "s", "--anchor", "nobody=1")
    assert "al\\u202epha" in said
    assert "\u202e" not in said


def test_control_characters_never_come_in(files: Shell) -> None:
    for name in ("\x1b[31mred", "bell\x07", "nul\0"):
        files.write("bad.jsonl", jsonl([{"model_a": name, "model_b": "b", "winner": "tie"}]))
        said = files.fails(2, "leaderboard", "--votes", "bad.jsonl")
        assert said.startswith("error: bad.jsonl, line 1, model_a: holds ")
        assert "\x1b" not in said


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "say what to rate: one of --study NAME, --votes FILE, --ledger FILE and --counts FILE"),
        (("--votes", "votes.jsonl", "--study", "s"), "say what to rate: one of"),
        (("--votes", "votes.jsonl", "--level", "1"), "level must lie between 0 and 1, such as 0.95, not 1.0"),
        (("--votes", "votes.jsonl", "--level", "nan"), "level must lie between 0 and 1, such as 0.95, not nan"),
        (("--votes", "votes.jsonl", "--level", "x"), "--level"),
        (("--votes", "votes.jsonl", "--anchor", "beta"), "--anchor 'beta' is not of the form NAME=VALUE"),
        (("--votes", "votes.jsonl", "--anchor", "beta=nan"), "--anchor 'beta=nan' is not of the form NAME=VALUE"),
        (("--votes", "votes.jsonl", "--anchor", "beta=inf"), "the anchor's value must be a number, not inf"),
        (("--votes", "votes.jsonl", "--anchor", "x=1"), "the anchor 'x' has no counted vote; choose one of: alpha"),
        (("--votes", "votes.jsonl", "--bootstrap", "0"), "--bootstrap"),
        (("--votes", "votes.jsonl", "--seed", "-1"), "--seed"),
        (("--votes", "votes.jsonl", "--method", "glicko"), "--method"),
        (("--votes", "votes.jsonl", "--format", "xlsx"), "--format"),
        (("--votes", "votes.jsonl", "--by", "ward"), "--by"),
        (("--votes", "votes.jsonl", "--at", "3"), "a file of votes has no ledger positions; leave out --at"),
        (("--votes", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
        (("--votes", "votes.txt"), "votes.txt: the ending tells no format"),
        (("--votes", "votes.txt"), "or give --input-format"),
        (("--counts", "counts.txt"), "or give --input-format"),
        (("--votes", "-"), "standard input: its format cannot be told without a file name; give --input-format jsonl"),
        (("--votes", "votes.jsonl", "--source", "judge"), "'judge' is not a source of votes: use human, or judge:NAME"),
        (("--votes", "votes.jsonl", "--source", "judge:"), "'judge:' is not a source of votes"),
        (("--study", "s", "--source", "Human"), "'Human' is not a source of votes"),
        (
            ("--votes", "votes.jsonl", "--cluster", "question", "--estimand", "these-questions"),
            "the estimand these-questions and the cluster question contradict each other",
        ),
        (("--ledger", "votes.jsonl"), "votes.jsonl: is not a ledger; `arena export ledger` writes one"),
        (("--ledger", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
        (("--votes", "votes.jsonl", "--output", "nowhere/board"), "nowhere/board: cannot be written"),
        (("--votes", "votes.jsonl", "--output", "."), "cannot be written: Is a directory"),
    ],
)
def test_what_cannot_be_rated_is_told(argv: tuple[str, ...], told: str, files: Shell) -> None:
    assert told in files.fails(2, "leaderboard", *argv)


def test_two_islands_are_no_ranking(files: Shell) -> None:
    islands = [{"model_a": a, "model_b": b, "winner": "tie"} for a, b in ("ab", "cd")]
    files.write("islands.jsonl", jsonl(islands))
    done = files.ok("leaderboard", "--votes", "islands.jsonl", "--format", "json")
    assert {row["rank"] for row in json.loads(done.out)["rows"]} == {None}
    assert "(1) a, b; (2) c, d" in done.said


def test_counts_of_votes_are_rated_like_the_votes(files: Shell) -> None:
    cast = [{"model_a": a, "model_b": b, "winner": w} for a, b, w in [("x", "y", "model_a")] * 3]
    cast += [{"model_a": "y", "model_b": "x", "winner": w} for w in ("model_a", "tie")]
    files.write("votes.jsonl", jsonl(cast))
    files.write("counts.csv", b"model_a,model_b,wins_a,wins_b,ties\nx,y,3,1,1\n")
    by_votes, by_counts = (
        json.loads(files.ok("leaderboard", f"--{kind}", name, "--format", "json").out)["rows"]
        for kind, name in (("votes", "votes.jsonl"), ("counts", "counts.csv"))
    )
    assert by_votes == by_counts
    for refused in (("--at", "1"), ("--by", "category"), ("--method", "elo")):
        assert "counts" in files.fails(2, "leaderboard", "--counts", "counts.csv", *refused)
