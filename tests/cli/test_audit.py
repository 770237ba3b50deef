"""`arena audit` after someone has written into the database file behind the arena's back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.material import load, vote
from tests.cli.running import Shell
from tests.cli.shells import MakeShell
from tests.forging import another_vote, rewritten, votes_in, without_parts


@pytest.fixture
def honest(make_shell: MakeShell) -> Shell:
    """A shell with an open study that has votes."""
    shell = make_shell("sqlite")
    load(shell)
    shell.ok("study", "open", "s")
    shell.ok("invite", "--study", "s", "--role", "rater", "--name", "Dr A")
    shell.ok("token", "create", "--role", "analyst")
    vote(shell)
    return shell


def tampered(shell: Shell, *statements: str) -> Shell:
    """A shell on a copy of the database in which the triggers were dropped and the statements run."""
    copy = shell.folder / "copy.db"
    source = sqlite3.connect(shell.url.removeprefix("sqlite:///"))
    target = sqlite3.connect(copy)
    source.backup(target)
    source.close()
    for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        target.execute(f'DROP TRIGGER "{name}"')
    for statement in statements:
        assert target.execute(statement).rowcount > 0, "the attack did something"
    target.commit()
    target.close()
    return Shell(shell.folder, {**shell.env, "ARENA_DATABASE_URL": f"sqlite:///{copy}"})


def first_of(shell: Shell, kind: str) -> int:
    """The position of the ledger's first entry of a kind."""
    entries = [json.loads(line)["entry"] for line in shell.ok("export", "ledger", "--study", "s").out.splitlines()[1:]]
    return next(int(entry["seq"]) for entry in entries if entry["kind"] == kind)


def test_an_honest_copy_passes(honest: Shell) -> None:
    """The control: it is not the copying, nor the missing triggers, that the other tests find."""
    assert tampered(honest).ok("audit").out == honest.ok("audit").out


@pytest.mark.parametrize(
    ("statement", "kind", "told"),
    [
        ("UPDATE vote SET choice = 'b_better' WHERE seq = {}", "vote", "differs from it in 'choice'"),
        ("UPDATE vote SET source = 'judge:x' WHERE seq = {}", "vote", "differs from it in 'source'"),
        ("DELETE FROM vote WHERE seq = {}", "vote", "the vote that it records is not in the database"),
        ("UPDATE answer SET text = 'better' WHERE seq = {}", "answer", "differs from it in"),
        ("UPDATE question SET text = 'easier?' WHERE seq = {}", "question", "differs from it in"),
        ("UPDATE contender SET name = 'zeta' WHERE seq = {}", "contender", "differs from it in 'contender'"),
        ("UPDATE ledger_entry SET body = replace(body, 'operator', 'nobody') WHERE seq = {}", "vote", "its content"),
        ("UPDATE ledger_entry SET body = 'x' WHERE seq = {}", "vote", "its content is not JSON"),
    ],
)
def test_a_changed_row_is_named_by_its_entry(statement: str, kind: str, told: str, honest: Shell) -> None:
    position = first_of(honest, kind)
    where = "seq = {} AND chain_id = (SELECT id FROM chain WHERE study_id IS NOT NULL)"
    statement = statement.replace("seq = {}", where) if "ledger_entry" in statement else statement
    bad = tampered(honest, statement.format(position))
    assert f"error: s: ledger entry {position}: " in bad.fails(1, "audit", "--study", "s")
    everything = bad.run("audit")
    assert everything.code == 1
    assert everything.out.startswith("instance\tok\t"), "what was good is still said"
    assert f"error: s: ledger entry {position}: " in everything.said
    assert told in everything.said


def test_a_vote_beside_the_ledger_is_found(honest: Shell) -> None:
    columns = [
        row[1] for row in sqlite3.connect(honest.url.removeprefix("sqlite:///")).execute("PRAGMA table_info(vote)")
    ]
    names = ", ".join(columns)
    values = ", ".join({"id": "9999", "seq": "9999", "key": "'file:forged:1'"}.get(name, name) for name in columns)
    bad = tampered(honest, f"INSERT INTO vote ({names}) SELECT {values} FROM vote LIMIT 1")
    said = bad.fails(1, "audit", "--study", "s")
    assert said == (
        "error: s: ledger entry 9999: the database has a vote for this number that the ledger does not record\n"
    )


