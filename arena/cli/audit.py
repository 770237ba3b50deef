"""`arena audit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated

import typer

from arena.cli.common import binary, count, opened, say, write
from arena.domain.ledger import Head, LedgerBroken, read_head
from arena.domain.text import printable
from arena.errors import BadInput, Incomplete
from arena.services import audit as audits
from arena.services import studies
from arena.services.audit import Audited
from arena.store.engine import Database


def audit(
    study: Annotated[str | None, typer.Option("--study", "-s", help="One study only.", show_default=False)] = None,
    ledger: Annotated[
        str | None, typer.Option(help="An exported ledger; no database is needed.", show_default=False)
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH", help="A head kept elsewhere: HASH or POSITION:HASH, as on a board.", show_default=False
        ),
    ] = None,
) -> None:
    """Recompute the ledgers, compare every row with its entry, and name the first bad one (exit status 1).

    Without a head that was kept elsewhere, a ledger that was cut short or rewritten as a whole cannot be told.

    Examples: arena audit; arena audit --study kqa --head 812:9f…; arena audit --ledger kqa-ledger.jsonl
    """
    known = read_head(head) if head is not None else None
    if known and study is None and ledger is None:
        raise BadInput("--head belongs to one ledger: give --study NAME or --ledger FILE with it")
    if study is not None and ledger is not None:
        raise BadInput("give --study or --ledger, not both")
    if ledger is not None:
        with binary(ledger) as file:
            _print(_named(ledger, lambda: audits.audit_file(file, ledger, head=known)), "part")
        return
    with opened() as db:
        for one in _audited(db, study, known):
            _print(one, "row")
    if known is None:
        say("note: without --head, a head that was kept elsewhere, a ledger that was cut or rewritten cannot be told")


def _audited(db: Database, name: str | None, head: Head | None) -> Iterator[Audited]:
    if name is not None:
        study = studies.get(db, name)
        yield _named(name, lambda: audits.audit_study(db, study.id, head=head))
        return
    found = studies.listed(db)
    if not found:
        say("there is no study yet: nothing to audit")
        return
    yield _named(audits.INSTANCE, lambda: audits.audit_instance(db))
    for study in found:
        yield _named(study.name, partial(audits.audit_study, db, study.id))


def _named(name: str, check: Callable[[], Audited]) -> Audited:
    """Run a check; where it fails, say of which ledger."""
    try:
        return check()
    except LedgerBroken as error:
        raise Incomplete(f"{name}: {error}") from error


def _print(passed: Audited, of: str) -> None:
    """One line of an audited ledger; `of` says what was compared: rows, or the parts of a file."""
    cells = [
        printable(passed.name),
        "ok",
        count(passed.head.position, "entry", "entries"),
        count(passed.compared, of),
        f"{passed.head.position}:{passed.head.hash}",
    ]
    write("\t".join(cells) + "\n")
    if passed.texts_missing:
        texts = count(passed.texts_missing, "comment or further field", "comments and further fields")
        say(f"note: {printable(passed.name)} holds {texts} by commitment only: erased or left out")
