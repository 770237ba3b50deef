"""Exclusions, withdrawals and erasures by commands."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import text

from arena.store.engine import open_database
from tests.cli.running import Shell
from tests.services.eventful import cast
from tests.studies import opened, seated

COMMENT = "xylophone-comment"


@pytest.fixture
def rated(shell: Shell) -> tuple[Shell, str]:
    """A study with three votes of one rater, the last with a comment; and the rater's pseudonym."""
    shell.ok("db", "upgrade")
    db = open_database(shell.url)
    opened(db)
    seat = seated(db, "Dr Quixworthy")
    for comment in (None, None, COMMENT):
        cast(db, seat, comment=comment)
    db.close()
    return shell, seat.pseudonym


def votes(shell: Shell) -> list[int]:
    """The positions of the votes that count."""
    rows = shell.ok("export", "votes", "--study", "s", "--output", "-").out.splitlines()
    return [json.loads(row)["ledger_position"] for row in rows]


def test_votes_are_excluded_and_readmitted_with_a_reason_on_the_board(rated: tuple[Shell, str]) -> None:
    shell, rater = rated
    first, *others = votes(shell)
    shell.ok("exclude", str(first), "--study", "s", "--reason", "a projector test")
    assert votes(shell) == others
    assert "1 vote is excluded: a projector test" in shell.ok("leaderboard", "--study", "s", "--bootstrap", "10").out
    shown = shell.ok("study", "show", "s").out
    assert "1 excluded or withdrawn" in shown
    assert f"excluded    {first}: a projector test\n" in shown
    assert "left out, 1 in all" in shell.ok("export", "votes", "--study", "s", "--output", "-").said
    shell.ok("exclude", "--rater", rater, "--study", "s", "--reason", "all of them")
    assert votes(shell) == []
    said = shell.fails(1, "leaderboard", "--study", "s")
    assert "2 votes are excluded: all of them" in said
    shell.ok("readmit", "--rater", rater, "--study", "s", "--reason", "real")
    assert votes(shell) == [first, *others]
    shell.ok("audit")


@pytest.mark.parametrize(
    ("code", "argv"),
    [
        (2, ["exclude", "--study", "s", "--reason", "x"]),
        (2, ["exclude", "5", "--rater", "r", "--study", "s", "--reason", "x"]),
        (2, ["exclude", "1", "--study", "s", "--reason", "x"]),
        (2, ["exclude", "1", "--study", "none", "--reason", "x"]),
        (2, ["exclude", "1", "--study", "s", "--reason", " "]),
        (2, ["withdraw", "nobody", "--study", "s", "--yes"]),
        (2, ["erase", "1", "--study", "s", "--yes"]),
        (2, ["exclude", "0", "--study", "s", "--reason", "x"]),
        (2, ["exclude", str(2**63), "--study", "s", "--reason", "x"]),
        (2, ["exclude", str(2**63 - 1), "--study", "s", "--reason", "x"]),
        (2, ["readmit", str(10**30), "--study", "s", "--reason", "x"]),
        (2, ["erase", str(2**63), "--study", "s", "--yes"]),
        (2, ["erase", str(2**63 - 1), "--study", "s", "--yes"]),
        (2, ["erase", "9" * 5000, "--study", "s", "--yes"]),
        (1, ["readmit", "--rater", "RATER", "--study", "s", "--reason", "x"]),
    ],
)
def test_what_cannot_be_done_is_said(rated: tuple[Shell, str], code: int, argv: list[str]) -> None:
    shell, rater = rated
    before = votes(shell)
    said = shell.fails(code, *(word.replace("RATER", rater) for word in argv))
    assert "Traceback" not in said
    assert "unexpected" not in said
    assert votes(shell) == before


def test_a_withdrawal_says_what_it_takes_and_waits_for_a_yes(rated: tuple[Shell, str]) -> None:
    shell, rater = rated
    said = shell.fails(2, "withdraw", rater, "--study", "s")
    assert re.search(rf"{rater}: the name will be erased, 1 comment .* will be erased, votes stay", said)
    assert "--yes" in said
    assert "Quixworthy" in shell.ok("seat", "list", "--study", "s").out
    done = shell.ok("withdraw", rater, "--study", "s", "--yes")
    assert "the name is erased" in done.said
    assert shell.ok("seat", "list", "--study", "s").out == f"{rater}\trater\twithdrawn\t\n"
    assert COMMENT not in shell.ok("export", "ledger", "--study", "s", "--output", "-").out
    assert len(votes(shell)) == 3
    assert "note: s: texts erased, as its entries say: 1" in shell.ok("audit").lines
    assert "already" in shell.fails(1, "withdraw", rater, "--study", "s", "--yes")


def test_one_comment_is_erased_and_the_vote_stays(rated: tuple[Shell, str]) -> None:
    shell, _ = rated
    last = str(votes(shell)[-1])
    assert COMMENT in shell.ok("export", "votes", "--study", "s", "--output", "-").out
    assert "--yes" in shell.fails(2, "erase", last, "--study", "s")
    shell.ok("erase", last, "--study", "s", "--yes")
    assert COMMENT not in shell.ok("export", "votes", "--study", "s", "--output", "-").out
    assert len(votes(shell)) == 3
    assert "erased already" in shell.fails(2, "erase", last, "--study", "s", "--yes")
    shell.ok("db", "scrub")


def test_a_comment_that_is_gone_without_an_entry_is_said_by_the_audit(rated: tuple[Shell, str]) -> None:
    """The ledger holds its commitment only: whether it was left out or deleted is for people to judge."""
    shell, _ = rated
    assert "texts gone" not in shell.ok("audit").said
    db = open_database(shell.url)
    with db.write() as tx:
        tx.execute(text("DELETE FROM sealed_text"))
    db.close()
    assert "note: s: texts gone without an entry (left out of a file, or deleted): 1" in shell.ok("audit").lines