def test_a_studys_own_row_and_the_instances_ledger_are_checked_too(honest: Shell) -> None:
    said = tampered(honest, "UPDATE study SET state = 'published'").fails(1, "audit", "--study", "s")
    assert said == "error: s: ledger: the study is 'published' in the database, and 'open' by its ledger\n"
    said = tampered(honest, "UPDATE seat SET role = 'admin'").fails(1, "audit")
    assert said.startswith("error: instance: ledger entry ")


def cut(shell: Shell) -> Shell:
    """The last vote and its entry taken away so that chain and rows agree: nothing within the database tells."""
    chain = "chain_id = (SELECT id FROM chain WHERE study_id IS NOT NULL)"
    last = f"(SELECT max(seq) FROM ledger_entry WHERE {chain})"
    bad = tampered(
        shell,
        f"DELETE FROM vote WHERE seq = {last}",
        f"DELETE FROM ledger_entry WHERE {chain} AND seq = {last}",
    )
    db = sqlite3.connect(shell.folder / "copy.db")
    db.execute(
        f"UPDATE chain SET head_seq = {last}, head_hash = "
        f"(SELECT hash FROM ledger_entry WHERE {chain} AND seq = {last}) WHERE study_id IS NOT NULL"
    )
    db.commit()
    db.close()
    return bad


def test_only_a_head_kept_elsewhere_tells_a_ledger_that_was_cut(honest: Shell) -> None:
    passed = honest.ok("audit", "--study", "s")
    head = passed.out.strip().rpartition("\t")[2]
    position, _, hash_ = head.partition(":")
    assert "without --head" in passed.said
    bad = cut(honest)
    assert bad.ok("audit", "--study", "s").out != passed.out
    for known in (head, hash_):
        assert honest.ok("audit", "--study", "s", "--head", known).said == ""
        said = bad.fails(1, "audit", "--study", "s", "--head", known)
        assert said.startswith("error: s: ledger entry ")
        assert "the head given" in said or "has the head given" in said
    assert f"ledger entry {position}: " in bad.fails(1, "audit", "--study", "s", "--head", head)
    bad.ok("export", "ledger", "--study", "s", "--output", "cut.jsonl")
    honest.ok("export", "ledger", "--study", "s", "--output", "whole.jsonl")
    honest.ok("audit", "--ledger", "whole.jsonl", "--head", head)
    honest.ok("audit", "--ledger", "cut.jsonl")
    assert "error: cut.jsonl: ledger entry " in honest.fails(1, "audit", "--ledger", "cut.jsonl", "--head", head)


def test_an_older_head_still_lies_on_the_ledger(honest: Shell) -> None:
    head = honest.ok("audit", "--study", "s").out.strip().rpartition("\t")[2]
    honest.ok("study", "close", "s")
    honest.ok("audit", "--study", "s", "--head", head)


def test_an_older_export_shows_that_entries_were_only_appended(honest: Shell) -> None:
    honest.ok("export", "ledger", "--study", "s", "--output", "old.jsonl")
    before = honest.ok("audit", "--study", "s").out
    same = honest.ok("audit", "--study", "s", "--against", "old.jsonl")
    assert same.out == before + "s\textends\told.jsonl\tby 0 entries\n"
    assert same.said == "", "an older export is a head kept elsewhere"
    honest.ok("study", "close", "s")
    honest.ok("export", "ledger", "--study", "s", "--output", "new.jsonl")
    head = before.strip().rpartition("\t")[2]
    done = honest.ok("audit", "--study", "s", "--against", "old.jsonl", "--head", head)
    assert done.out == honest.ok("audit", "--study", "s").out + "s\textends\told.jsonl\tby 1 entry\n"
    done = honest.ok("audit", "--ledger", "new.jsonl", "--against", "old.jsonl")
    assert done.out == honest.ok("audit", "--ledger", "new.jsonl").out + "s\textends\told.jsonl\tby 1 entry\n"
    bare = without_parts((honest.folder / "new.jsonl").read_bytes())
    said = honest.ok("audit", "--ledger", "-", "--against", "old.jsonl", stdin=bare).said
    parts = before.split("\t")[3]
    assert parts.endswith(" rows")
    assert "note: no longer there of old.jsonl: 27 parts, erased or left out" in said


