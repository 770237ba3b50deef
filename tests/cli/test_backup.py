"""`arena backup` and `arena restore` as typed."""

from __future__ import annotations

import resource
import sqlite3
import stat
from contextlib import closing

from tests.cli.material import load, vote
from tests.cli.running import Shell
from tests.cli.shells import MakeShell


def filled(shell: Shell) -> Shell:
    """The shell, with an open study that has votes and a rater."""
    load(shell)
    shell.ok("study", "open", "s")
    shell.ok("invite", "--study", "s", "--role", "rater", "--name", "Dr A")
    vote(shell)
    return shell


def elsewhere(shell: Shell, file: str = "new.db") -> Shell:
    """A shell in the same folder, on a database that is not there yet."""
    return Shell(shell.folder, {**shell.env, "ARENA_DATABASE_URL": f"sqlite:///{file}"})


def heads(shell: Shell) -> dict[str, str]:
    """Each ledger's head, by the audit."""
    rows = [line.split("\t") for line in shell.ok("audit").out.splitlines()]
    return {row[0]: row[-1] for row in rows}


def test_a_backup_prints_the_heads_and_is_restored_elsewhere(shell: Shell) -> None:
    filled(shell)
    done = shell.ok("backup", "today.db")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert {row[0]: row[1] for row in rows} == heads(shell)
    assert [row[2] for row in rows] == [f"{row[1].split(':')[0]} entries" for row in rows]
    assert done.said == "wrote today.db with 1 study; every ledger in it passed the audit\n"
    assert stat.S_IMODE((shell.folder / "today.db").stat().st_mode) == 0o600

    new = elsewhere(shell)
    again = new.ok("restore", "today.db")
    assert again.out == done.out
    assert again.lines[0].startswith("created the database sqlite:///")
    assert "restored 1 study; every ledger passed the audit" in again.lines
    assert "everybody is signed out" in again.said
    assert heads(new) == heads(shell)
    assert new.ok("seat", "list", "--study", "s").out == shell.ok("seat", "list", "--study", "s").out
    assert "empty one" in new.fails(1, "restore", "today.db")


def test_a_restore_says_who_gets_in(make_shell: MakeShell) -> None:
    shell = filled(make_shell("sqlite"))
    shell.ok("backup", "today.db")
    to_revoke = "revoke and erase again what was revoked and erased since"
    said = elsewhere(shell, "one.db").ok("restore", "today.db").said
    assert to_revoke in said
    assert "everybody is signed out" in said
    assert links(shell, "one.db") == 0
    said = elsewhere(shell, "two.db").ok("restore", "today.db", "--keep-sessions").said
    assert to_revoke in said
    assert "signed out" not in said
    assert links(shell, "two.db") == 1


def links(shell: Shell, file: str) -> int:
    """How many invitations wait in a database."""
    with closing(sqlite3.connect(shell.folder / file)) as raw:
        return int(raw.execute("SELECT count(*) FROM invitation WHERE redeemed_at IS NULL").fetchone()[0])


def test_a_backup_is_audited_where_it_lies(make_shell: MakeShell) -> None:
    shell = filled(make_shell("postgresql"))
    shell.ok("backup", "today.db")
    assert heads(elsewhere(shell, "today.db")) == heads(shell)
    elsewhere(shell).ok("restore", "today.db")


def test_what_is_refused_is_one_line(make_shell: MakeShell) -> None:
    shell = filled(make_shell("sqlite"))
    new = elsewhere(shell)
    shell.write("there.db", "mine")
    assert "there.db: there is a file of that name already" in shell.fails(1, "backup", "there.db")
    assert "there.db: is no backup, or is damaged" in new.fails(2, "restore", "there.db")
    assert "none.db: cannot be read" in new.fails(2, "restore", "none.db")
    assert "no\\x1b: cannot be read" in new.fails(2, "restore", "no\x1b")
    assert "standard input" in new.fails(2, "restore", "-")
    assert "standard input" in shell.fails(2, "backup", "-")
    assert "cannot be written" in shell.fails(2, "backup", "no/today.db")
    assert "there is no database at" in new.fails(1, "backup", "today.db")
    assert not (shell.folder / "new.db").exists(), "what cannot be restored makes no database"


def test_a_changed_backup_leaves_the_database_empty(make_shell: MakeShell) -> None:
    shell = filled(make_shell("sqlite"))
    shell.ok("backup", "today.db")
    raw = sqlite3.connect(shell.folder / "today.db")
    raw.execute("UPDATE answer SET text = 'better' WHERE id = 1")
    raw.commit()
    raw.close()
    new = elsewhere(shell)
    done = new.run("restore", "today.db")
    assert (done.code, done.out) == (1, "")
    assert "error: s: ledger entry" in done.said
    assert new.ok("study", "list").out == ""
    assert "nothing to back up" in new.fails(1, "backup", "empty.db")


def test_a_disk_that_is_full_is_told_and_leaves_nothing(make_shell: MakeShell) -> None:
    shell = filled(make_shell("sqlite"))
    process = shell.spawn("backup", "today.db")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"error: today.db: was not written: the database ")
    assert err.count(b"\n") == 1
    assert not list(shell.folder.glob("*today*"))
