"""`arena backup` and `arena restore`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from arena import assets
from arena.cli.common import STANDARD_STREAM, count, opened, progress, say, write
from arena.domain.text import printable
from arena.errors import BadInput
from arena.services import backup as backups
from arena.services.audit import Audited

NewFile = Annotated[str, typer.Argument(metavar="FILE", help="The file to be made.", show_default=False)]
File = Annotated[str, typer.Argument(metavar="FILE", help="The backup.", show_default=False)]


def backup(file: NewFile) -> None:
    """Copy the whole database, of either kind, into one new SQLite file, while the server goes on taking votes.

    The copy is audited first. Prints name, head and number of entries of each ledger in it. The file holds raters'
    names and comments: keep it private.

    Example: arena backup arena-2026-01-31.db
    """
    target = _path(file)
    with opened() as db, progress("rows copied") as report:
        done = backups.back_up(db, target, migrations=assets.path("migrations"), report=report)
    _print(done)
    say(f"wrote {printable(file)} with {count(len(done) - 1, 'study', 'studies')}; every ledger in it passed the audit")


def restore(
    file: File,
    keep_sessions: Annotated[
        bool, typer.Option("--keep-sessions", help="Who was signed in then stays so, and unused links work.")
    ] = False,
) -> None:
    """Store a backup in the empty database of ARENA_DATABASE_URL, of either kind; it is made where it is missing.

    All of it is stored, and passes the audit, or nothing. Prints name, head and number of entries of each ledger.
    Seats, tokens and texts are as they were then: revoke and erase again what was revoked and erased since.

    Example: ARENA_DATABASE_URL=sqlite:///new.db arena restore arena-2026-01-31.db
    """
    source, migrations = _path(file), assets.path("migrations")
    backups.check_backup(source, migrations=migrations)
    with opened(create=True) as db, progress("rows copied") as report:
        done = backups.restore(db, source, migrations=migrations, report=report, keep_sessions=keep_sessions)
    _print(done)
    say(f"restored {count(len(done) - 1, 'study', 'studies')}; every ledger passed the audit")
    say("note: seats, tokens and texts are as they were then: revoke and erase again what was revoked and erased since")
    if not keep_sessions:
        say("note: everybody is signed out, and unused links are void; `arena invite --renew` makes new ones")


def _path(file: str) -> Path:
    if file == STANDARD_STREAM:
        raise BadInput("a backup is a file; standard input and output cannot hold one")
    return Path(file)


def _print(ledgers: Iterable[Audited]) -> None:
    for one in ledgers:
        head = f"{one.head.position}:{one.head.hash}"
        write(f"{printable(one.name)}\t{head}\t{count(one.head.position, 'entry', 'entries')}\n")
