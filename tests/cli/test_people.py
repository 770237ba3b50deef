"""Invitations, seats and tokens by commands."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.running import Finished, Shell
from tests.cli.shells import MakeShell

LINK = re.compile(r"http://127\.0\.0\.1:8000/join/([A-Za-z0-9_-]{43})\n")


def invite(shell: Shell, name: str, *more: str, role: str = "rater") -> Finished:
    return shell.ok("invite", "--study", "s", "--role", role, "--name", name, *more)


def seats(shell: Shell) -> list[list[str]]:
    return [line.split("\t") for line in shell.ok("seat", "list", "--study", "s").out.splitlines()]


def test_an_invitation_is_one_link_on_standard_output(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    done = invite(shell, "Dr A")
    assert LINK.fullmatch(done.out)
    assert re.fullmatch(
        r"a link for Dr A \(rater-[a-z2-7]{8}\), for one use, valid until [-0-9]{10} [:0-9]{5} UTC\n", done.said
    )
    assert done.out.strip() not in done.said


def test_the_public_address_and_the_days_are_settings(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    done = shell.ok(
        "invite", "--study", "s", "--role", "admin", "--name", "A", ARENA_PUBLIC_URL="https://arena.example.org/"
    )
    assert done.out.startswith("https://arena.example.org/join/")


def test_one_seat_a_person_and_a_new_link_only_when_asked(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    first = invite(shell, "Dr A").out
    assert "--renew" in shell.fails(1, "invite", "--study", "s", "--role", "rater", "--name", "Dr A")
    second = invite(shell, "Dr A", "--renew").out
    assert LINK.fullmatch(second)
    assert second != first
    assert len(seats(shell)) == 1
    invite(shell, "Dr A", role="analyst")
    assert [row[1:] for row in seats(shell)] == [["rater", "invited", "Dr A"], ["analyst", "invited", "Dr A"]]
    pseudonym = seats(shell)[0][0]
    assert LINK.fullmatch(invite(shell, pseudonym, "--renew").out)
    said = shell.fails(2, "invite", "--study", "s", "--role", "rater", "--name", "Dr B", "--renew")
    assert "no rater called 'Dr B' has a seat in 's'" in said


def test_a_revoked_seat_is_listed_as_such_and_its_name_is_free_again(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    assert "nobody has a seat in 's'; arena invite --study s" in shell.ok("seat", "list", "--study", "s").said
    invite(shell, "Dr A")
    [[pseudonym, *_]] = seats(shell)
    shell.ok("seat", "revoke", pseudonym, "--study", "s")
    assert seats(shell) == [[pseudonym, "rater", "revoked", "Dr A"]]
    assert "`arena seat list`" in shell.fails(2, "seat", "revoke", pseudonym, "--study", "s")
    shell.fails(2, "seat", "revoke", "rater-nobody00", "--study", "s")
    invite(shell, "Dr A")
    assert [row[2] for row in seats(shell)] == ["revoked", "invited"]
    shell.ok("audit")


def test_names_are_one_printable_line(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    for name in ("", "  ", "x" * 201, "two\nlines", "tab\there", "\x1b[31mred", "\u202eback", "zero\u200bwidth"):
        said = shell.fails(2, "invite", "--study", "s", "--role", "rater", "--name", name)
        assert said == "error: a name must be 1 to 200 printable characters\n"
    assert seats(shell) == []


def test_a_role_that_is_none(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    said = shell.fails(2, "invite", "--study", "s", "--role", "king", "--name", "A")
    assert "'rater', 'reviewer', 'analyst', 'admin'" in said


def test_a_token_is_shown_once_and_its_secret_is_kept_nowhere(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    shell.ok("study", "create", "s", "--title", "S")
    link = invite(shell, "Dr A").out
    token = shell.ok("token", "create", "--role", "analyst", "--label", "notebook")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", token.out)
    found = LINK.fullmatch(link)
    assert found
    database = Path(shell.url.removeprefix("sqlite:///"))
    files = [*shell.folder.iterdir(), *database.parent.glob(f"{database.name}*")]
    kept = b"".join(path.read_bytes() for path in files)
    for secret in (token.out.strip(), found[1]):
        assert secret.encode() not in kept
        assert secret not in token.said
        assert secret not in shell.ok("token", "list").out
    assert b"notebook" in kept, "the files that were searched are the database's"


def test_tokens_are_listed_and_revoked(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    assert shell.ok("token", "list").out == ""
    said = shell.ok("token", "create", "--role", "analyst", "--label", "a notebook", "--study", "s").said
    name = said.partition(":")[0]
    shell.ok("token", "create", "--role", "admin")
    rows = [line.split("\t") for line in shell.ok("token", "list").out.splitlines()]
    assert [(row[0] == name, row[1], row[4]) for row in rows] == [
        (True, "analyst", "a notebook"),
        (False, "admin", "api"),
    ]
    assert [row[2] for row in rows] == ["study s", "all studies"]
    shell.ok("token", "revoke", name)
    assert [line.split("\t")[1] for line in shell.ok("token", "list").out.splitlines()] == ["admin"]
    assert "`arena token list`" in shell.fails(2, "token", "revoke", name)
    shell.ok("audit")


def test_a_token_is_not_for_raters_and_its_label_is_one_printable_line(shell: Shell) -> None:
    assert "raters vote in a browser" in shell.fails(2, "token", "create", "--role", "rater")
    shell.fails(2, "token", "create", "--role", "analyst", "--label", "\x1b]0;owned\x07")
    assert shell.ok("token", "list").out == ""