def test_a_database_that_was_cut_or_written_anew_does_not_extend_its_export(honest: Shell) -> None:
    honest.ok("export", "ledger", "--study", "s", "--output", "old.jsonl")
    old = (honest.folder / "old.jsonl").read_bytes()
    last = len(old.splitlines()) - 1
    said = cut(honest).fails(1, "audit", "--study", "s", "--against", "old.jsonl")
    assert said == f"error: s: ledger entry {last}: it is missing; old.jsonl goes on to entry {last}\n"
    position = votes_in(old)[3]
    honest.write("anew.jsonl", rewritten(old, position, another_vote))
    said = honest.fails(1, "audit", "--ledger", "anew.jsonl", "--against", "old.jsonl")
    differs = f"ledger entry {position}: it is not the one in old.jsonl: the past was changed since\n"
    assert said == f"error: anew.jsonl: {differs}"
    honest.write("bad.jsonl", old.replace(b'"reason":null', b'"reason":"x"', 1))
    said = honest.fails(1, "audit", "--study", "s", "--against", "bad.jsonl")
    assert said.startswith("error: bad.jsonl: ledger entry ")
    load(honest, "t")
    said = honest.fails(1, "audit", "--study", "t", "--against", "old.jsonl")
    assert said.startswith("error: t: ledger: it is not the ledger of old.jsonl but another")


@pytest.mark.parametrize("spoil", [bytes.upper, lambda line: line.replace(b"0", b"1", 1)], ids=["upper", "digit"])
def test_a_changed_line_of_a_ledger_file_is_named(spoil: Callable[[bytes], bytes], honest: Shell) -> None:
    honest.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    file = honest.folder / "ledger.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[20] = spoil(lines[20])
    file.write_bytes(b"".join(lines))
    assert honest.fails(1, "audit", "--ledger", "ledger.jsonl").startswith("error: ledger.jsonl: ledger entry 20: ")
    assert "ledger entry 20: " in honest.fails(1, "leaderboard", "--ledger", "ledger.jsonl")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--head", "0" * 64), "give --study NAME or --ledger FILE with it"),
        (("--study", "s", "--head", "nonsense"), "'nonsense' is not a ledger head"),
        (("--study", "s", "--head", "x:" + "0" * 64), "is not a ledger head"),
        (("--study", "s", "--head", "9" * 5000 + ":" + "0" * 64), "is not a ledger head"),
        (("--study", "s", "--head", f"{2**63}:" + "0" * 64), "is not a ledger head"),
        (("--study", "s", "--ledger", "l.jsonl"), "give --study or --ledger, not both"),
        (("--ledger", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
        (("--ledger", "."), ".: cannot be read: Is a directory"),
        (("--against", "x.jsonl"), "--against belongs to one ledger: give --study NAME or --ledger FILE with it"),
        (("--study", "s", "--against", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file"),
        (("--ledger", "-", "--against", "-"), "cannot both be standard input"),
        (("--study", "nope"), "there is no study 'nope'"),
    ],
)
def test_what_cannot_be_audited(argv: tuple[str, ...], told: str, honest: Shell) -> None:
    assert told in honest.fails(2, "audit", *argv)


def test_nothing_to_audit(shell: Shell) -> None:
    done = shell.ok("audit")
    assert done.out == ""
    assert "there is no study yet" in done.said


def test_the_database_of_a_copy_is_a_plain_file(honest: Shell, tmp_path: Path) -> None:
    """A backup with SQLite's own means is a database like the first."""
    honest.ok("audit")
    copy = tmp_path / "moved.db"
    shutil.copy(honest.url.removeprefix("sqlite:///"), copy)
    moved = Shell(honest.folder, {**honest.env, "ARENA_DATABASE_URL": f"sqlite:///{copy}"})
    assert moved.ok("audit").out == honest.ok("audit").out
